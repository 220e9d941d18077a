// Stretches of threads' time, such as requests took: what of a recording ran within them is a part of it like any other.
import type { TimeRange } from '../../helper/src/protocol';
import type { Recording } from './load';

/** A thread by what identifies it: its place in the file changes while it is being recorded. */
export interface Moment {
  pid: number;
  tid: number;
  range: TimeRange;
}

export interface Moments {
  /** What they are of, as it is shown. */
  title: string;
  of: readonly Moment[];
}

/** Whether a sample (index of the recording's threads, ms after its start) lies within any of them. */
export function withinMoments({ extra }: Recording, { of }: Moments): (thread: number, atMs: number) => boolean {
  const byThread = new Map<string, TimeRange[]>();
  for (const { pid, tid, range } of of) {
    const key = `${pid}/${tid}`;
    const known = byThread.get(key);
    if (known) known.push(range);
    else byThread.set(key, [range]);
  }
  const merged = (extra?.threads ?? []).map(({ pid, tid }) => mergedRanges(byThread.get(`${pid}/${tid}`) ?? []));
  return (thread, atMs) => {
    const ranges = merged[thread] ?? [];
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges[middle].toMs <= atMs) low = middle + 1;
      else high = middle;
    }
    return low < ranges.length && ranges[low].fromMs <= atMs;
  };
}

/** In order, none of them touching another. */
function mergedRanges(ranges: readonly TimeRange[]): TimeRange[] {
  const merged: TimeRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = merged[merged.length - 1];
    if (last && range.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, range.toMs);
    else merged.push({ ...range });
  }
  return merged;
}
