// A recording's samples as formats want them that know threads and times: each with its stack by executed line where the file keeps
// that (SampleTimes), else by function, in the order of the file.

import { INLINED_SUFFIX, type RecordingExtra, type RecordingFile, sampleTimes, timesMs } from '../protocol';
import { weightOfFigure } from './readRecording';

/** Node i is frame `frame[i]` of shared.frames at `line[i]` (0: unknown), called from node `parent[i]` (-1: none), always a smaller index. */
export interface StackTree {
  parent: number[];
  frame: number[];
  line: number[];
}

export interface TimedSample {
  /** Index of `threads`; -1: of all. */
  thread: number;
  /** After the recording's start; null: not known. */
  atMs: number | null;
  /** Of the tree; -1: an empty stack. */
  node: number;
  figure: number;
}

/** Of one metric. Throws nothing: what is not known is left out. */
export function timedSamples(file: RecordingFile, metric: number): { tree: StackTree; samples: TimedSample[] } {
  const extra = file.ebpfTracer!;
  const timeline = sampleTimes(file, metric);
  const merged = extra.profiles.findIndex((plan) => plan.metric === metric && plan.thread === null);
  if (timeline?.node && extra.lineTree && merged >= 0) {
    const times = timesMs(timeline);
    const weight = weightOfFigure(file, merged);
    const { weights } = file.profiles[merged];
    const samples = timeline.node.map((node, i) => ({
      thread: timeline.thread[i],
      atMs: times[i],
      node,
      figure: weights[i] / weight,
    }));
    return { tree: extra.lineTree, samples };
  }
  return samplesOfStacks(file, extra, metric);
}

function samplesOfStacks(
  file: RecordingFile,
  extra: RecordingExtra,
  metric: number,
): { tree: StackTree; samples: TimedSample[] } {
  const tree: StackTree = { parent: [], frame: [], line: [] };
  const children = new Map<string, number>();
  const nodeOf = (stack: readonly number[]) => {
    let node = -1;
    for (const frame of stack) {
      const key = `${node}:${frame}`;
      let child = children.get(key);
      if (child === undefined) {
        child = tree.parent.push(node) - 1;
        tree.frame.push(frame);
        tree.line.push(0);
        children.set(key, child);
      }
      node = child;
    }
    return node;
  };
  const plans = extra.profiles.map((plan, index) => ({ ...plan, index })).filter((plan) => plan.metric === metric);
  const threads = plans.filter(({ thread }) => thread !== null);
  const samples: TimedSample[] = [];
  for (const { thread, index } of threads.length > 0 ? threads : plans) {
    const weight = weightOfFigure(file, index);
    const profile = file.profiles[index];
    for (const [i, stack] of (profile?.samples ?? []).entries())
      samples.push({ thread: thread ?? -1, atMs: null, node: nodeOf(stack), figure: profile.weights[i] / weight });
  }
  return { tree, samples };
}

/** A frame's name without the mark of inlined functions, for formats that say it otherwise. */
export function plainFrameName(file: RecordingFile, frame: number): string {
  const { name } = file.shared.frames[frame];
  const inlined = file.ebpfTracer?.frameDetails[frame]?.inlined === true;
  return inlined && name.endsWith(INLINED_SUFFIX) ? name.slice(0, -INLINED_SUFFIX.length) : name;
}
