// The goroutines of a Go program as rows: how much each was on the CPU, the function that its go statement named, and the
// one where it was most. Called by views/goroutineTable.ts.
import { INLINED_SUFFIX, type RecordingExtra } from '../../helper/src/protocol';
import type { Recording } from './load';

export interface GoroutineRow {
  pid: number;
  id: number;
  samples: number;
  /** Frame with which it began; null where no stack of it reached that far, or the recording does not tell. */
  start: number | null;
  /** Empty where `start` is null. */
  startName: string;
  /** Frame on top of most of its stacks, and in how many samples. */
  hottest: number | null;
  hottestName: string;
  hottestSamples: number;
}

const NONE = -1;
const GOEXIT = /^runtime\.goexit(\.abi0)?$/;
/** What the compiler puts around a call with arguments in a go statement: Go's own tools show the function called, too. */
const WRAPPER = /\.gowrap\d+$/;

/** Most samples first; null where the recording is of no Go program. */
export function goroutineRows(recording: Recording): GoroutineRow[] | null {
  const { extra } = recording;
  if (!extra?.goroutines) return null;
  const { lineTree } = extra;
  const startOf = lineTree ? startFrames(recording, lineTree) : null;
  const nameOf = (frame: number | null) => (frame === null ? '' : (recording.frames[frame]?.name ?? ''));
  return extra.goroutines.top.map(({ pid, id, samples, nodes }) => {
    const starts = new Map<number, number>();
    const tops = new Map<number, number>();
    for (let i = 0; lineTree && startOf && i < nodes.length; i += 2) {
      const [node, count] = [nodes[i], nodes[i + 1]];
      add(tops, lineTree.frame[node], count);
      if (startOf[node] !== NONE) add(starts, startOf[node], count);
    }
    const [start] = most(starts);
    const [hottest, hottestSamples] = most(tops);
    return {
      pid,
      id,
      samples,
      start,
      startName: nameOf(start).replace(INLINED_SUFFIX, ''),
      hottest,
      hottestName: nameOf(hottest),
      hottestSamples,
    };
  });
}

/** By node: the frame with which its goroutine began, or NONE. A goroutine's outermost frame is always goexit. */
function startFrames({ frames }: Recording, { parent, frame }: NonNullable<RecordingExtra['lineTree']>): Int32Array {
  const start = new Int32Array(parent.length).fill(NONE);
  const isGoexit = frames.map(({ name }) => GOEXIT.test(name));
  const isWrapper = frames.map(({ name }) => WRAPPER.test(name));
  // A parent has a smaller index than its child.
  for (let node = 0; node < parent.length; node++) {
    const above = parent[node];
    if (above === NONE) continue;
    const known = start[above];
    const isFirst =
      known === NONE ? parent[above] === NONE && isGoexit[frame[above]] : isWrapper[known] && known === frame[above];
    start[node] = isFirst ? frame[node] : known;
  }
  return start;
}

function add(counts: Map<number, number>, key: number, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

function most(counts: ReadonlyMap<number, number>): [key: number | null, count: number] {
  let best: [number | null, number] = [null, 0];
  for (const entry of counts) if (entry[1] > best[1]) best = entry;
  return best;
}
