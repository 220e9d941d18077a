// Histograms of latencies as the kernel keeps them (struct http_series of bpf/http_events.h): which bucket stands for which time,
// and the percentiles of one. A bucket's middle is at most 1/64 from every value in it.

import { HTTP_BUCKETS, HTTP_LATENCY_SHIFT, HTTP_LINEAR_BUCKETS, HTTP_OCTAVE_BUCKETS } from '../abi/httpEvents.gen';

const UNIT_NS = 2 ** HTTP_LATENCY_SHIFT;
/** Octaves begin with the linear buckets' end, 2^6 units. */
const FIRST_OCTAVE = Math.log2(HTTP_LINEAR_BUCKETS);

/** Start and width, in ns. */
export function bucketRange(bucket: number): { startNs: number; widthNs: number } {
  if (bucket < HTTP_LINEAR_BUCKETS) return { startNs: bucket * UNIT_NS, widthNs: UNIT_NS };
  const octave = FIRST_OCTAVE + Math.floor((bucket - HTTP_LINEAR_BUCKETS) / HTTP_OCTAVE_BUCKETS);
  const part = (bucket - HTTP_LINEAR_BUCKETS) % HTTP_OCTAVE_BUCKETS;
  const widthNs = (UNIT_NS * 2 ** octave) / HTTP_OCTAVE_BUCKETS;
  return { startNs: (HTTP_OCTAVE_BUCKETS + part) * widthNs, widthNs };
}

/** Of a time: as latency_bucket() of bpf/lib/http_count.bpf.h. */
export function bucketOf(ns: number): number {
  const units = Math.floor(ns / UNIT_NS);
  if (units < HTTP_LINEAR_BUCKETS) return units;
  const octave = Math.floor(Math.log2(units));
  const part = Math.floor((units / 2 ** octave) * HTTP_OCTAVE_BUCKETS) - HTTP_OCTAVE_BUCKETS;
  return Math.min(HTTP_BUCKETS - 1, HTTP_LINEAR_BUCKETS + (octave - FIRST_OCTAVE) * HTTP_OCTAVE_BUCKETS + part);
}

export class LatencyHistogram {
  readonly buckets = new Float64Array(HTTP_BUCKETS);
  count = 0;
  maxNs = 0;

  add(buckets: ArrayLike<number>, maxNs: number): void {
    for (let i = 0; i < HTTP_BUCKETS; i++) {
      this.buckets[i] += buckets[i];
      this.count += buckets[i];
    }
    this.maxNs = Math.max(this.maxNs, maxNs);
  }

  /** Of `other`, an earlier state of this one, what came since; its maximum is this one's. */
  since(other: LatencyHistogram): LatencyHistogram {
    const result = new LatencyHistogram();
    for (let i = 0; i < HTTP_BUCKETS; i++) {
      result.buckets[i] = Math.max(0, this.buckets[i] - other.buckets[i]);
      result.count += result.buckets[i];
    }
    result.maxNs = this.maxNs;
    return result;
  }

  /** `share` 0..1; never above the longest that was met. 0 where nothing was. */
  percentileNs(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.count));
    let seen = 0;
    for (let i = 0; i < HTTP_BUCKETS; i++) {
      seen += this.buckets[i];
      if (seen < wanted) continue;
      const { startNs, widthNs } = bucketRange(i);
      return Math.min(startNs + widthNs / 2, this.maxNs);
    }
    return 0;
  }

  /** How many lie below each bound (in ns, rising), and beyond the last: each bucket goes where its middle is. */
  countsBelow(boundsNs: readonly number[]): number[] {
    const counts = new Array<number>(boundsNs.length + 1).fill(0);
    let place = 0;
    for (let i = 0; i < HTTP_BUCKETS; i++) {
      const { startNs, widthNs } = bucketRange(i);
      while (place < boundsNs.length && startNs + widthNs / 2 > boundsNs[place]) place++;
      counts[place] += this.buckets[i];
    }
    return counts;
  }

  /** The time that at most `most` of these took or exceeded. */
  slowestNs(most: number): number {
    let seen = 0;
    for (let i = HTTP_BUCKETS - 1; i >= 0; i--) {
      seen += this.buckets[i];
      if (seen > most) return bucketRange(i).startNs + bucketRange(i).widthNs;
    }
    return 0;
  }
}
