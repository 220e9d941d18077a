// What a recording has learned of stacks so far: one index of stacks, one table of threads, and a profile for each metric. A
// recording feeds it as the ring drains; stacks get their names later (`resolved`), samples count from the start. `snapshot`
// gives the exporters one consistent view.

import type { SampleRecord, StackRecord } from '../abi/records';
import type { Metric } from '../protocol';
import type { Frame } from '../runtimes/frame';
import { type ContextName, MetricProfile } from './metricProfile';
import { NO_NODE } from './prefixTree';
import type { StackSlot } from './slots';
import { StackIndex } from './stackIndex';
import { type StackSnapshot, snapshotOf } from './stackSnapshot';
import { ThreadTable } from './threadTable';

export class StackCounts {
  index: StackIndex;
  threads = new ThreadTable();
  /** In the order of the metrics that were asked for. */
  profiles: readonly MetricProfile[];
  /** While an exporter reads the timelines they may grow but not be rearranged. */
  private readers = 0;

  constructor(
    private readonly metrics: readonly Metric[],
    private readonly contextName: ContextName = () => null,
  ) {
    this.index = this.newIndex(null);
    this.profiles = metrics.map((metric) => new MetricProfile(metric, this.index, this.contextName));
  }

  /** Counting begins anew, in memory of its own. Stacks that are met before the kernel tells of them again keep their names. */
  reset(): void {
    this.index = this.newIndex(this.index);
    this.threads = new ThreadTable();
    this.profiles = this.metrics.map((metric) => new MetricProfile(metric, this.index, this.contextName));
    this.readers = 0;
  }

  private newIndex(previous: StackIndex | null): StackIndex {
    return new StackIndex((slot) => {
      for (const profile of this.profiles) profile.placed(slot);
    }, previous);
  }

  /** Samples of all metrics. */
  get samples(): number {
    return this.profiles.reduce((sum, { samples }) => sum + samples, 0);
  }

  /** A stack the kernel tells of: a slot to resolve, or null where it is known already. */
  addStack(record: StackRecord): StackSlot | null {
    return this.index.add(record);
  }

  get samplesWithoutStack(): number {
    return this.profiles.reduce((sum, profile) => sum + profile.samplesWithoutStack, 0);
  }

  /** `provisional`: better names may follow, or `confirm`. */
  resolved(slot: StackSlot, byAddress: Frame[][], provisional = false): void {
    this.index.resolved(slot, byAddress, provisional);
  }

  confirm(slot: StackSlot): void {
    this.index.confirm(slot);
  }

  /** One of a metric that was not asked for counts nowhere. */
  addSample({ stackId, timeNs, pid, tid, metric, value, label, threadName }: SampleRecord): void {
    const profile = this.profiles.find(({ metric: { id } }) => id === metric);
    if (!profile) return;
    const thread = this.threads.indexOf(pid, tid, threadName);
    const context = label && { kind: label.kind, pid, id: label.id };
    profile.add(this.index.slotOf(stackId), thread, timeNs, value, context, this.readers > 0);
  }

  /** One consistent view of all so far. Call `release` when it is no longer read. */
  snapshot(): StackSnapshot {
    if (this.readers === 0)
      for (const profile of this.profiles) {
        profile.settle();
        profile.timeline.sort();
      }
    this.readers++;
    const waits = this.profiles.some(({ pending }) => [...pending.keys()].some(({ lineNode }) => lineNode === NO_NODE));
    return snapshotOf(this, waits ? this.index.remarkNode('[not symbolized yet]') : NO_NODE);
  }

  release(): void {
    this.readers--;
  }
}
