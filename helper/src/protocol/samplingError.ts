// How far a sampled share may be off. One formula for the report, the page and the editors' hovers, so that all show the same figure.

/** 97.5 % quantile of the normal distribution: 95 % lie within. */
const Z_95 = 1.959964;

/**
 * Where a share really lies with 95 % confidence, as fractions: Wilson's score interval (Wilson 1927, JASA 22), which stays sensible near
 * 0, near 1 and for few samples, where the textbook formula claims certainty. `share` is what was met in `samples` samples, 0..1.
 */
export function shareInterval95(share: number, samples: number): { low: number; high: number } {
  if (samples <= 0) return { low: 0, high: 1 };
  const half = samplingError95(share, samples);
  const middle = (share + (Z_95 * Z_95) / (2 * samples)) / (1 + (Z_95 * Z_95) / samples);
  // Exactly 0 and 1 at the ends, where rounding would leave a trace.
  return { low: share <= 0 ? 0 : middle - half, high: share >= 1 ? 1 : middle + half };
}

/** Half the width of that interval; 1 without samples. */
export function samplingError95(share: number, samples: number): number {
  if (samples <= 0) return 1;
  const z2 = Z_95 * Z_95;
  return (Z_95 * Math.sqrt((share * (1 - share)) / samples + z2 / (4 * samples * samples))) / (1 + z2 / samples);
}
