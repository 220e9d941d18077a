// What a recording has learned so far: every sample counted by its stack, exactly by line (a tree of locations) and in
// time order by function (a timeline over a tree of functions). A session feeds it as the ring drains; stacks get their
// names later (`resolved`), samples count from the start. `snapshot` gives the exporters one consistent view.

import type { SampleRecord, StackId, StackRecord } from '../abi/records';
import type { TruncationReason } from '../protocol';
import type { Frame } from '../symbolize/types';
import { FrameTable } from './frameTable';
import { GoroutineCounts } from './goroutineCounts';
import { NO_NODE, PrefixTree } from './prefixTree';
import {
  countSnapshot,
  FIRST_OF_FUNCTION,
  FIRST_OF_LINE,
  FIRST_OF_LOCATION,
  type ProfileSnapshot,
} from './profileSnapshot';
import type { StackSlot, ThreadRow } from './slots';
import { Timeline } from './timeline';

/** Nodes of the location tree, after which new stacks show only their innermost frame: some 35 MB. */
const MAX_NODES = 1 << 20;
const MAX_LOCATIONS = 1 << 18;
/** Stacks known by id; twice as many are held. More than BPF's own table of known stacks can name. */
const STACKS_PER_GENERATION = 1 << 16;
/** Threads with a profile of their own; the rest share one. */
const MAX_THREADS = 2_000;

const TRUNCATION_REMARKS: Record<TruncationReason, string> = {
  noFramePointer: '[truncated: no frame pointer]',
  tooDeep: '[truncated: too deep]',
  badAddress: '[truncated: bad address]',
  noUnwindInfo: '[truncated: no unwind information]',
  unreadableStack: '[truncated: stack not readable]',
  unexpressible: '[truncated: unusual unwind information]',
  code32Bit: '[truncated: 32-bit code is not supported]',
  unknown: '[truncated]',
};

/** `outermost`: the last frame that was found, where the walk ended. */
function remarkOn(reason: TruncationReason, outermost: Frame | null): string {
  if (reason !== 'noUnwindInfo' || !outermost) return TRUNCATION_REMARKS[reason];
  return `[truncated: no unwind info for ${outermost.module}]`;
}

export class StackProfile {
  readonly frames = new FrameTable();
  readonly lineTree = new PrefixTree();
  readonly functionTree = new PrefixTree();
  readonly timeline: Timeline;
  readonly goroutines = new GoroutineCounts();
  readonly threads: ThreadRow[] = [];
  readonly truncated: Partial<Record<TruncationReason, number>> = {};
  /** Beside each node of `lineTree`: samples that ended there, its function node, FIRST_OF_… bits. */
  own = new Float64Array(1024);
  lineFlags = new Uint8Array(1024);
  functionNode = new Int32Array(1024);
  samples = 0;
  wholeStacks = 0;
  /** Samples whose stacks wait for their names. */
  pendingSamples = 0;
  /** The record of their stack was lost. */
  samplesWithoutStack = 0;
  private newSlots = new Map<StackId, StackSlot>();
  private oldSlots = new Map<StackId, StackSlot>();
  private readonly threadByKey = new Map<number, number>();
  /** Function nodes of stacks that had samples in the timeline before they were resolved. */
  private readonly resolvedLate = new Map<number, number>();
  private readonly provisional = new Set<StackSlot>();
  private nextSlotId = 0;
  /** While an exporter reads the timeline it may grow but not be rearranged. */
  private readers = 0;

  constructor(readonly periodNs: number) {
    this.timeline = new Timeline(periodNs * 4, (stack) => (stack < 0 ? 0 : this.functionTree.depth[stack]));
  }

  /** A stack the kernel tells of: a slot to resolve, or null where it is known already. */
  addStack(record: StackRecord): StackSlot | null {
    if (this.lookup(record.stackId)) return null;
    const slot: StackSlot = {
      id: this.nextSlotId++,
      truncated: record.truncated,
      missing: false,
      lineNode: NO_NODE,
      functionNode: NO_NODE,
      provisional: false,
      pending: 0,
    };
    if (this.nextSlotId === 2 ** 31 - 1) this.nextSlotId = 0;
    this.newSlots.set(record.stackId, slot);
    return slot;
  }

  addSample(record: SampleRecord): void {
    let slot = this.lookup(record.stackId);
    if (!slot) {
      slot = this.addStack({ ...record, generation: 0, kernel: [], user: [], truncated: 'unknown' })!;
      slot.missing = true;
      this.place(slot, [this.frames.internRemark('[stack not received]')]);
    }
    if (slot.missing) this.samplesWithoutStack++;
    const thread = this.threadOf(record);
    this.samples++;
    this.threads[thread].samples++;
    if (record.goroutine) this.goroutines.add(record.pid, record.goroutine, slot);
    if (slot.truncated === null) this.wholeStacks++;
    else this.truncated[slot.truncated] = (this.truncated[slot.truncated] ?? 0) + 1;
    if (slot.lineNode === NO_NODE || slot.provisional) {
      slot.pending++;
      if (!slot.provisional) this.pendingSamples++;
      this.timeline.add(record.timeNs, thread, ~slot.id);
    } else {
      this.own[slot.lineNode]++;
      this.timeline.add(record.timeNs, thread, slot.functionNode);
    }
    if (this.timeline.overBudget && this.readers === 0) {
      this.settle();
      this.timeline.coarsen((stack, depth) => (stack < 0 ? stack : this.outer(stack, depth)));
    }
  }

