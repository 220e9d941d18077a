// How much a figure changed between two recordings, with the 95 % interval of the change. Samples are counts: of a share both sides
// are binomial, of a rate (CPU time a request) both are Poisson. Intervals are score intervals, which hold for few samples, for none
// on one side, and for shares near 1: the ratio of two proportions after Koopman (1984, Biometrics 40) with the restricted estimates of
// Miettinen and Nurminen (1985, Statistics in Medicine 4); the ratio of two rates through the share of B in both (Wilson 1927).

/** 97.5 % quantile of the normal distribution. */
const Z_95 = 1.959964;
/** Halvings of the bracket in which an end of the interval is looked for: more digits than anybody reads. */
const STEPS = 60;
/** Natural logarithms of the least and greatest ratio that are told apart. */
const LEAST_LOG = -30;
const GREATEST_LOG = 30;

/** Of B relative to A: 0 is no change, 0.05 is 5 % more, -1 is gone. */
export interface Change {
  /** Infinity: A had none. NaN: neither has any. */
  estimate: number;
  low: number;
  high: number;
}

/** Figures of both sides and what they are of: samples of all, or what they are normalized by. */
export interface Counts {
  a: number;
  ofA: number;
  b: number;
  ofB: number;
}

/** `dispersion`: how many times more figures vary than sampling alone explains; at least 1. */
export function changeOfShare(counts: Counts, dispersion = 1): Change {
  const { a, ofA, b, ofB } = counts;
  if (!(ofA > 0) || !(ofB > 0) || a + b <= 0) return { estimate: Number.NaN, low: -1, high: Number.POSITIVE_INFINITY };
  const z = Z_95 * Math.sqrt(dispersion);
  return between(counts, (ratio) => scoreOfShares(counts, ratio), z);
}

/** Of figures a unit of exposure: `ofA` and `ofB` are known, not sampled. */
export function changeOfRate(counts: Counts, dispersion = 1): Change {
  const { a, ofA, b, ofB } = counts;
  if (!(ofA > 0) || !(ofB > 0) || a + b <= 0) return { estimate: Number.NaN, low: -1, high: Number.POSITIVE_INFINITY };
  const z2 = Z_95 * Z_95 * dispersion;
  const n = a + b;
  const share = b / n;
  const half = (Math.sqrt(z2) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
  const middle = (share + z2 / (2 * n)) / (1 + z2 / n);
  const ratio = (part: number) => (part >= 1 ? Number.POSITIVE_INFINITY : (part / (1 - part)) * (ofA / ofB));
  return {
    estimate: ratio(share) - 1,
    low: b === 0 ? -1 : ratio(Math.max(0, middle - half)) - 1,
    high: a === 0 ? Number.POSITIVE_INFINITY : ratio(Math.min(1, middle + half)) - 1,
  };
}

/** Of figures that were measured, not sampled: the interval is the change itself. */
export function changeOfMeasured({ a, ofA, b, ofB }: Counts): Change {
  const estimate = ofA > 0 && ofB > 0 && a + b > 0 ? b / ofB / (a / ofA) - 1 : Number.NaN;
  return { estimate, low: estimate, high: estimate };
}

/** Ratios that the score does not reject at `z`: it falls as the ratio grows. */
function between({ a, ofA, b, ofB }: Counts, score: (ratio: number) => number, z: number): Change {
  const find = (wanted: number) => {
    let [low, high] = [LEAST_LOG, GREATEST_LOG];
    for (let i = 0; i < STEPS; i++) {
      const middle = (low + high) / 2;
      if (score(Math.exp(middle)) > wanted) low = middle;
      else high = middle;
    }
    return Math.exp((low + high) / 2) - 1;
  };
  const estimate = a === 0 ? Number.POSITIVE_INFINITY : b / ofB / (a / ofA) - 1;
  // The estimate is never outside, whatever rounding makes of two shares of 1.
  return {
    estimate,
    low: b === 0 ? -1 : Math.min(estimate, find(z)),
    high: a === 0 ? Number.POSITIVE_INFINITY : Math.max(estimate, find(-z)),
  };
}

/** How far share B is from `ratio` times share A, in standard errors under that ratio. */
function scoreOfShares({ a, ofA, b, ofB }: Counts, ratio: number): number {
  // The restricted share of A is the lesser root of the likelihood's quadratic.
  const n = ofA + ofB;
  const p = n * ratio;
  const q = -(ofB * ratio + b + ofA + a * ratio);
  const r = a + b;
  const root = Math.sqrt(Math.max(0, q * q - 4 * p * r));
  // Written so that nothing cancels where the ratio is small.
  const shareA = Math.min(1, (2 * r) / (-q + root));
  const shareB = Math.min(1, shareA * ratio);
  const variance = (shareB * (1 - shareB)) / ofB + (ratio * ratio * shareA * (1 - shareA)) / ofA;
  const difference = b / ofB - (ratio * a) / ofA;
  return variance > 0 ? difference / Math.sqrt(variance) : Math.sign(difference) * Number.POSITIVE_INFINITY;
}

export interface Group {
  figures: number[][];
  totals: number[];
}

/**
 * How many times more the figures of several recordings of one program vary than sampling alone explains: Pearson's statistic over its
 * degrees of freedom, of all functions together; at least 1, and 1 where there is but one recording. `groups`: of each program, by
 * recording, by function; `totals`: what a recording's figures are of. `rates`: their figures are no parts of their totals.
 */
export function dispersionOf(groups: readonly Group[], rates: boolean): number {
  let statistic = 0;
  let freedom = 0;
  for (const { figures, totals } of groups) {
    const all = totals.reduce((sum, total) => sum + total, 0);
    if (totals.length < 2 || all <= 0) continue;
    for (let at = 0; at < (figures[0]?.length ?? 0); at++) {
      const sum = figures.reduce((total, row) => total + row[at], 0);
      const share = sum / all;
      // Fewer expected would make the statistic no chi-square.
      if ((share >= 1 && !rates) || totals.some((total) => total * share < LEAST_EXPECTED)) continue;
      for (const [i, row] of figures.entries()) {
        const expected = totals[i] * share;
        statistic += (row[at] - expected) ** 2 / (expected * (rates ? 1 : 1 - share));
      }
      freedom += totals.length - 1;
    }
  }
  return freedom === 0 ? 1 : Math.max(1, statistic / freedom);
}

const LEAST_EXPECTED = 5;
