// How much CPU which threads used when: the figures behind the strip over the graph. Wall-clock time, unlike the graph's time order,
// which glues samples together.
import { mergedProfile, timesMs } from '../../helper/src/protocol';
import type { Recording } from './load';
import { groupThreads } from './threadGroups';

export interface StripRow {
  name: string;
  threads: ReadonlySet<number>;
  /** By bin: of one CPU, 1 is all the time. Above 1 where several threads ran at once. */
  load: Float64Array;
}

export interface Strip {
  fromMs: number;
  toMs: number;
  rows: StripRow[];
}

/** Rows of their own; the rest share one. */
const MAX_ROWS = 6;

/** null: the file does not keep when samples were. `binCount` bins from `fromMs` to `toMs`. */
export function stripOf(
  recording: Recording,
  metric: number,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  binCount: number,
): Strip | null {
  const { extra } = recording;
  const figures = extra?.metrics[metric];
  const timeline = figures?.timeline;
  const profile = extra && recording.profiles[mergedProfile(extra, metric)];
  if (!extra || !timeline || !profile || profile.weights.length !== timeline.afterUs.length || binCount < 1)
    return null;
  const groups = groupThreads(recording, metric)
    .flatMap(({ names, name, pids }) =>
      names.map((group) => ({
        ...group,
        name: pids.size > 1 || name !== group.name ? `${name} · ${group.name}` : name,
      })),
    )
    .sort((a, b) => b.figure - a.figure);
  const shown = groups.slice(0, groups.length > MAX_ROWS ? MAX_ROWS - 1 : MAX_ROWS);
  const rest = groups.slice(shown.length);
  const rows: StripRow[] = [
    ...shown.map(({ name, threads }) => ({ name, threads })),
    ...(rest.length > 0 ? [{ name: '', threads: rest.flatMap(({ threads }) => threads) }] : []),
  ].map(({ name, threads }) => ({
    name,
    threads: new Set(threads.map(({ thread }) => thread)),
    load: new Float64Array(binCount),
  }));
  const rowOf = new Int32Array(extra.threads.length).fill(-1);
  for (const [row, { threads }] of rows.entries()) for (const thread of threads) rowOf[thread] = row;
  const times = timesMs(timeline);
  const binMs = (toMs - fromMs) / binCount;
  // A weight is time where the metric is one; else rows say only where there was more.
  const msPerWeight = { nanoseconds: 1e-6, microseconds: 1e-3, milliseconds: 1, seconds: 1e3 }[profile.unit as string];
  const scale = (msPerWeight ?? 1) / binMs;
  for (let i = 0; i < times.length; i++) {
    const bin = Math.floor((times[i] - fromMs) / binMs);
    const row = rowOf[timeline.thread[i]];
    if (bin >= 0 && bin < binCount && row >= 0) rows[row].load[bin] += profile.weights[i] * scale;
  }
  return { fromMs, toMs, rows };
}

/** Steps of an axis: 1, 2 or 5 times a power of ten, at most `most` of them. */
export function axisSteps(fromMs: number, toMs: number, most: number): number[] {
  const span = toMs - fromMs;
  if (!(span > 0) || most < 1) return [];
  const power = 10 ** Math.floor(Math.log10(span / most));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => span / one <= most) ?? 10 * power;
  const steps: number[] = [];
  for (let at = Math.ceil(fromMs / step) * step; at <= toMs && steps.length <= most; at += step) steps.push(at);
  return steps;
}
