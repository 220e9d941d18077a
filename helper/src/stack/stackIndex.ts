// The stacks of a recording, whatever is counted by them: which the kernel has told of, and their place in two trees, one of
// executed locations and one of functions. Names come later than stacks do; who counted meanwhile is told (`onPlaced`).

import type { StackId, StackRecord } from '../abi/records';
import type { TruncationReason } from '../protocol';
import type { Frame } from '../runtimes/frame';
import { FrameTable } from './frameTable';
import { NO_NODE, PrefixTree } from './prefixTree';
import type { StackSlot } from './slots';

/** Nodes of the location tree, after which new stacks show only their innermost frame: some 35 MB. */
const MAX_NODES = 1 << 20;
const MAX_LOCATIONS = 1 << 18;
/** Stacks known by id; twice as many are held. More than BPF's own table of known stacks can name. */
const STACKS_PER_GENERATION = 1 << 16;

/** Bits of `lineFlags`: the first (outermost) of its kind on its path, so that recursion counts once. */
export const FIRST_OF_FUNCTION = 1;
export const FIRST_OF_LOCATION = 2;
export const FIRST_OF_LINE = 4;

const TRUNCATION_REMARKS: Record<TruncationReason, string> = {
  noFramePointer: '[truncated: no frame pointer]',
  tooDeep: '[truncated: too deep]',
  badAddress: '[truncated: bad address]',
  noUnwindInfo: '[truncated: no unwind information]',
  unreadableStack: '[truncated: stack not readable]',
  unexpressible: '[truncated: unusual unwind information]',
  code32Bit: '[truncated: 32-bit code is not supported]',
  tablesNotReady: '[truncated: unwind tables not ready]',
  jitCode: '[truncated: code made at run time]',
  stripped: '[truncated: unwind information stripped]',
  unreadableFile: '[truncated: file not readable]',
  unknown: '[truncated]',
};

/** `outermost`: the last frame that was found, where the walk ended. */
function remarkOn(reason: TruncationReason, outermost: Frame | null): string {
  if (reason !== 'noUnwindInfo' || !outermost) return TRUNCATION_REMARKS[reason];
  return `[truncated: no unwind info for ${outermost.module}]`;
}

export class StackIndex {
  readonly frames = new FrameTable();
  readonly lineTree = new PrefixTree();
  readonly functionTree = new PrefixTree();
  /** Beside each node of `lineTree`: FIRST_OF_… bits, and its function node. */
  lineFlags = new Uint8Array(1024);
  functionNode = new Int32Array(1024);
  private newSlots = new Map<StackId, StackSlot>();
  private oldSlots = new Map<StackId, StackSlot>();
  private nextSlotId = 0;

  /**
   * `onPlaced`: a stack that may have been counted already got its final nodes. `previous`: the index that this one follows; its
   * stacks may still be met for a moment, until the kernel tells of them anew.
   */
  constructor(
    private readonly onPlaced: (slot: StackSlot) => void,
    private previous: StackIndex | null = null,
  ) {
    if (previous) previous.previous = null;
  }

  /** A stack the kernel tells of: a slot to resolve, or null where it is known already. */
  add(record: Pick<StackRecord, 'stackId' | 'truncated'>): StackSlot | null {
    if (this.lookup(record.stackId)) return null;
    const slot: StackSlot = {
      id: this.nextSlotId++,
      truncated: record.truncated,
      missing: false,
      lineNode: NO_NODE,
      functionNode: NO_NODE,
      provisional: false,
    };
    if (this.nextSlotId === 2 ** 31 - 1) this.nextSlotId = 0;
    this.newSlots.set(record.stackId, slot);
    return slot;
  }

  /** The slot of a stack; of one whose record was lost, a slot that says so. */
  slotOf(stackId: StackId): StackSlot {
    const known = this.lookup(stackId) ?? this.adopt(stackId);
    if (known) return known;
    const slot = this.add({ stackId, truncated: 'unknown' })!;
    slot.missing = true;
    this.place(slot, [this.frames.internRemark('[stack not received]')]);
    return slot;
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
    if (!slot.provisional) return;
    slot.provisional = false;
    this.onPlaced(slot);
  }

  /** Node of the location tree for a remark of ours that stands alone. */
  remarkNode(name: string): number {
    return this.lineChild(NO_NODE, this.frames.internRemark(name));
  }

  /** The outer `depth` frames of a node of the location tree. */
  outer(lineNode: number, depth: number): number {
    let node = lineNode;
    for (let extra = this.lineTree.depth[node] - depth; extra > 0; extra--) node = this.lineTree.parent[node];
    return node;
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

  /** A stack of the previous index, with the same names. */
  private adopt(stackId: StackId): StackSlot | null {
    const { previous } = this;
    const old = previous?.lookup(stackId);
    if (!previous || !old) return null;
    const slot = this.add({ stackId, truncated: old.truncated })!;
    const path = old.lineNode === NO_NODE ? [this.frames.internRemark('[not symbolized yet]')] : [];
    if (path.length === 0)
      for (const location of previous.lineTree.path(old.lineNode))
        path.push(this.frames.adopt(previous.frames, location));
    this.place(slot, path);
    return slot;
  }

  /** Gives a slot its place in the trees; `path` holds locations, outermost first. */
  private place(slot: StackSlot, path: number[], provisional = false): void {
    let node = NO_NODE;
    const { frames } = this;
    if (this.lineTree.size > MAX_NODES || frames.locations.length > MAX_LOCATIONS) {
      node = this.remarkNode('[too many different stacks]');
      if (frames.locations.length <= MAX_LOCATIONS * 2) node = this.lineChild(node, path[path.length - 1]);
    } else for (const location of path) node = this.lineChild(node, location);
    slot.lineNode = node;
    slot.functionNode = this.functionNode[node];
    slot.provisional = provisional;
    if (!provisional) this.onPlaced(slot);
  }

  private lineChild(parent: number, location: number): number {
    const known = this.lineTree.find(parent, location);
    if (known !== NO_NODE) return known;
    const node = this.lineTree.child(parent, location);
    if (node >= this.lineFlags.length) this.grow();
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

  private grow(): void {
    const capacity = this.lineTree.parent.length;
    const [flags, nodes] = [new Uint8Array(capacity), new Int32Array(capacity)];
    flags.set(this.lineFlags);
    nodes.set(this.functionNode);
    [this.lineFlags, this.functionNode] = [flags, nodes];
  }
}
