// Means with their 95 % confidence interval, for ratios measured in pairs. Used by every figure of the benchmark.

export interface Estimate {
  mean: number;
  /** Half the width of the 95 % confidence interval of the mean. */
  halfWidth: number;
  count: number;
}

// Student's t, two-sided 95 %, by degrees of freedom 1..30; beyond that the normal value is near enough.
const T95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

export function estimate(values: number[]): Estimate {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count < 2) return { mean, halfWidth: Number.POSITIVE_INFINITY, count };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const t = T95[count - 2] ?? 1.96;
  return { mean, halfWidth: t * Math.sqrt(variance / count), count };
}

/** Part of the values left out at each end. */
const TRIM = 0.2;

/**
 * The mean without the highest and the lowest fifth, for values of which some are far off (another machine on the same
 * host took the core). Its interval is from the winsorized variance (Tukey and McLaughlin 1963; Wilcox, Robust Estimation).
 */
export function trimmedEstimate(values: number[]): Estimate {
  const count = values.length;
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor(TRIM * count);
  const kept = sorted.slice(cut, count - cut);
  const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
  if (kept.length < 2) return { mean, halfWidth: Number.POSITIVE_INFINITY, count };
  const winsorized = sorted.map((value) => Math.min(kept[kept.length - 1], Math.max(kept[0], value)));
  const middle = winsorized.reduce((sum, value) => sum + value, 0) / count;
  const variance = winsorized.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (count - 1);
  const t = T95[kept.length - 2] ?? 1.96;
  return { mean, halfWidth: (t * Math.sqrt(variance / count)) / (1 - 2 * TRIM), count };
}

/** The middle value, and the lowest and highest. */
export function spread(values: number[]): { median: number; min: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

export function formatRatio({ mean, halfWidth, count }: Estimate): string {
  return `${mean.toFixed(4)} ± ${halfWidth.toFixed(4)} (95 %, ${count} blocks)`;
}

export function formatSpread(values: number[], unit: string, digits = 0): string {
  const { median, min, max } = spread(values);
  return `${median.toFixed(digits)} ${unit} (${min.toFixed(digits)} to ${max.toFixed(digits)}, ${values.length} runs)`;
}
