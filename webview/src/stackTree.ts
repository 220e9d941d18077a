// All stacks of one profile as one prefix tree in flat arrays, and what the tables read from it: every function's self and total
// weight, the callers of a function, and each distinct stack once. A sample starts from the previous one's path, so 50,000 samples
// take some 30 ms.
import type { StackProfile } from './load';

/** Node 0 is the root (frame -1). Children are a linked list; a parent always has a smaller index than its child. */
export interface StackTree {
  size: number;
  frame: Int32Array;
  parent: Int32Array;
  firstChild: Int32Array;
  nextSibling: Int32Array;
  /** Weight of the samples that end here, and of those that pass through or end here. */
  self: Float64Array;
  total: Float64Array;
  totalWeight: number;
}

const ROOT = 0;
/** No child is node 0. */
const FREE = 0;
const NONE = -1;

/** Grows a tree node by node. */
export class TreeBuilder {
  private capacity: number;
  private size = 1;
  private frame: Int32Array;
  private parent: Int32Array;
  private firstChild: Int32Array;
  private nextSibling: Int32Array;
  /** Finds a child by parent and frame, however many callees a dispatcher has: open addressing, at most half full. */
  private slots: Int32Array;
  private selfs: Float64Array;

  constructor(capacity = 1024) {
    this.capacity = capacity;
    this.frame = new Int32Array(capacity);
    this.parent = new Int32Array(capacity);
    this.firstChild = new Int32Array(capacity);
    this.nextSibling = new Int32Array(capacity);
    this.selfs = new Float64Array(capacity);
    this.slots = new Int32Array(2 * capacity);
    this.frame[ROOT] = this.parent[ROOT] = this.firstChild[ROOT] = this.nextSibling[ROOT] = NONE;
  }

  /** The node for `wanted` below `node`; made when it is new. */
  childOf(node: number, wanted: number): number {
    const slot = this.slotOf(node, wanted);
    if (this.slots[slot] !== FREE) return this.slots[slot];
    const child = this.size++;
    this.frame[child] = wanted;
    this.parent[child] = node;
    this.firstChild[child] = NONE;
    this.nextSibling[child] = this.firstChild[node];
    this.firstChild[node] = child;
    this.slots[slot] = child;
    if (this.size === this.capacity) this.grow();
    return child;
  }

  /** What ends at a node. */
  add(node: number, weight: number): void {
    this.selfs[node] += weight;
  }

  build(): StackTree {
    const { size, frame, parent, firstChild, nextSibling } = this;
    const self = this.selfs;
    const total = self.slice(0, size);
    for (let node = size - 1; node > ROOT; node--) total[parent[node]] += total[node];
    // Empty stacks are idle time.
    return { size, frame, parent, firstChild, nextSibling, self, total, totalWeight: total[ROOT] - self[ROOT] };
  }

  private slotOf(node: number, wanted: number): number {
    const { slots, parent, frame } = this;
    const mask = slots.length - 1;
    let slot = (Math.imul(node, 0x9e3779b1) ^ Math.imul(wanted, 0x85ebca6b)) & mask;
    while (slots[slot] !== FREE && (parent[slots[slot]] !== node || frame[slots[slot]] !== wanted))
      slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    this.capacity *= 2;
    const grown = <T extends Int32Array | Float64Array>(old: T, made: T): T => {
      made.set(old);
      return made;
    };
    this.frame = grown(this.frame, new Int32Array(this.capacity));
    this.parent = grown(this.parent, new Int32Array(this.capacity));
    this.firstChild = grown(this.firstChild, new Int32Array(this.capacity));
    this.nextSibling = grown(this.nextSibling, new Int32Array(this.capacity));
    this.selfs = grown(this.selfs, new Float64Array(this.capacity));
    this.slots = new Int32Array(2 * this.capacity);
    for (let known = 1; known < this.size; known++)
      this.slots[this.slotOf(this.parent[known], this.frame[known])] = known;
  }
}

/** `leaf`: by sample, the node at which its stack ends. */
export function buildStackTree(profile: Pick<StackProfile, 'stacks' | 'weights'>): StackTree & { leaf: Int32Array } {
  const builder = new TreeBuilder();
  const leaf = new Int32Array(profile.stacks.length);
  /** path[i] is the node of the previous sample's frame i. */
  const path: number[] = [];
  let previous: readonly number[] = [];
  for (let i = 0; i < profile.stacks.length; i++) {
    const stack = profile.stacks[i];
    let depth = 0;
    while (depth < stack.length && depth < previous.length && stack[depth] === previous[depth]) depth++;
    let node = depth === 0 ? ROOT : path[depth - 1];
    for (; depth < stack.length; depth++) {
      node = builder.childOf(node, stack[depth]);
      path[depth] = node;
    }
    builder.add(node, profile.weights[i]);
    leaf[i] = node;
    previous = stack;
  }
  return { ...builder.build(), leaf };
}

/** Frames from the outermost to a node; the same array each time that it is asked for. */
export function stacksOfTree({
  frame,
  parent,
}: Pick<StackTree, 'frame' | 'parent'>): (node: number) => readonly number[] {
  const known = new Map<number, readonly number[]>();
  return (leaf) => {
    let stack = known.get(leaf);
    if (!stack) {
      const path: number[] = [];
      for (let node = leaf; node !== ROOT; node = parent[node]) path.push(frame[node]);
      stack = path.reverse();
      known.set(leaf, stack);
    }
    return stack;
  };
}

