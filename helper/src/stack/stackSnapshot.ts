// Self and total figures of functions, their lines and source lines, for each metric of a recording, in one pass over the nodes:
// children have larger indexes than their parents, so sums run from the last node to the first. Made for the exporters and the
// summary.

import type { ContextFigures, Metric, TruncationReason } from '../protocol';
import type { FunctionRow, LocationRow, SourceRow } from './frameTable';
import type { MetricProfile } from './metricProfile';
import { NO_NODE } from './prefixTree';
import type { ThreadRow } from './slots';
import { FIRST_OF_FUNCTION, FIRST_OF_LINE, FIRST_OF_LOCATION, type StackIndex } from './stackIndex';

/** Arrays are indexed as in the FrameTable and must only be read up to their own length. */
export interface MetricSnapshot {
  metric: Metric;
  samples: number;
  total: number;
  wholeStacks: number;
  truncated: Partial<Record<TruncationReason, number>>;
  /** Frames in all samples (remarks of ours left out), and those that have a name. */
  frames: number;
  symbolizedFrames: number;
  threadFigures: number[];
  contexts: ContextFigures[];
  functionSelf: Float64Array;
  functionTotal: Float64Array;
  locationSelf: Float64Array;
  locationTotal: Float64Array;
  lineSelf: Float64Array;
  lineTotal: Float64Array;
  /** By node of the location tree. */
  treeSelf: Float64Array;
  /** Length of the timeline's buckets, 0 while every sample is kept apart. */
  bucketNs: number;
  timelineSize: number;
  /** Entry i of the timeline, CLOCK_MONOTONIC; `functionNode` has its path in `pathOf`, `lineNode` is of the location tree. */
  timeNsAt(i: number): number;
  threadAt(i: number): number;
  lineNodeAt(i: number): number;
  functionNodeAt(i: number): number;
  figureAt(i: number): number;
}

export interface StackSnapshot {
  threads: ThreadRow[];
  functions: FunctionRow[];
  locations: LocationRow[];
  lines: { file: string; line: number }[];
  sources: SourceRow[];
  /** The location tree: `item` are locations. */
  lineTree: { size: number; parent: Int32Array; item: Int32Array };
  /** Function indexes from the outermost to a function node. */
  pathOf(functionNode: number): number[];
  metrics: MetricSnapshot[];
}

/** What is counted: StackCounts. */
interface Counted {
  readonly index: StackIndex;
  readonly threads: { readonly rows: readonly ThreadRow[] };
  readonly profiles: readonly MetricProfile[];
}

/** `waiting`: node that holds the samples whose stacks have no names yet (or NO_NODE). */
export function snapshotOf({ index, threads, profiles }: Counted, waiting: number): StackSnapshot {
  const { frames, lineTree, functionTree } = index;
  return {
    threads: threads.rows.map((thread) => ({ ...thread })),
    functions: frames.functions.slice(),
    locations: frames.locations.slice(),
    lines: frames.lines.slice(),
    sources: [...frames.sources.values()],
    lineTree: { size: lineTree.size, parent: lineTree.parent, item: lineTree.item },
    pathOf: (node) => functionTree.path(node),
    metrics: profiles.map((profile) => metricSnapshot(index, profile, threads.rows.length, waiting)),
  };
}

function metricSnapshot(
  index: StackIndex,
  profile: MetricProfile,
  threadCount: number,
  waiting: number,
): MetricSnapshot {
  const { frames, lineTree } = index;
  const { timeline } = profile;
  const { size } = lineTree;
  const treeSelf = new Float64Array(size);
  treeSelf.set(profile.own.subarray(0, Math.min(size, profile.own.length)));
  // Stacks whose names are not final stand where they are so far.
  const nodeOfPending = new Map(profile.resolvedLate);
  for (const [slot, figure] of profile.pending) {
    treeSelf[slot.lineNode === NO_NODE ? waiting : slot.lineNode] += figure;
    nodeOfPending.set(slot.id, slot.lineNode === NO_NODE ? waiting : slot.lineNode);
  }
  const below = treeSelf.slice();
  const functionSelf = new Float64Array(frames.functions.length);
  const functionTotal = new Float64Array(frames.functions.length);
  const locationSelf = new Float64Array(frames.locations.length);
  const locationTotal = new Float64Array(frames.locations.length);
  const lineSelf = new Float64Array(frames.lines.length);
  const lineTotal = new Float64Array(frames.lines.length);
  let [frameCount, symbolizedFrames] = [0, 0];
  for (let node = size - 1; node >= 0; node--) {
    const figure = below[node];
    if (figure === 0) continue;
    const parent = lineTree.parent[node];
    if (parent !== NO_NODE) below[parent] += figure;
    const location = lineTree.item[node];
    const { functionIndex, lineIndex, symbolized, real } = frames.locations[location];
    if (real) frameCount += figure;
    if (symbolized) symbolizedFrames += figure;
    functionSelf[functionIndex] += treeSelf[node];
    locationSelf[location] += treeSelf[node];
    if (lineIndex >= 0) lineSelf[lineIndex] += treeSelf[node];
    const flags = index.lineFlags[node];
    if (flags & FIRST_OF_FUNCTION) functionTotal[functionIndex] += figure;
    if (flags & FIRST_OF_LOCATION) locationTotal[location] += figure;
    if (flags & FIRST_OF_LINE) lineTotal[lineIndex] += figure;
  }
  const [timeAt, stackAt, threadAt, figureAt] = [timeline.timeNs, timeline.stack, timeline.thread, timeline.figure];
  const { functionNode } = index;
  const lineNodeAt = (i: number) => (stackAt[i] < 0 ? (nodeOfPending.get(~stackAt[i]) ?? waiting) : stackAt[i]);
  return {
    metric: profile.metric,
    samples: profile.samples,
    total: profile.total,
    wholeStacks: profile.wholeStacks,
    truncated: { ...profile.truncated },
    frames: frameCount,
    symbolizedFrames,
    threadFigures: Array.from({ length: threadCount }, (_, thread) => profile.threadFigures[thread] ?? 0),
    contexts: [...profile.contexts].map(([kind, counts]) => counts.figures(kind)),
    functionSelf,
    functionTotal,
    locationSelf,
    locationTotal,
    lineSelf,
    lineTotal,
    treeSelf,
    bucketNs: timeline.bucketNs,
    timelineSize: timeline.size,
    timeNsAt: (i) => timeAt[i],
    threadAt: (i) => threadAt[i],
    lineNodeAt,
    functionNodeAt: (i) => (lineNodeAt(i) === NO_NODE ? NO_NODE : functionNode[lineNodeAt(i)]),
    figureAt: (i) => figureAt[i],
  };
}
