// A plain JSON view of a recording for scripts: functions, lines and threads with counts, without having to know speedscope's
// format. Counts are samples of the first metric, shares 0 to 1.

import type { FunctionCount, RecordingFile, SampledProfile } from '../protocol';
import { weightOfFigure } from './readRecording';

export interface PlainFunction extends FunctionCount {
  selfSamples: number;
  totalSamples: number;
}

export function* jsonText(file: RecordingFile): Generator<string> {
  if (!file.ebpfTracer) return yield `${JSON.stringify(foreignJson(file), null, 1)}\n`;
  const extra = file.ebpfTracer;
  const functions = functionsOf(file);
  const [first] = extra.metrics;
  const { samples } = first;
  const plain = {
    title: extra.title,
    samples,
    lost: extra.lost,
    wholeStacks: first.wholeStacks,
    truncated: first.truncated,
    durationMs: extra.durationMs,
    frequencyHz: extra.frequencyHz,
    startedAt: extra.startedAt,
    complete: extra.complete,
    stopReason: extra.stopReason,
    pid: extra.pid,
    command: extra.command,
    threads: extra.threads.map((thread, i) => ({ ...thread, samples: first.threads[i] ?? 0 })),
    functions,
    lines: first.lines,
    metrics: extra.metrics.map(({ id, unit, period, total }) => ({ id, unit, period, total })),
  };
  yield `${JSON.stringify(plain, null, 1)}\n`;
}

/** Of another program's file: each of its profiles, weights in its own unit, nothing that it does not say. */
function foreignJson(file: RecordingFile) {
  const { frames } = file.shared;
  return {
    title: file.name ?? '',
    exporter: file.exporter ?? null,
    profiles: file.profiles.map((profile) => {
      const { self, total, all } = countFrames(profile, frames.length);
      const share = (weight: number) => (all === 0 ? 0 : weight / all);
      const functions = frames
        .map(({ name, file: path, line }, i) => ({
          name,
          file: path ?? null,
          line: line ?? null,
          self: share(self[i]),
          total: share(total[i]),
          selfWeight: self[i],
          totalWeight: total[i],
        }))
        .filter((row) => row.totalWeight > 0)
        .sort((a, b) => b.self - a.self || b.total - a.total);
      return { name: profile.name, unit: profile.unit, weight: all, functions };
    }),
  };
}

/** `all`: of the samples that have a stack. */
function countFrames({ samples, weights }: Pick<SampledProfile, 'samples' | 'weights'>, frameCount: number) {
  const [self, total] = [new Float64Array(frameCount), new Float64Array(frameCount)];
  let all = 0;
  for (const [i, stack] of samples.entries()) {
    if (stack.length === 0) continue;
    all += weights[i];
    self[stack[stack.length - 1]] += weights[i];
    for (const frame of new Set(stack)) total[frame] += weights[i];
  }
  return { self, total, all };
}

/** Functions by self and total, largest self first; recursion counts once in a total. */
export function functionsOf(file: RecordingFile): PlainFunction[] {
  const { frames } = file.shared;
  const merged = file.profiles[0] ?? { samples: [], weights: [] };
  const weight = weightOfFigure(file);
  const counts = countFrames(merged, frames.length);
  const all = counts.all / weight;
  const [self, total] = [counts.self, counts.total].map((weights) => weights.map((one) => one / weight));
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
