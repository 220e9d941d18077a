// The execution contexts of a recording as rows: how much each had of a metric, the function with which it began, and the one where
// it was most.
import { INLINED_SUFFIX, type RecordingExtra } from '../../helper/src/protocol';
import type { ContextWords } from './contextKinds';
import type { Recording } from './load';

export interface ContextRow {
  pid: number;
  id: number;
  /** What the program calls it; null: nothing. */
  name: string | null;
  figure: number;
  /** Frame with which it began; null where no stack of it reached that far, or the recording does not tell. */
  start: number | null;
  /** Empty where `start` is null. */
  startName: string;
  /** Frame on top of most of its stacks, and how much of the figure that is. */
  hottest: number | null;
  hottestName: string;
  hottestFigure: number;
}

const NONE = -1;

/** The figures by context of a kind; undefined where the recording has none. */
export function contextsOf({ extra }: Recording, kind: ContextWords['kind'], metric = 0) {
  return extra?.metrics[metric]?.contexts.find((contexts) => contexts.kind === kind);
}

/** Largest figure first; null where the recording has no such contexts. */
export function contextRows(recording: Recording, words: ContextWords, metric = 0): ContextRow[] | null {
  const contexts = contextsOf(recording, words.kind, metric);
  if (!contexts) return null;
  const lineTree = recording.extra?.lineTree;
  const startOf = lineTree ? startFrames(recording, lineTree, words) : null;
  const nameOf = (frame: number | null) => (frame === null ? '' : (recording.frames[frame]?.name ?? ''));
  return contexts.top.map(({ pid, id, name = null, figure, nodes }) => {
    const starts = new Map<number, number>();
    const tops = new Map<number, number>();
    for (let i = 0; lineTree && startOf && i < nodes.length; i += 2) {
      const [node, part] = [nodes[i], nodes[i + 1]];
      add(tops, lineTree.frame[node], part);
      if (startOf[node] !== NONE) add(starts, startOf[node], part);
    }
    const [start] = most(starts);
    const [hottest, hottestFigure] = most(tops);
    return {
      pid,
      id,
      name,
      figure,
      start,
      startName: nameOf(start).replace(INLINED_SUFFIX, ''),
      hottest,
      hottestName: nameOf(hottest),
      hottestFigure,
    };
  });
}

/** By node: the frame with which its context began, or NONE. The context's root is the outermost such frame. */
function startFrames(
  { frames }: Recording,
  { parent, frame }: NonNullable<RecordingExtra['lineTree']>,
  { root, wrapper }: ContextWords,
): Int32Array {
  const start = new Int32Array(parent.length).fill(NONE);
  const isRoot = frames.map(({ name }) => root.test(name));
  const isWrapper = frames.map(({ name }) => wrapper.test(name));
  // A parent has a smaller index than its child.
  for (let node = 0; node < parent.length; node++) {
    const above = parent[node];
    if (above === NONE) continue;
    const known = start[above];
    const isFirst = known === NONE ? isRoot[frame[above]] : isWrapper[known] && known === frame[above];
    start[node] = isFirst ? frame[node] : known;
  }
  return start;
}

function add(figures: Map<number, number>, key: number, figure: number): void {
  figures.set(key, (figures.get(key) ?? 0) + figure);
}

function most(figures: ReadonlyMap<number, number>): [key: number | null, figure: number] {
  let best: [number | null, number] = [null, 0];
  for (const entry of figures) if (entry[1] > best[1]) best = entry;
  return best;
}
