// A recording as its user's own code: every function that is folded counts for the one that called it, in samples, lines and contexts
// alike. A stack in which nothing is left stands as the module that it was in. What no rule folds is as it was recorded.

import { type FoldRule, foldedFrames, foldedName, foldsNothing, moduleOfFolded } from './ownCode';
import type { RecordingExtra, RecordingFile } from './recordingFile';
import { linesOfTree } from './treeFigures';

export function foldRecording(file: RecordingFile, rule: FoldRule): RecordingFile {
  const extra = file.ebpfTracer;
  if (!extra || foldsNothing(rule)) return file;
  const folded = foldedFrames(file.shared.frames, extra.frameDetails, rule);
  const standIns = new StandIns(file, extra);
  const fold = (stack: readonly number[]): number[] => {
    const kept = stack.filter((frame) => folded[frame] === 0);
    return kept.length > 0 || stack.length === 0 ? kept : [standIns.of(stack)];
  };
  const profiles = file.profiles.map((profile) => ({ ...profile, samples: profile.samples.map(fold) }));
  const ends = (node: number) => extra.metrics.some(({ treeSelf }) => (treeSelf?.[node] ?? 0) > 0);
  const tree = extra.lineTree && foldTree(extra.lineTree, folded, ends, standIns);
  const frames = [...file.shared.frames, ...standIns.frames];
  const metrics = extra.metrics.map((metric) => {
    const more = standIns.frames.map((): [number, number, number][] => []);
    if (!tree || !metric.treeSelf) {
      const lines = metric.functionLines.map((list, frame) => (folded[frame] === 0 ? list : []));
      return { ...metric, functionLines: [...lines, ...more] };
    }
    const treeSelf = tree.lineTree.parent.map(() => 0);
    for (const [node, figure] of metric.treeSelf.entries())
      if (tree.nodeOf[node] >= 0) treeSelf[tree.nodeOf[node]] += figure;
    return {
      ...metric,
      treeSelf,
      ...linesOfTree(tree.lineTree, treeSelf, frames),
      contexts: metric.contexts.map((contexts) => ({
        ...contexts,
        top: contexts.top.map((one) => ({
          ...one,
          nodes: one.nodes.map((value, i) => (i % 2 === 0 ? Math.max(0, tree.nodeOf[value]) : value)),
        })),
      })),
      ...(metric.timeline?.node
        ? { timeline: { ...metric.timeline, node: metric.timeline.node.map((node) => Math.max(0, tree.nodeOf[node])) } }
        : {}),
    };
  });
  return {
    ...file,
    shared: { frames },
    profiles,
    ebpfTracer: {
      ...extra,
      metrics,
      frameDetails: [...extra.frameDetails, ...standIns.details],
      ...(tree ? { lineTree: tree.lineTree } : {}),
    },
  };
}

/** Frames of modules, made for stacks in which everything is folded. */
class StandIns {
  readonly frames: { name: string }[] = [];
  readonly details: RecordingExtra['frameDetails'] = [];
  private readonly byModule = new Map<string, number>();

  constructor(
    private readonly file: RecordingFile,
    private readonly extra: RecordingExtra,
  ) {}

  of(stack: readonly number[]): number {
    const module = moduleOfFolded(stack, this.extra.frameDetails);
    let frame = this.byModule.get(module);
    if (frame === undefined) {
      frame = this.file.shared.frames.length + this.frames.length;
      this.frames.push({ name: foldedName(module) });
      this.details.push({ module, kind: 'unknown' });
      this.byModule.set(module, frame);
    }
    return frame;
  }
}

type LineTree = NonNullable<RecordingExtra['lineTree']>;

/** `ends`: whether anything ended at a node. `nodeOf`: by old node, the new one in which its figures count; -1: it has none. */
function foldTree(
  { parent, frame, line }: LineTree,
  folded: Uint8Array,
  ends: (node: number) => boolean,
  standIns: StandIns,
): { lineTree: LineTree; nodeOf: Int32Array } {
  const made: LineTree = { parent: [], frame: [], line: [] };
  const known = new Map<string, number>();
  const nodeFor = (above: number, itsFrame: number, itsLine: number) => {
    const key = `${above},${itsFrame},${itsLine}`;
    let node = known.get(key);
    if (node === undefined) {
      node = made.parent.length;
      made.parent.push(above);
      made.frame.push(itsFrame);
      made.line.push(itsLine);
      known.set(key, node);
    }
    return node;
  };
  // The nearest node that is not folded, as a new node; -1 below folded ones alone.
  const kept = new Int32Array(parent.length);
  const nodeOf = new Int32Array(parent.length);
  for (let node = 0; node < parent.length; node++) {
    const above = parent[node] < 0 ? -1 : kept[parent[node]];
    kept[node] = folded[frame[node]] ? above : nodeFor(above, frame[node], line[node]);
    nodeOf[node] = kept[node];
    if (kept[node] >= 0 || !ends(node)) continue;
    const stack: number[] = [];
    for (let at = node; at >= 0; at = parent[at]) stack.push(frame[at]);
    nodeOf[node] = nodeFor(-1, standIns.of(stack.reverse()), 0);
  }
  return { lineTree: made, nodeOf };
}
