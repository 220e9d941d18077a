// Which stack was met when, by which thread: the time order of a recording, in typed arrays. Kept sample by sample up to
// a budget; past it samples of one thread with one stack within a bucket of time are merged, and buckets double until it
// fits again. So an hour-long recording keeps its shape and its exact sums in bounded memory. Each metric has one.

/** What is kept before it is merged. An entry costs 24 bytes here, one of its frames some 10 bytes in the file. */
export interface TimelineBudget {
  entries: number;
  frames: number;
}
/** 60 s of 8 threads at 99 Hz with stacks of 60 frames are 47,520 entries and 2.9 million frames: a file of 30 MB. */
const DEFAULT_BUDGET: TimelineBudget = { entries: 150_000, frames: 4_000_000 };

export class Timeline {
  timeNs = new Float64Array(4096);
  thread = new Uint32Array(4096);
  /** What the caller gave: a node of the location tree, or `~id` of a stack that is not resolved yet. */
  stack = new Int32Array(4096);
  /** What is counted: samples, or the sum of a metric's measured values. */
  figure = new Float64Array(4096);
  size = 0;
  /** 0 while every sample is an entry of its own. */
  bucketNs = 0;
  private sorted = 0;
  /** Frames of all entries. */
  private frames = 0;
  private readonly budget: TimelineBudget;

  constructor(
    /** Length of the first buckets, ns: some sampling periods. */
    private readonly firstBucketNs: number,
    private readonly depthOf: (stack: number) => number,
    budget = DEFAULT_BUDGET,
  ) {
    this.budget = { ...budget };
  }

  add(timeNs: number, thread: number, stack: number, figure: number): void {
    if (this.size === this.timeNs.length) this.grow();
    const at = this.size++;
    this.timeNs[at] = timeNs;
    this.thread[at] = thread;
    this.stack[at] = stack;
    this.figure[at] = figure;
    this.frames += this.depthOf(stack);
  }

  get overBudget(): boolean {
    return this.exceeds(1);
  }

  private exceeds(share: number): boolean {
    return this.size > this.budget.entries * share || this.frames > this.budget.frames * share;
  }

  /** Sorts by time. Nearly sorted already (each CPU's records come in order), so insertion is the quickest way. */
  sort(): void {
    const { timeNs, thread, stack, figure } = this;
    for (let i = Math.max(this.sorted, 1); i < this.size; i++) {
      const time = timeNs[i];
      if (timeNs[i - 1] <= time) continue;
      const [t, s, n] = [thread[i], stack[i], figure[i]];
      let at = i;
      for (; at > 0 && timeNs[at - 1] > time; at--) {
        timeNs[at] = timeNs[at - 1];
        thread[at] = thread[at - 1];
        stack[at] = stack[at - 1];
        figure[at] = figure[at - 1];
      }
      timeNs[at] = time;
      thread[at] = t;
      stack[at] = s;
      figure[at] = n;
    }
    this.sorted = this.size;
  }

  /**
   * Merges until at most half the budget is in use. Where even one bucket for all time does not suffice (too many
   * different stacks), `shorten(stack, depth)` maps a stack to its outer `depth` frames.
   */
  coarsen(shorten: (stack: number, depth: number) => number): void {
    const spanNs = this.size === 0 ? 0 : this.timeNs[this.size - 1] - this.timeNs[0];
    this.bucketNs = Math.max(this.bucketNs, this.firstBucketNs / 2);
    while (this.exceeds(0.5) && this.bucketNs <= spanNs) {
      this.bucketNs *= 2;
      this.merge();
    }
    for (let depth = 64; this.exceeds(0.5) && depth >= 4; depth /= 2) {
      for (let i = 0; i < this.size; i++) this.stack[i] = shorten(this.stack[i], depth);
      this.merge();
    }
    // Too many threads and functions even so: rather a larger file than merging again at every sample.
    this.budget.entries = Math.max(this.budget.entries, this.size * 2);
    this.budget.frames = Math.max(this.budget.frames, this.frames * 2);
  }

  private merge(): void {
    this.sort();
    const seen = new Map<number, Map<number, number>>();
    let [kept, bucket] = [0, Number.NaN];
    this.frames = 0;
    for (let i = 0; i < this.size; i++) {
      const itsBucket = Math.floor(this.timeNs[i] / this.bucketNs);
      if (itsBucket !== bucket) {
        seen.clear();
        bucket = itsBucket;
      }
      const [thread, stack] = [this.thread[i], this.stack[i]];
      let ofThread = seen.get(thread);
      if (!ofThread) {
        ofThread = new Map();
        seen.set(thread, ofThread);
      }
      const first = ofThread.get(stack);
      if (first !== undefined) {
        this.figure[first] += this.figure[i];
        continue;
      }
      ofThread.set(stack, kept);
      this.frames += this.depthOf(stack);
      this.timeNs[kept] = this.timeNs[i];
      this.thread[kept] = thread;
      this.stack[kept] = stack;
      this.figure[kept] = this.figure[i];
      kept++;
    }
    this.size = this.sorted = kept;
  }

  private grow(): void {
    const capacity = this.timeNs.length * 2;
    const larger = { f: new Float64Array(capacity), t: new Uint32Array(capacity), n: new Float64Array(capacity) };
    const stack = new Int32Array(capacity);
    larger.f.set(this.timeNs);
    larger.t.set(this.thread);
    larger.n.set(this.figure);
    stack.set(this.stack);
    [this.timeNs, this.thread, this.figure, this.stack] = [larger.f, larger.t, larger.n, stack];
  }
}