/** Every distinct stack once, with the weight of all its samples. */
export function distinctStacks(tree: StackTree): { stacks: number[][]; weights: number[] } {
  const stacks: number[][] = [];
  const weights: number[] = [];
  for (let leaf = 1; leaf < tree.size; leaf++) {
    if (tree.self[leaf] <= 0) continue;
    const stack: number[] = [];
    for (let node = leaf; node !== ROOT; node = tree.parent[node]) stack.push(tree.frame[node]);
    stacks.push(stack.reverse());
    weights.push(tree.self[leaf]);
  }
  return { stacks, weights };
}

/** Stacks in their order, neighbours that are equal merged. */
export function mergedNeighbours({ stacks, weights }: Pick<StackProfile, 'stacks' | 'weights'>): {
  stacks: (readonly number[])[];
  weights: number[];
} {
  const merged = { stacks: [] as (readonly number[])[], weights: [] as number[] };
  stacks.forEach((stack, i) => {
    const last = merged.stacks.length - 1;
    const previous = merged.stacks[last];
    const same =
      previous === stack ||
      (previous?.length === stack.length && previous.every((frame, depth) => frame === stack[depth]));
    if (same) merged.weights[last] += weights[i];
    else {
      merged.stacks.push(stack);
      merged.weights.push(weights[i]);
    }
  });
  return merged;
}

export interface FunctionWeights {
  self: Float64Array;
  /** A sample counts once for a function, however often it recurs in the stack. */
  total: Float64Array;
}

/** Weights by frame index. */
export function functionWeights(tree: StackTree, frameCount: number): FunctionWeights {
  const self = new Float64Array(frameCount);
  const total = new Float64Array(frameCount);
  const open = new Uint32Array(frameCount);
  let node = tree.firstChild[ROOT];
  while (node !== NONE) {
    const frame = tree.frame[node];
    self[frame] += tree.self[node];
    if (open[frame]++ === 0) total[frame] += tree.total[node];
    let next = tree.firstChild[node];
    for (let up = node; next === NONE && up !== ROOT; up = tree.parent[up]) {
      open[tree.frame[up]]--;
      next = tree.nextSibling[up];
    }
    node = next;
  }
  return { self, total };
}

/** The way from the outermost frame to the heaviest call of function `frame`; empty where it has no samples. */
export function heaviestPath(tree: StackTree, frame: number): number[] {
  let heaviest = ROOT;
  for (let node = 1; node < tree.size; node++)
    if (tree.frame[node] === frame && (heaviest === ROOT || tree.total[node] > tree.total[heaviest])) heaviest = node;
  const path: number[] = [];
  for (let node = heaviest; node !== ROOT; node = tree.parent[node]) path.push(tree.frame[node]);
  return path.reverse();
}

/** One row of a call tree, in either direction. `nodes` are the tree nodes it stands for, `through` their weights. */
export interface CallNode {
  frame: number;
  self: number;
  total: number;
  nodes: number[];
  through: number[];
}

/** Functions called by `of` (by the process itself for null), heaviest first. */
export function callees(tree: StackTree, of: CallNode | null): CallNode[] {
  const rows: CallNode[] = [];
  const parent = of === null ? ROOT : of.nodes[0];
  for (let child = tree.firstChild[parent]; child !== NONE; child = tree.nextSibling[child])
    rows.push({
      frame: tree.frame[child],
      self: tree.self[child],
      total: tree.total[child],
      nodes: [child],
      through: [tree.total[child]],
    });
  return heaviestFirst(rows);
}

/**
 * Bottom-up: for null every function with self time, else the callers of `of`, each with the part of that self time
 * that came through it.
 */
export function callers(tree: StackTree, of: CallNode | null): CallNode[] {
  const byFrame = new Map<number, CallNode>();
  const add = (node: number, weight: number) => {
    const frame = tree.frame[node];
    let row = byFrame.get(frame);
    if (!row) {
      row = { frame, self: 0, total: 0, nodes: [], through: [] };
      byFrame.set(frame, row);
    }
    row.total += weight;
    if (of === null) row.self += weight;
    row.nodes.push(node);
    row.through.push(weight);
  };
  if (of === null) {
    for (let node = 1; node < tree.size; node++) if (tree.self[node] > 0) add(node, tree.self[node]);
  } else {
    of.nodes.forEach((node, i) => {
      if (tree.parent[node] !== ROOT) add(tree.parent[node], of.through[i]);
    });
  }
  return heaviestFirst([...byFrame.values()]);
}

/** All calls of a function as one row, from which `callers` leads to everybody who called it, with self time or without. */
export function callsOf(tree: StackTree, frame: number): CallNode {
  const row: CallNode = { frame, self: 0, total: 0, nodes: [], through: [] };
  const within = new Uint8Array(tree.size);
  for (let node = 1; node < tree.size; node++) {
    const above = within[tree.parent[node]];
    within[node] = tree.frame[node] === frame ? 1 : above;
    if (tree.frame[node] !== frame) continue;
    row.self += tree.self[node];
    // Its calls of itself are in the outermost one.
    if (above) continue;
    row.total += tree.total[node];
    row.nodes.push(node);
    row.through.push(tree.total[node]);
  }
  return row;
}

export function hasChildren(tree: StackTree, row: CallNode, direction: 'callees' | 'callers'): boolean {
  return direction === 'callees'
    ? tree.firstChild[row.nodes[0]] !== NONE
    : row.nodes.some((node) => tree.parent[node] !== ROOT);
}

function heaviestFirst(rows: CallNode[]): CallNode[] {
  return rows.sort((a, b) => b.total - a.total || b.self - a.self || a.frame - b.frame);
}
