// The spans that a recording keeps: the slowest, the latest errors, and of the rest an even sample over its whole time. Bounded,
// so that a recording stays one file however long it runs.

import type { HttpSpan } from '../protocol';

export const SLOWEST_KEPT = 200;
export const ERRORS_KEPT = 200;
export const SAMPLE_KEPT = 1_000;

const durationNs = (span: HttpSpan) => span.endNs - span.startNs;

export class Exemplars {
  /** Shortest first. */
  private slowest: HttpSpan[] = [];
  private errors: HttpSpan[] = [];
  private sample: HttpSpan[] = [];
  private sampled = 0;

  /** `random` 0..1: replaceable by tests. */
  constructor(private readonly random: () => number = Math.random) {}

  add(span: HttpSpan): void {
    if (span.error) {
      this.errors.push(span);
      if (this.errors.length > ERRORS_KEPT) this.errors.shift();
    }
    this.addToSlowest(span);
    if (span.every > 0 && !span.error) this.addToSample(span);
  }

  private addToSlowest(span: HttpSpan): void {
    if (this.slowest.length >= SLOWEST_KEPT && durationNs(span) <= durationNs(this.slowest[0])) return;
    let [low, high] = [0, this.slowest.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (durationNs(this.slowest[middle]) < durationNs(span)) low = middle + 1;
      else high = middle;
    }
    this.slowest.splice(low, 0, span);
    if (this.slowest.length > SLOWEST_KEPT) this.slowest.shift();
  }

  /** Each has the same chance to be kept (Vitter's algorithm R). */
  private addToSample(span: HttpSpan): void {
    this.sampled++;
    if (this.sample.length < SAMPLE_KEPT) this.sample.push(span);
    else {
      const place = Math.floor(this.random() * this.sampled);
      if (place < SAMPLE_KEPT) this.sample[place] = span;
    }
  }

  /** In order of their start, each once. */
  all(): HttpSpan[] {
    return [...new Set([...this.slowest, ...this.errors, ...this.sample])].sort((a, b) => a.startNs - b.startNs);
  }

  reset(): void {
    this.slowest = [];
    this.errors = [];
    this.sample = [];
    this.sampled = 0;
  }
}