  /**
   * Frames of a slot as the symbolizer gives them: innermost first, by address. `provisional`: better ones may follow, or
   * `confirm`.
   */
  resolved(slot: StackSlot, byAddress: Frame[][], provisional = false): void {
    const path: number[] = [];
    for (const frames of byAddress) for (const frame of frames) path.push(this.frames.intern(frame));
    if (slot.truncated !== null)
      path.push(this.frames.internRemark(remarkOn(slot.truncated, byAddress.at(-1)?.at(-1) ?? null)));
    if (path.length === 0) path.push(this.frames.internRemark('[empty stack]'));
    this.place(slot, path.reverse(), provisional);
  }

  /** Its frames are final. */
  confirm(slot: StackSlot): void {
    if (slot.provisional) this.settleAt(slot, slot.lineNode, false);
  }

  /** One consistent view of all so far. Call `release` when it is no longer read. */
  snapshot(): ProfileSnapshot {
    this.settle();
    if (this.readers === 0) this.timeline.sort();
    this.readers++;
    let [waiting, waitingFunction] = [NO_NODE, NO_NODE];
    if (this.pendingSamples > 0) {
      waiting = this.lineChild(NO_NODE, this.frames.internRemark('[not symbolized yet]'));
      waitingFunction = this.functionNode[waiting];
    }
    return countSnapshot(this, waiting, waitingFunction, [...this.provisional]);
  }

  release(): void {
    this.readers--;
  }

  private lookup(stackId: StackId): StackSlot | undefined {
    const recent = this.newSlots.get(stackId);
    if (recent) return recent;
    if (this.newSlots.size >= STACKS_PER_GENERATION) {
      this.oldSlots = this.newSlots;
      this.newSlots = new Map();
    }
    const old = this.oldSlots.get(stackId);
    if (old) this.newSlots.set(stackId, old);
    return old;
  }

  /** Gives a slot its place in the trees; `path` holds locations, outermost first. */
  private place(slot: StackSlot, path: number[], provisional = false): void {
    let node = NO_NODE;
    const { frames } = this;
    if (this.lineTree.size > MAX_NODES || frames.locations.length > MAX_LOCATIONS) {
      node = this.lineChild(NO_NODE, frames.internRemark('[too many different stacks]'));
      if (frames.locations.length <= MAX_LOCATIONS * 2) node = this.lineChild(node, path[path.length - 1]);
    } else for (const location of path) node = this.lineChild(node, location);
    this.settleAt(slot, node, provisional);
  }

  private settleAt(slot: StackSlot, node: number, provisional: boolean): void {
    if (!slot.provisional) this.pendingSamples -= slot.pending;
    slot.lineNode = node;
    slot.functionNode = this.functionNode[node];
    slot.provisional = provisional;
    if (provisional) return void this.provisional.add(slot);
    this.provisional.delete(slot);
    this.own[node] += slot.pending;
    if (slot.pending > 0) this.resolvedLate.set(slot.id, slot.functionNode);
    slot.pending = 0;
  }

  private lineChild(parent: number, location: number): number {
    const known = this.lineTree.find(parent, location);
    if (known !== NO_NODE) return known;
    const node = this.lineTree.child(parent, location);
    if (node >= this.own.length) this.grow();
    const { functionIndex, lineIndex } = this.frames.locations[location];
    let flags = FIRST_OF_FUNCTION | FIRST_OF_LOCATION | (lineIndex >= 0 ? FIRST_OF_LINE : 0);
    for (let at = parent; at !== NO_NODE && flags !== 0; at = this.lineTree.parent[at]) {
      const above = this.frames.locations[this.lineTree.item[at]];
      if (this.lineTree.item[at] === location) flags &= ~FIRST_OF_LOCATION;
      if (above.functionIndex === functionIndex) flags &= ~FIRST_OF_FUNCTION;
      if (above.lineIndex === lineIndex) flags &= ~FIRST_OF_LINE;
    }
    this.lineFlags[node] = flags;
    this.functionNode[node] = this.functionTree.child(
      parent === NO_NODE ? NO_NODE : this.functionNode[parent],
      functionIndex,
    );
    return node;
  }

  /** Timeline entries of stacks that were resolved after them get their nodes. */
  private settle(): void {
    if (this.resolvedLate.size === 0 || this.readers > 0) return;
    const { stack, size } = this.timeline;
    for (let i = 0; i < size; i++) if (stack[i] < 0) stack[i] = this.resolvedLate.get(~stack[i]) ?? stack[i];
    this.resolvedLate.clear();
  }

  private outer(functionNode: number, depth: number): number {
    let node = functionNode;
    for (let extra = this.functionTree.depth[node] - depth; extra > 0; extra--) node = this.functionTree.parent[node];
    return node;
  }

  private threadOf(record: SampleRecord): number {
    const key = record.pid * 2 ** 22 + record.tid;
    let index = this.threadByKey.get(key);
    if (index === undefined) {
      const shared = this.threads.length >= MAX_THREADS;
      index = shared ? MAX_THREADS : this.threads.length;
      if (!shared) this.threadByKey.set(key, index);
      if (index === this.threads.length)
        this.threads.push(
          shared
            ? { pid: 0, tid: 0, name: 'other threads', samples: 0 }
            : { pid: record.pid, tid: record.tid, name: record.threadName, samples: 0 },
        );
    } else if (this.threads[index].name !== record.threadName) this.threads[index].name = record.threadName;
    return index;
  }

  private grow(): void {
    const capacity = this.lineTree.parent.length;
    const [own, flags, nodes] = [new Float64Array(capacity), new Uint8Array(capacity), new Int32Array(capacity)];
    own.set(this.own);
    flags.set(this.lineFlags);
    nodes.set(this.functionNode);
    [this.own, this.lineFlags, this.functionNode] = [own, flags, nodes];
  }
}
