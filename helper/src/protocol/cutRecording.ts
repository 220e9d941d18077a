// A stretch of a recording's time as a recording of its own, with the same figures wherever it is shown or exported: the page's graph,
// the editors' lines, `export --from --to`. Needs the times of samples, which the file keeps since version 0.2.

import type { MetricFigures, RecordingExtra, RecordingFile, SampledProfile, SampleTimes } from './recordingFile';
import { linesOfTree } from './treeFigures';

/** Of a recording, from its start; `toMs` is not in it. */
export interface TimeRange {
  fromMs: number;
  toMs: number;
}

/** The profile that merges all threads of a metric; -1: there is none. */
export function mergedProfile({ profiles }: Pick<RecordingExtra, 'profiles'>, metric: number): number {
  return profiles.findIndex((profile) => profile.metric === metric && profile.thread === null);
}

/** The times of a metric's samples; null where the file does not keep them for each sample of its merged profile. */
export function sampleTimes(file: RecordingFile, metric: number): SampleTimes | null {
  const extra = file.ebpfTracer;
  const timeline = extra?.metrics[metric]?.timeline;
  const merged = extra && file.profiles[mergedProfile(extra, metric)];
  return timeline && merged?.samples.length === timeline.afterUs.length ? timeline : null;
}

/** Milliseconds after the recording's start, by sample of the metric's merged profile. */
export function timesMs({ afterUs }: SampleTimes): Float64Array {
  const times = new Float64Array(afterUs.length);
  let us = 0;
  for (let i = 0; i < afterUs.length; i++) {
    us += afterUs[i];
    times[i] = us / 1e3;
  }
  return times;
}

export const hasTimes = (file: RecordingFile): boolean =>
  file.ebpfTracer?.metrics.every((_, metric) => sampleTimes(file, metric) !== null) ?? false;

/**
 * What was recorded within `range`. What the file does not keep by time is left out: execution contexts, and sections of tracers.
 * Throws where `hasTimes` is false.
 */
export function cutRecording(file: RecordingFile, range: TimeRange): RecordingFile {
  const extra = file.ebpfTracer;
  if (!extra) throw new Error('Only recordings of this product keep times.');
  const { sections: _, ...head } = extra;
  const cut = extra.metrics.map((_, metric) => cutMetric(file, extra, metric, range));
  const parts = cut.flatMap(({ profiles }) => profiles);
  return {
    ...file,
    activeProfileIndex: 0,
    profiles: parts.map(({ profile }) => profile),
    ebpfTracer: {
      ...head,
      startedAt: new Date(Date.parse(extra.startedAt) + range.fromMs).toISOString(),
      durationMs: Math.min(range.toMs, extra.durationMs) - range.fromMs,
      metrics: cut.map(({ figures }) => figures),
      profiles: parts.map(({ plan }) => plan),
    },
  };
}

interface Part {
  profile: SampledProfile;
  plan: RecordingExtra['profiles'][number];
}

function cutMetric(
  file: RecordingFile,
  extra: RecordingExtra,
  metric: number,
  { fromMs, toMs }: TimeRange,
): { figures: MetricFigures; profiles: Part[] } {
  const timeline = sampleTimes(file, metric);
  if (!timeline) throw new Error('This recording keeps no times of its samples.');
  const whole = extra.metrics[metric];
  const times = timesMs(timeline);
  const kept: number[] = [];
  for (let i = 0; i < times.length; i++) if (times[i] >= fromMs && times[i] < toMs) kept.push(i);
  const index = mergedProfile(extra, metric);
  const part = (of: number, entries: readonly number[]): Part => {
    const merged = file.profiles[index];
    const weights = entries.map((i) => merged.weights[i]);
    const endValue = weights.reduce((sum, weight) => sum + weight, 0);
    const samples = entries.map((i) => merged.samples[i]);
    return {
      profile: { ...merged, name: file.profiles[of].name, startValue: 0, endValue, samples, weights },
      plan: extra.profiles[of],
    };
  };
  const byThread = new Map<number, number[]>();
  for (const i of kept) {
    const known = byThread.get(timeline.thread[i]);
    if (known) known.push(i);
    else byThread.set(timeline.thread[i], [i]);
  }
  const profiles = [part(index, kept)];
  for (const [of, plan] of extra.profiles.entries()) {
    const entries = plan.metric === metric && plan.thread !== null ? byThread.get(plan.thread) : undefined;
    if (entries && file.profiles[of]) profiles.push(part(of, entries));
  }
  return { figures: cutFigures(file, whole, timeline, { times, kept, fromMs }, index), profiles };
}

function cutFigures(
  file: RecordingFile,
  whole: MetricFigures,
  timeline: SampleTimes,
  { times, kept, fromMs }: { times: Float64Array; kept: readonly number[]; fromMs: number },
  profile: number,
): MetricFigures {
  const { samples, weights } = file.profiles[profile];
  const { lineTree } = file.ebpfTracer!;
  const perWeight = whole.period === null ? 1 : 1 / Math.round(whole.period);
  const threads = whole.threads.map(() => 0);
  const treeSelf = lineTree && timeline.node ? lineTree.parent.map(() => 0) : undefined;
  // The helper says as the outermost frame of a stack why it goes no further.
  const cutOff = file.shared.frames.map(({ name }) => name.startsWith('[truncated') || name === '[stack not received]');
  let [total, frames, broken] = [0, 0, 0];
  for (const i of kept) {
    const figure = weights[i] * perWeight;
    total += figure;
    frames += samples[i].length * figure;
    if (cutOff[samples[i][0]]) broken += figure;
    threads[timeline.thread[i]] += figure;
    if (treeSelf && timeline.node) treeSelf[timeline.node[i]] += figure;
  }
  const count = whole.period === null ? kept.length : total;
  const reasons = Object.keys(whole.truncated);
  const named = whole.frames > 0 ? whole.symbolizedFrames / whole.frames : 0;
  return {
    ...whole,
    samples: count,
    total,
    wholeStacks: Math.max(0, count - broken),
    // Of several reasons nobody knows whose these are.
    truncated: broken > 0 ? { [reasons.length === 1 ? reasons[0] : 'unknown']: broken } : {},
    frames,
    symbolizedFrames: Math.round(frames * named),
    threads,
    contexts: [],
    ...(treeSelf && lineTree
      ? { treeSelf, ...linesOfTree(lineTree, treeSelf, file.shared.frames) }
      : { lines: [], functionLines: file.shared.frames.map(() => []) }),
    timeline: {
      afterUs: kept.map((i, at) => Math.round((times[i] - (at === 0 ? fromMs : times[kept[at - 1]])) * 1e3)),
      thread: kept.map((i) => timeline.thread[i]),
      ...(timeline.node ? { node: kept.map((i) => timeline.node![i]) } : {}),
    },
  };
}
