// All that is counted of one metric: by stack, exactly by line (beside the location tree of the StackIndex), in time order (a
// timeline), by thread and by execution context. A figure is 1 for a sample of a metric with a period, else the
// value that was measured.

import type { ContextKind, Metric, TruncationReason } from '../protocol';
import { ContextCounts } from './contextCounts';
import { NO_NODE } from './prefixTree';
import type { StackSlot } from './slots';
import type { StackIndex } from './stackIndex';
import { Timeline } from './timeline';

/** Length of the timeline's first buckets where a metric has no period of time, ns. */
const FIRST_BUCKET_NS = 10_000_000;

export interface SampleContext {
  kind: ContextKind;
  pid: number;
  id: number;
}

/** What an execution context is called; null: nothing but its id. */
export type ContextName = (pid: number, kind: ContextKind, id: number) => string | null;

export class MetricProfile {
  readonly timeline: Timeline;
  readonly contexts = new Map<ContextKind, ContextCounts>();
  readonly truncated: Partial<Record<TruncationReason, number>> = {};
  /** By thread. */
  readonly threadFigures: number[] = [];
  /** Beside each node of the location tree: what ended there. */
  own = new Float64Array(1024);
  samples = 0;
  total = 0;
  wholeStacks = 0;
  /** The record of their stack was lost. */
  samplesWithoutStack = 0;
  /** Figures of stacks that wait for their names, or for the final ones. */
  readonly pending = new Map<StackSlot, number>();
  /**
   * Nodes of stacks that had samples in the timeline before they were resolved, by the slot's id: not in the timeline itself while
   * somebody reads that.
   */
  readonly resolvedLate = new Map<number, number>();

  constructor(
    readonly metric: Metric,
    private readonly index: StackIndex,
    private readonly contextName: ContextName,
  ) {
    const { unit, period } = metric;
    const bucketNs = unit === 'nanoseconds' && period !== null ? period * 4 : FIRST_BUCKET_NS;
    this.timeline = new Timeline(bucketNs, (stack) => (stack < 0 ? 0 : index.lineTree.depth[stack]));
  }

  /** `isRead`: an exporter reads the timeline, which may grow then but not be rearranged. */
  add(
    slot: StackSlot,
    thread: number,
    timeNs: number,
    figure: number,
    context: SampleContext | null,
    isRead: boolean,
  ): void {
    this.samples++;
    this.total += figure;
    this.threadFigures[thread] = (this.threadFigures[thread] ?? 0) + figure;
    if (context) this.contextCounts(context.kind).add(context.pid, context.id, slot, figure);
    if (slot.missing) this.samplesWithoutStack++;
    if (slot.truncated === null) this.wholeStacks++;
    else this.truncated[slot.truncated] = (this.truncated[slot.truncated] ?? 0) + 1;
    if (slot.lineNode === NO_NODE || slot.provisional) {
      this.pending.set(slot, (this.pending.get(slot) ?? 0) + figure);
      this.timeline.add(timeNs, thread, ~slot.id, figure);
    } else {
      this.count(slot.lineNode, figure);
      this.timeline.add(timeNs, thread, slot.lineNode, figure);
    }
    if (this.timeline.overBudget && !isRead) {
      this.settle();
      this.timeline.coarsen((stack, depth) => (stack < 0 ? stack : this.index.outer(stack, depth)));
    }
  }

  /** A stack got its final nodes. */
  placed(slot: StackSlot): void {
    const figure = this.pending.get(slot);
    if (figure === undefined) return;
    this.pending.delete(slot);
    this.count(slot.lineNode, figure);
    this.resolvedLate.set(slot.id, slot.lineNode);
  }

  /** Timeline entries of stacks that were resolved after them get their nodes. */
  settle(): void {
    if (this.resolvedLate.size === 0) return;
    const { stack, size } = this.timeline;
    for (let i = 0; i < size; i++) if (stack[i] < 0) stack[i] = this.resolvedLate.get(~stack[i]) ?? stack[i];
    this.resolvedLate.clear();
  }

  private count(node: number, figure: number): void {
    if (node >= this.own.length) {
      const larger = new Float64Array(Math.max(node + 1, this.own.length * 2));
      larger.set(this.own);
      this.own = larger;
    }
    this.own[node] += figure;
  }

  private contextCounts(kind: ContextKind): ContextCounts {
    let counts = this.contexts.get(kind);
    if (!counts) {
      counts = new ContextCounts((pid, id) => this.contextName(pid, kind, id));
      this.contexts.set(kind, counts);
    }
    return counts;
  }
}
