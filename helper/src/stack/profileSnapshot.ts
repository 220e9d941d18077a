// Self and total counts of functions, their lines and source lines, from the trees of a StackProfile, in one pass over
// the nodes: children have larger indexes than their parents, so sums run from the last node to the first.
// Made for the exporters and the summary.

import type { TruncationReason } from '../protocol';
import type { FrameTable, FunctionRow, LocationRow, SourceRow } from './frameTable';
import type { GoroutineCounts, GoroutineRows } from './goroutineCounts';
import { NO_NODE, type PrefixTree } from './prefixTree';
import type { StackSlot, ThreadRow } from './slots';
import type { Timeline } from './timeline';

/** Bits of StackProfile.lineFlags: the first (outermost) of its kind on its path, so that recursion counts once. */
export const FIRST_OF_FUNCTION = 1;
export const FIRST_OF_LOCATION = 2;
export const FIRST_OF_LINE = 4;

/** Counts are samples. Arrays are indexed as in the FrameTable and must only be read up to their own length. */
export interface ProfileSnapshot {
  periodNs: number;
  samples: number;
  wholeStacks: number;
  truncated: Partial<Record<TruncationReason, number>>;
  /** Frames in all samples (remarks of ours left out), and those that have a name. */
  frames: number;
  symbolizedFrames: number;
  threads: ThreadRow[];
  /** Null where no sample was of a goroutine that is known. */
  goroutines: GoroutineRows | null;
  functions: FunctionRow[];
  functionSelf: Float64Array;
  functionTotal: Float64Array;
  locations: LocationRow[];
  locationSelf: Float64Array;
  locationTotal: Float64Array;
  lines: { file: string; line: number }[];
  lineSelf: Float64Array;
  lineTotal: Float64Array;
  sources: SourceRow[];
  /** Length of the timeline's buckets, 0 while every sample is kept apart. */
  bucketNs: number;
  timelineSize: number;
  /** Entry i of the timeline; `functionNode` has its path in `pathOf`. */
  threadAt(i: number): number;
  functionNodeAt(i: number): number;
  samplesAt(i: number): number;
  /** Function indexes from the outermost to a function node. */
  pathOf(functionNode: number): number[];
  /** The location tree: `item` are locations. */
  lineTree: { size: number; parent: Int32Array; item: Int32Array; self: Float64Array };
}

/** What is counted: a StackProfile. */
export interface Counted {
  readonly periodNs: number;
  readonly samples: number;
  readonly pendingSamples: number;
  readonly wholeStacks: number;
  readonly truncated: ProfileSnapshot['truncated'];
  readonly frames: FrameTable;
  readonly lineTree: PrefixTree;
  readonly functionTree: PrefixTree;
  readonly timeline: Timeline;
  readonly goroutines: GoroutineCounts;
  readonly threads: readonly ThreadRow[];
  readonly own: Float64Array;
  readonly lineFlags: Uint8Array;
}

/**
 * `waiting` and `waitingFunction`: nodes that hold the samples whose stacks have no names yet (or NO_NODE). `provisional`: stacks
 * whose samples are not in `own` yet.
 */
export function countSnapshot(
  profile: Counted,
  waiting: number,
  waitingFunction: number,
  provisional: readonly StackSlot[],
): ProfileSnapshot {
  const { frames, lineTree, timeline, functionTree } = profile;
  const size = lineTree.size;
  const self = profile.own.slice(0, size);
  if (waiting !== NO_NODE) self[waiting] += profile.pendingSamples;
  for (const { lineNode, pending } of provisional) self[lineNode] += pending;
  const provisionalNodes = new Map(provisional.map(({ id, functionNode }) => [id, functionNode]));
  const below = self.slice();
  const functionSelf = new Float64Array(frames.functions.length);
  const functionTotal = new Float64Array(frames.functions.length);
  const locationSelf = new Float64Array(frames.locations.length);
  const locationTotal = new Float64Array(frames.locations.length);
  const lineSelf = new Float64Array(frames.lines.length);
  const lineTotal = new Float64Array(frames.lines.length);
  let [frameCount, symbolizedFrames] = [0, 0];
  for (let node = size - 1; node >= 0; node--) {
    const count = below[node];
    if (count === 0) continue;
    const parent = lineTree.parent[node];
    if (parent !== NO_NODE) below[parent] += count;
    const location = lineTree.item[node];
    const { functionIndex, lineIndex, symbolized, real } = frames.locations[location];
    if (real) frameCount += count;
    if (symbolized) symbolizedFrames += count;
    functionSelf[functionIndex] += self[node];
    locationSelf[location] += self[node];
    if (lineIndex >= 0) lineSelf[lineIndex] += self[node];
    const flags = profile.lineFlags[node];
    if (flags & FIRST_OF_FUNCTION) functionTotal[functionIndex] += count;
    if (flags & FIRST_OF_LOCATION) locationTotal[location] += count;
    if (flags & FIRST_OF_LINE) lineTotal[lineIndex] += count;
  }
  const stackAt = timeline.stack;
  const [threadAt, samplesAt] = [timeline.thread, timeline.samples];
  return {
    periodNs: profile.periodNs,
    samples: profile.samples,
    wholeStacks: profile.wholeStacks,
    truncated: { ...profile.truncated },
    frames: frameCount,
    symbolizedFrames,
    threads: profile.threads.map((thread) => ({ ...thread })),
    goroutines: profile.goroutines.rows(),
    functions: frames.functions.slice(),
    functionSelf,
    functionTotal,
    locations: frames.locations.slice(),
    locationSelf,
    locationTotal,
    lines: frames.lines.slice(),
    lineSelf,
    lineTotal,
    sources: [...frames.sources.values()],
    bucketNs: timeline.bucketNs,
    timelineSize: timeline.size,
    threadAt: (i) => threadAt[i],
    functionNodeAt: (i) => (stackAt[i] < 0 ? (provisionalNodes.get(~stackAt[i]) ?? waitingFunction) : stackAt[i]),
    samplesAt: (i) => samplesAt[i],
    pathOf: (node) => functionTree.path(node),
    lineTree: { size, parent: lineTree.parent, item: lineTree.item, self },
  };
}
