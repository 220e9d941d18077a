// A recording's call tree by executed line with one metric's figures, whether the file has it (lineTree) or only stacks by function;
// and one way to walk it from callers to callees, without a function that calls itself: stacks may be 10,000 deep.

import type { RecordingExtra, RecordingFile } from '../protocol';

export interface CallTreeVisitor {
  enter(node: number): void;
  leave?(node: number): void;
}

/** Node i is `frame[i]` at `line[i]` (0: unknown), called from node `parent[i]` (-1: none), always with a smaller index. */
export class CallTree {
  readonly frame: Int32Array;
  readonly line: Int32Array;
  readonly parent: Int32Array;
  private readonly own: Float64Array;
  private readonly below: Float64Array;

  constructor({ parent, frame, line }: NonNullable<RecordingExtra['lineTree']>, own: ArrayLike<number>) {
    this.parent = Int32Array.from(parent);
    this.frame = Int32Array.from(frame);
    this.line = Int32Array.from(line);
    this.own = Float64Array.from(own);
    this.below = this.own.slice();
    for (let node = this.parent.length - 1; node >= 0; node--)
      if (this.parent[node] >= 0) this.below[this.parent[node]] += this.below[node];
  }

  /** What ended at a node, and what ended there or in what it calls. */
  figureAt(node: number): { own: number; below: number } {
    return { own: this.own[node], below: this.below[node] };
  }

  /** Nodes that have figures, each before those that it calls; `leave` after them. */
  walk({ enter, leave = () => {} }: CallTreeVisitor): void {
    const { parent } = this;
    const next = new Int32Array(parent.length).fill(-1);
    const first = new Int32Array(parent.length + 1).fill(-1);
    for (let node = parent.length - 1; node >= 0; node--) {
      next[node] = first[parent[node] + 1];
      first[parent[node] + 1] = node;
    }
    let node = first[0];
    const open: number[] = [];
    while (node >= 0 || open.length > 0) {
      if (node < 0) {
        const done = open.pop()!;
        leave(done);
        node = next[done];
      } else if (this.below[node] <= 0) node = next[node];
      else {
        enter(node);
        open.push(node);
        node = first[node + 1];
      }
    }
  }
}

export function callTreeOf(file: RecordingFile, metric: number): CallTree {
  const extra = file.ebpfTracer;
  const own = extra?.metrics[metric]?.treeSelf;
  return extra?.lineTree && own ? new CallTree(extra.lineTree, own) : treeOfStacks(file, metric);
}

/** Of the merged profile, else of all threads: without lines. */
function treeOfStacks(file: RecordingFile, metric: number): CallTree {
  const extra = file.ebpfTracer;
  const plans = file.profiles.map((profile, i) => ({ profile, plan: extra?.profiles[i] }));
  const ofMetric = plans.filter(({ plan }) => plan?.metric === metric);
  const merged = ofMetric.filter(({ plan }) => plan?.thread === null);
  const period = extra?.metrics[metric]?.period ?? null;
  const weight = period === null ? 1 : Math.round(period);
  const tree = { parent: [] as number[], frame: [] as number[], line: [] as number[] };
  const own: number[] = [];
  const children = new Map<string, number>();
  for (const { profile } of merged.length > 0 ? merged : ofMetric)
    for (const [i, stack] of profile.samples.entries()) {
      let node = -1;
      for (const frame of stack) {
        const key = `${node}:${frame}`;
        let child = children.get(key);
        if (child === undefined) {
          child = tree.parent.length;
          children.set(key, child);
          tree.parent.push(node);
          tree.frame.push(frame);
          tree.line.push(0);
          own.push(0);
        }
        node = child;
      }
      if (node >= 0) own[node] += profile.weights[i] / weight;
    }
  return new CallTree(tree, own);
}
