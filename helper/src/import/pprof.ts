// pprof files (Go's runtime/pprof, gperftools, Rust's and Java's writers, our own export) -> a recording. Layout: profile.proto of
// github.com/google/pprof, decoded by the library that writes ours. A count of samples that stands beside what the samples stand for
// (samples/count, cpu/nanoseconds) is one metric with a period; each other sample type is one of its own.

import { basename } from 'node:path';
import type { Label, Profile as PprofProfile, Sample, ValueType } from 'pprof-format';
import type { Metric } from '../protocol';
import type { Frame } from '../runtimes/frame';
import type { Reader } from './reader';
import { type ImportedFrame, type ImportedThread, RecordingBuilder } from './recordingBuilder';
import { Unreadable } from './unreadable';

/** Bytes of a number (protobuf's varint of 64 bits). */
const MAX_VARINT = 10;
const STRING_TABLE = 6;
const MAX_TYPES = 16;
const LIBRARY = /\.so(?:\.|$)/;

export const PPROF: Reader = {
  id: 'pprof',
  title: 'pprof',
  // A sample type is the first field of all writers: field 1, then its length, then its own field 1 or 2.
  recognizes: ({ path, bytes }) =>
    /\.(?:pprof|pb|prof)(?:\.gz)?$/.test(path) ||
    (bytes[0] === 0x0a && bytes[1] < 32 && /[\x08\x10]/.test(String.fromCharCode(bytes[2] ?? 0))),
  async read(file) {
    refuseDamaged(file.bytes);
    const { Profile } = await import('pprof-format');
    let profile: PprofProfile;
    try {
      profile = Profile.decode(file.bytes);
    } catch {
      throw new Unreadable('it is no profile of pprof, or damaged');
    }
    return recordingOf(profile, basename(file.path));
  },
};

/** Numbers that never end would keep the library busy for hours; lengths past the end are no messages. */
function refuseDamaged(bytes: Uint8Array): void {
  const damaged = () => new Unreadable('it is no profile of pprof, or cut off');
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (let i = 0; i < MAX_VARINT && at < bytes.length; i++) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw damaged();
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag % 8 === 0) varint();
    else if (tag % 8 === 2) {
      const end = varint() + at;
      if (end > bytes.length) throw damaged();
      if (Math.floor(tag / 8) !== STRING_TABLE)
        for (let run = 0; at < end; at++) {
          run = bytes[at] >= 0x80 ? run + 1 : 0;
          if (run >= MAX_VARINT) throw damaged();
        }
      at = end;
    } else throw damaged();
  }
}

function recordingOf(profile: PprofProfile, title: string) {
  const strings = profile.stringTable.strings;
  const text = (index: number | bigint | undefined) => strings[Number(index ?? 0)] ?? '';
  const columns = columnsOf(profile, text);
  const builder = new RecordingBuilder(columns.map(({ metric }) => metric));
  const frames = framesOf(profile, text, builder);
  const stackOf = (sample: Sample): Frame[] =>
    sample.locationId.flatMap((id) => {
      const known = frames.get(Number(id));
      if (!known) throw new Unreadable('a sample in it names a place that is not there');
      return known;
    });
  for (const sample of profile.sample) {
    const stack = stackOf(sample);
    const figures = columns.map(({ column }) => Math.max(0, Number(sample.value[column] ?? 0)));
    if (stack.length > 0) builder.sample(stack, threadOf(sample.label, text), 0, figures);
  }
  const [main] = profile.mapping;
  const program = main ? fileName(text(main.filename)) : '';
  return builder.finish(
    {
      title: program || title,
      command: main ? text(main.filename) : '',
      startedAtMs: Number(profile.timeNanos ?? 0) / 1e6,
      durationMs: Math.max(0, Number(profile.durationNanos ?? 0)) / 1e6,
    },
    'pprof',
  );
}

