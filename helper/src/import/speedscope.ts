// Speedscope files of other programs (py-spy, rbspy, austin, speedscope itself) -> a recording with metrics. Ours pass as they are.
// Weights that are all multiples of one are samples, each of which stands for that time; other weights were measured, and nobody
// knows their sampling error. Layout: speedscope's file-format-spec.ts.

import { basename } from 'node:path';
import { type Metric, parseRecording, type RecordingFile, type SampledProfile } from '../protocol';
import type { Frame } from '../runtimes/frame';
import type { Reader } from './reader';
import { type ImportedThread, RecordingBuilder } from './recordingBuilder';

const NANOSECONDS: Partial<Record<SampledProfile['unit'], number>> = {
  nanoseconds: 1,
  microseconds: 1e3,
  milliseconds: 1e6,
  seconds: 1e9,
};
/** A sampler that takes fewer a second is none. */
const MAX_PERIOD_NS = 2e9;
/** Samples that one weight may stand for, and how far it may be off. */
const MAX_MULTIPLE = 1e6;
const TOLERANCE = 1e-6;

export const SPEEDSCOPE: Reader = {
  id: 'speedscope',
  title: 'speedscope (py-spy, rbspy, austin and others)',
  recognizes: ({ path }, start) =>
    path.endsWith('.speedscope.json') || /speedscope\.app\/file-format-schema/.test(start),
  read: (file, warn) => withMetrics(parseRecording(file.text(), file.path, warn), basename(file.path)),
};

/** The same recording where it has metrics; `title` where it has no name. */
export function withMetrics(file: RecordingFile, title: string): RecordingFile {
  if (file.ebpfTracer) return file;
  const metrics: Metric[] = [];
  /** By profile: which metric, and the factor from weights to its figures. */
  const scales = file.profiles.map((profile) => {
    const metric = metricOf(profile);
    const known = metrics.findIndex(({ id, period }) => id === metric.id && period === metric.period);
    const clash = metrics.some(({ id }) => id === metric.id);
    const named = known < 0 && clash ? { ...metric, id: `${metric.id} ${metrics.length + 1}` } : metric;
    return { index: known < 0 ? metrics.push(named) - 1 : known, factor: factorOf(profile.unit, metric) };
  });
  const builder = new RecordingBuilder(metrics);
  const frames = framesOf(file, builder);
  let durationMs = 0;
  for (const [i, profile] of file.profiles.entries()) {
    const { index, factor } = scales[i];
    const thread = threadOf(profile.name, i);
    const toNs = NANOSECONDS[profile.unit] ?? 0;
    let at = 0;
    for (const [k, stack] of profile.samples.entries()) {
      const timeNs = at * toNs;
      at += profile.weights[k];
      // Time in which nothing ran.
      if (stack.length === 0) continue;
      const figures = metrics.map((_, one) => (one === index ? exact(profile.weights[k] * factor) : 0));
      builder.sample(stack.map((frame) => frames[frame]).reverse(), thread, timeNs, figures);
    }
    durationMs = Math.max(durationMs, (at * toNs) / 1e6);
  }
  return builder.finish({ title: file.name || title, durationMs }, file.exporter ?? 'speedscope');
}

/** 0.07 s of 0.01 s are 7 samples, whatever a floating point number makes of them. */
function exact(figure: number): number {
  const whole = Math.round(figure);
  return Math.abs(figure - whole) <= TOLERANCE * Math.max(1, whole) ? whole : figure;
}

function factorOf(unit: SampledProfile['unit'], { period }: Metric): number {
  return (NANOSECONDS[unit] ?? 1) / (period ?? 1);
}

function metricOf({ unit, weights }: SampledProfile): Metric {
  const toNs = NANOSECONDS[unit];
  if (unit === 'bytes') return { id: 'bytes', unit: 'bytes', period: null };
  if (toNs === undefined) {
    const samples = weights.every(Number.isInteger);
    return { id: samples ? 'samples' : 'weight', unit: 'count', period: samples ? 1 : null };
  }
  let least = Number.POSITIVE_INFINITY;
  for (const weight of weights) if (weight > 0 && weight < least) least = weight;
  const isMultiple = (weight: number) =>
    weight / least < MAX_MULTIPLE &&
    Math.abs(weight / least - Math.round(weight / least)) <= TOLERANCE * Math.max(1, weight / least);
  const periodNs = Math.round(least * toNs);
  const sampled = periodNs >= 1 && periodNs <= MAX_PERIOD_NS && weights.every(isMultiple);
  return { id: 'time', unit: 'nanoseconds', period: sampled ? periodNs : null };
}

/** A line is taken for the executed one: samplers write it so. */
function framesOf(file: RecordingFile, builder: RecordingBuilder): Frame[] {
  return file.shared.frames.map(({ name, file: path, line }) =>
    builder.frame({ name, file: path ?? null, line: line ?? null, kind: 'interpreted' }),
  );
}

/** `Thread 77`, `Process 12 Thread 77 "worker"`, `worker (77)`: the numbers that samplers write, else the profile's place. */
function threadOf(name: string, index: number): ImportedThread {
  const pid = /\bprocess (\d{1,7})\b/i.exec(name);
  const tid = /\bthread (?:0x)?(\d{1,7})\b/i.exec(name) ?? /\((\d{1,7})\)/.exec(name);
  const number = tid ? Number(tid[1]) : index + 1;
  return { pid: pid ? Number(pid[1]) : 0, tid: number, name };
}
