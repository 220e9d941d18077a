// How far a sampled share may be off: half the width of the 95 % confidence interval. Pure; shown in hovers.

const Z_95 = 1.959964;

/**
 * Wilson's score interval (Wilson 1927, JASA 22), which stays sensible near 0, near 1 and for few samples, where the
 * textbook formula claims certainty. `share` 0..1, returns a fraction.
 */
export function samplingError95(share: number, samples: number): number {
  if (samples <= 0) return 1;
  const z2 = Z_95 * Z_95;
  return (Z_95 * Math.sqrt((share * (1 - share)) / samples + z2 / (4 * samples * samples))) / (1 + z2 / samples);
}