/** Which value of a sample is which metric. */
function columnsOf(
  { sampleType, sample, periodType, period }: PprofProfile,
  text: (index: number | bigint) => string,
): { metric: Metric; column: number }[] {
  if (sampleType.length === 0) throw new Unreadable('it does not say what it counts');
  if (sampleType.length > MAX_TYPES) throw new Unreadable('it counts too many things');
  const columns: { metric: Metric; column: number }[] = [];
  const of = ({ type, unit }: ValueType) => ({ type: text(type), unit: text(unit) });
  const ratio = (count: number, value: number) => {
    const row = sample.find((one) => Number(one.value[count]) > 0 && Number(one.value[value]) > 0);
    return row ? Number(row.value[value]) / Number(row.value[count]) : 0;
  };
  for (let i = 0; i < sampleType.length; i++) {
    const here = of(sampleType[i]);
    const next = sampleType[i + 1] && of(sampleType[i + 1]);
    const counts = here.unit === 'count' && next && (here.type === 'samples' || here.type === `${next.type} samples`);
    if (counts && next.unit !== 'count') {
      const declared = periodType && text(periodType.type) === next.type ? Number(period ?? 0) : 0;
      const each = declared >= 1 ? declared : ratio(i, i + 1);
      if (each >= 1) {
        columns.push({
          metric: { id: next.type, unit: unitOf(next.unit), period: each * scaleOf(next.unit) },
          column: i,
        });
        i++;
        continue;
      }
    }
    const sampled = here.type === 'samples' && here.unit === 'count';
    columns.push({
      metric: { id: here.type || `value ${i + 1}`, unit: unitOf(here.unit), period: sampled ? 1 : null },
      column: i,
    });
  }
  for (const [i, { metric }] of columns.entries())
    if (columns.findIndex((one) => one.metric.id === metric.id) < i) metric.id = `${metric.id} ${i + 1}`;
  // What most readers look at comes first, as `go tool pprof` shows the last by default; CPU time before all.
  return columns.sort((a, b) => Number(b.metric.id === 'cpu') - Number(a.metric.id === 'cpu'));
}

const unitOf = (unit: string): Metric['unit'] =>
  unit === 'bytes' ? 'bytes' : /^(?:nano|micro|milli)?seconds$/.test(unit) ? 'nanoseconds' : 'count';

const scaleOf = (unit: string) => ({ microseconds: 1e3, milliseconds: 1e6, seconds: 1e9 })[unit] ?? 1;

/** By location id, innermost first: what was inlined comes before what it was inlined into. */
function framesOf(
  { location, function: functions, mapping }: PprofProfile,
  text: (index: number | bigint) => string,
  builder: RecordingBuilder,
): Map<number, Frame[]> {
  const functionById = new Map(functions.map((one) => [Number(one.id), one]));
  const moduleById = new Map(mapping.map((one) => [Number(one.id), fileName(text(one.filename))]));
  const frames = new Map<number, Frame[]>();
  for (const one of location) {
    const module = moduleById.get(Number(one.mappingId)) ?? '';
    const address = BigInt(one.address ?? 0);
    const lines = one.line.map((line, i): ImportedFrame => {
      const of = functionById.get(Number(line.functionId));
      const name = of ? text(of.name) || text(of.systemName) : '';
      return {
        name: name || `${module || '[unknown]'}+0x${address.toString(16)}`,
        file: of ? text(of.filename) || null : null,
        line: Number(line.line ?? 0),
        functionLine: Number(of?.startLine ?? 0),
        module,
        kind: module.startsWith('[kernel') ? 'kernel' : 'native',
        inlined: i < one.line.length - 1,
        symbolized: name !== '',
      };
    });
    const unnamed = { name: `${module || '[unknown]'}+0x${address.toString(16)}`, module, symbolized: false };
    frames.set(
      Number(one.id),
      (lines.length > 0 ? lines : [unnamed]).map((frame) => builder.frame(frame)),
    );
  }
  return frames;
}

/** Of the labels that some writers give: `thread`, `thread_id`, `pid`. */
function threadOf(labels: readonly Label[], text: (index: number | bigint) => string): ImportedThread {
  const thread = { pid: 0, tid: 1, name: 'all' };
  for (const { key, str, num } of labels) {
    const number = Number(num ?? 0);
    const valid = Number.isSafeInteger(number) && number > 0 && number < 2 ** 31;
    const name = text(key);
    if (name === 'thread' && text(str) !== '') thread.name = text(str);
    if (/^(?:thread_id|tid|thread id)$/.test(name) && valid) thread.tid = number;
    if (name === 'pid' && valid) thread.pid = number;
  }
  return thread;
}

function fileName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return LIBRARY.test(name) || !name.includes(' ') ? name : name.split(' ')[0];
}
