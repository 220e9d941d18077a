// How many spans the kernel sends: as many as may be handled for a share of one CPU. Of requests that are neither slow nor failed
// one in so many; of failed ones all, while there are not too many; slow is what belongs to the slowest of the last interval.

import type { SpanRates } from './kernelCounts';
import type { LatencyHistogram } from './latency';

/** Measured: a span costs the helper some 10 us. So these three together are at most 1 % of a CPU. */
const SAMPLED_PER_SECOND = 500;
const ERRORS_PER_SECOND = 300;
const SLOW_PER_SECOND = 50;
const EVERY_MOST = 1_000_000;

export const FIRST_RATES: SpanRates = { slowNs: 20_000_000, spanEvery: 16, errorEvery: 1, ready: false };

const every = (perSecond: number, budget: number) => Math.max(1, Math.min(EVERY_MOST, Math.ceil(perSecond / budget)));

/** Of what was counted within the last `seconds`. */
export function spanRates(requests: number, errors: number, latency: LatencyHistogram, seconds: number): SpanRates {
  return {
    slowNs: latency.count === 0 ? FIRST_RATES.slowNs : latency.slowestNs(Math.ceil(SLOW_PER_SECOND * seconds)),
    spanEvery: every(requests / seconds, SAMPLED_PER_SECOND),
    errorEvery: every(errors / seconds, ERRORS_PER_SECOND),
    ready: true,
  };
}
