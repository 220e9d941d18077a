// Varies the sampling period against aliasing: at an unvarying 99 Hz, work that repeats at a multiple of it would be seen always or
// never. The kernel starts a period anew when it is changed (PERF_EVENT_IOC_PERIOD drops what had passed of it), which alone would
// lose some 5 % of the samples; so what is owed is counted, and paid by the next period. No kernel calls in here: tested by itself.

/** Periods that an interval without change holds at least, and its least length. */
const INTERVAL_PERIODS = 10;
const INTERVAL_MIN_NS = 400e6;
/** Greatest random deviation, and what a period may be at most after paying what is owed. */
const DEVIATION = 0.1;
const CLAMP = 0.25;

export class Jitter {
  periodNs: number;
  private startedNs: number;
  private intervalNs: number;
  private owed = 0;
  private settling = false;

  /** `random`: 0 to 1, like Math.random. */
  constructor(
    private readonly frequencyHz: number,
    nowNs: number,
    private readonly random: () => number = Math.random,
  ) {
    this.periodNs = Math.round(1e9 / frequencyHz);
    this.startedNs = nowNs;
    this.intervalNs = this.newInterval();
  }

  isDue(nowNs: number): boolean {
    return nowNs - this.startedNs >= this.intervalNs;
  }

  /** Ends the interval now; the period that the kernel is to have from now on, in nanoseconds. */
  next(nowNs: number): number {
    const meanNs = 1e9 / this.frequencyHz;
    const elapsedNs = nowNs - this.startedNs;
    this.owed += elapsedNs / meanNs - Math.floor(elapsedNs / this.periodNs);
    this.startedNs = nowNs;
    this.intervalNs = this.newInterval();
    const usual = this.intervalNs / meanNs;
    this.owed = Math.max(-usual / 2, Math.min(usual / 2, this.owed));
    // One interval by chance, one that makes up for it.
    const wanted = this.settling ? usual + this.owed : usual * (1 + DEVIATION * (2 * this.random() - 1));
    this.settling = !this.settling;
    const periodNs = this.intervalNs / (Math.round(wanted) + 0.5);
    this.periodNs = Math.round(Math.max(meanNs * (1 - CLAMP), Math.min(meanNs * (1 + CLAMP), periodNs)));
    return this.periodNs;
  }

  private newInterval(): number {
    const least = Math.max(INTERVAL_MIN_NS, (INTERVAL_PERIODS * 1e9) / this.frequencyHz);
    return least * (1 + DEVIATION * this.random());
  }
}
