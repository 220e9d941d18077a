// A plain JSON view of a recording for scripts: functions, lines and threads with counts, without having to know
// speedscope's format. Counts are samples, shares 0 to 1. Called by formats.ts.

import type { FunctionCount, RecordingFile } from '../protocol';
import { periodOf } from './readRecording';

export interface PlainFunction extends FunctionCount {
  selfSamples: number;
  totalSamples: number;
}

export function* jsonText(file: RecordingFile): Generator<string> {
  const extra = file.ebpfTracer;
  const functions = functionsOf(file);
  const samples = extra?.samples ?? mergedSamples(file);
  const plain = {
    title: extra?.title ?? file.name ?? '',
    samples,
    lost: extra?.lost ?? 0,
    wholeStacks: extra?.wholeStacks ?? samples,
    truncated: extra?.truncated ?? {},
    durationMs: extra?.durationMs ?? null,
    frequencyHz: extra?.frequencyHz ?? null,
    startedAt: extra?.startedAt ?? null,
    complete: extra?.complete ?? true,
    stopReason: extra?.stopReason ?? null,
    pid: extra?.pid ?? null,
    command: extra?.command ?? null,
    threads: extra?.threads ?? [],
    functions,
    lines: extra?.lines ?? [],
  };
  yield `${JSON.stringify(plain, null, 1)}\n`;
}

function mergedSamples(file: RecordingFile): number {
  const period = periodOf(file);
  return Math.round((file.profiles[0]?.weights ?? []).reduce((sum, weight) => sum + weight, 0) / period);
}

/** Functions by self and total, largest self first; recursion counts once in a total. */
export function functionsOf(file: RecordingFile): PlainFunction[] {
  const { frames } = file.shared;
  const merged = file.profiles[0] ?? { samples: [], weights: [] };
  const period = periodOf(file);
  const [self, total] = [new Float64Array(frames.length), new Float64Array(frames.length)];
  let all = 0;
  for (const [i, stack] of merged.samples.entries()) {
    const count = merged.weights[i] / period;
    all += count;
    if (stack.length > 0) self[stack[stack.length - 1]] += count;
    for (const frame of new Set(stack)) total[frame] += count;
  }
  return frames
    .map(({ name, file: path, line }, i) => ({
      name,
      file: path ?? null,
      line: line ?? null,
      self: all === 0 ? 0 : self[i] / all,
      total: all === 0 ? 0 : total[i] / all,
      selfSamples: Math.round(self[i]),
      totalSamples: Math.round(total[i]),
    }))
    .filter((row) => row.totalSamples > 0)
    .sort((a, b) => b.self - a.self || b.total - a.total);
}
