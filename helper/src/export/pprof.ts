// A recording as pprof's profile.proto (github.com/google/pprof, proto/profile.proto), for `go tool pprof` and its kin:
// by executed line where the recording has its call tree by line, else by function. Loaded only when asked for.

import {
  Label,
  Line,
  Location,
  Mapping,
  Function as PprofFunction,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import { type ContextKind, INLINED_SUFFIX, type Metric, type RecordingExtra, type RecordingFile } from '../protocol';
import { programModule } from './programModule';
import { weightOfFigure } from './readRecording';
import { type Measure, partsOf } from './weights';

/** What pprof calls the value of another program's weights, by their unit. */
const FOREIGN_TYPES: Record<Measure, string> = {
  samples: 'samples',
  microseconds: 'time',
  nanoseconds: 'time',
  bytes: 'space',
  count: 'weight',
};

/** The greatest that a double has below 2^63. */
const MAX_INT64 = 2 ** 63 - 1024;

interface Step {
  /** Index in `shared.frames`. */
  frame: number;
  line: number;
}

/** Not yet compressed. */
export function encodePprof(file: RecordingFile): Uint8Array {
  const extra = file.ebpfTracer;
  const strings = new StringTable();
  const text = (value: string) => strings.dedup(value);
  const mappings: Mapping[] = [];
  const mappingIds = new Map<string, number>();
  const mappingOf = (module: string) => {
    let id = mappingIds.get(module);
    if (id === undefined) {
      id = mappings.length + 1;
      // Ranges of addresses, so that no tool takes two modules for one; nothing is looked up in them.
      mappings.push(
        new Mapping({
          id,
          memoryStart: id * 0x1000,
          memoryLimit: (id + 1) * 0x1000,
          filename: text(module),
          hasFunctions: true,
          hasFilenames: true,
          hasLineNumbers: true,
          hasInlineFrames: true,
        }),
      );
      mappingIds.set(module, id);
    }
    return id;
  };
  // `go tool pprof` calls a profile by its first mapping.
  const program = programModule(file);
  if (program !== null) mappingOf(program);
  const functions: PprofFunction[] = [];
  const functionIds = new Map<string, number>();
  const functionOf = (frame: number) => {
    const { name: shown, file: path = '', line = 0 } = file.shared.frames[frame];
    // As called and as inlined it is one function: a location with several lines says what was inlined.
    const name = isInlined(frame) && shown.endsWith(INLINED_SUFFIX) ? shown.slice(0, -INLINED_SUFFIX.length) : shown;
    const key = `${name}\0${path}\0${line}\0${extra?.frameDetails[frame]?.module ?? ''}`;
    let id = functionIds.get(key);
    if (id === undefined) {
      id = functions.length + 1;
      functions.push(
        new PprofFunction({ id, name: text(name), systemName: text(name), filename: text(path), startLine: line }),
      );
      functionIds.set(key, id);
    }
    return id;
  };
  const isInlined = (frame: number) => extra?.frameDetails[frame]?.inlined === true;
  const locations: Location[] = [];
  const locationIds = new Map<string, number>();
  /** Of the functions at one address, innermost first. */
  const locationOf = (steps: Step[]) => {
    const key = steps.map(({ frame, line }) => `${frame}:${line}`).join();
    let id = locationIds.get(key);
    if (id === undefined) {
      id = locations.length + 1;
      const mappingId = mappingOf(extra?.frameDetails[steps[0].frame]?.module || '[unknown]');
      const line = steps.map((step) => new Line({ functionId: functionOf(step.frame), line: step.line }));
      locations.push(new Location({ id, mappingId, line }));
      locationIds.set(key, id);
    }
    return id;
  };
  const samples: Sample[] = [];
  /** `path`: innermost first. `value`: of each sample type. */
  const add = (path: Step[], value: number[], label: Label[] = []) => {
    const locationId: number[] = [];
    for (let i = 0; i < path.length; ) {
      let end = i;
      while (isInlined(path[end].frame) && end + 1 < path.length) end++;
      locationId.push(locationOf(path.slice(i, end + 1)));
      i = end + 1;
    }
    samples.push(new Sample({ locationId, value: value.map(asInt64), label }));
  };
  const metrics = extra?.metrics ?? [];
  /** `figures`: by metric. */
  const ours = (figures: readonly number[]) => figures.flatMap((figure, i) => valuesOf(figure, metrics[i]));
  const contextLabel = ({ kind, id, name }: ContextLabel) => [
    new Label({ key: text(kind), ...(name === undefined ? { num: id } : { str: text(name) }) }),
  ];
  const step = (frame: number, line: number): Step => ({ frame, line: line || (file.shared.frames[frame].line ?? 0) });
  if (extra?.lineTree) {
    const { parent, frame, line } = extra.lineTree;
    const contextsAt = contextsByNode(extra);
    for (let node = 0; node < parent.length; node++) {
      const figures = extra.metrics.map(({ treeSelf }) => treeSelf?.[node] ?? 0);
      if (figures.every((figure) => figure === 0)) continue;
      const path: Step[] = [];
      for (let at = node; at >= 0; at = parent[at]) path.push(step(frame[at], line[at]));
      for (const context of contextsAt.get(node) ?? []) {
        figures[context.metric] -= context.figure;
        const own = metrics.map((_, i) => (i === context.metric ? context.figure : 0));
        add(path, ours(own), contextLabel(context));
      }
      if (figures.some((figure) => figure > 0)) add(path, ours(figures));
    }
  } else if (extra)
    for (const [index, { metric, thread }] of extra.profiles.entries()) {
      const merged = file.profiles[index];
      if (thread !== null || !merged) continue;
      const weight = weightOfFigure(file, index);
      for (const [i, stack] of merged.samples.entries())
        add(
          stack.map((frame) => step(frame, 0)).reverse(),
          ours(metrics.map((_, one) => (one === metric ? merged.weights[i] / weight : 0))),
        );
    }
  const typeOf = ({ id, unit }: Metric) => new ValueType({ type: text(id), unit: text(unit) });
  const sampleType = metrics.flatMap((metric) => [
    ...(metric.period === null ? [] : [new ValueType({ type: text(countName(metric)), unit: text('count') })]),
    typeOf(metric),
  ]);
  if (!extra) {
    const parts = partsOf(file);
    const measures = [...new Set(parts.map(({ scale }) => scale.measure))];
    for (const measure of measures)
      sampleType.push(new ValueType({ type: text(FOREIGN_TYPES[measure]), unit: text(measure) }));
    for (const { profile, scale } of parts) {
      const label = parts.length > 1 ? [new Label({ key: text('profile'), str: text(profile.name) })] : [];
      for (const [i, stack] of profile.samples.entries()) {
        const weight = profile.weights[i] * scale.factor;
        const value = measures.map((measure) => (measure === scale.measure ? weight : 0));
        // pprof knows no sample without a stack: that is time in which nothing ran.
        if (stack.length > 0) add(stack.map((frame) => step(frame, 0)).reverse(), value, label);
      }
    }
  }
  const profile = new Profile({
    sampleType,
    sample: samples,
    mapping: mappings,
    location: locations,
    function: functions,
    stringTable: strings,
    timeNanos: extra ? BigInt(Date.parse(extra.startedAt)) * 1_000_000n : 0,
    durationNanos: extra ? asInt64(extra.durationMs * 1e6) : 0,
    ...(extra ? { periodType: typeOf(metrics[0]), period: asInt64(metrics[0].period ?? 1) } : {}),
    comment: [text(`${file.exporter ?? ''} ${extra?.command ?? ''}`.trim())],
  });
  return profile.encode();
}

/** Greater ones, which no recording of ours has, would be cut to their lower bits. */
const asInt64 = (value: number) => Math.min(Math.round(value), MAX_INT64);

interface ContextLabel {
  kind: ContextKind;
  id: number;
  name?: string;
}

/** A metric with a period has two columns: samples, and what they stand for. */
function valuesOf(figure: number, { period }: Metric): number[] {
  return period === null ? [Math.round(figure)] : [Math.round(figure), Math.round(figure * Math.round(period))];
}

/** As Go's own profiles call the count of CPU samples. */
function countName({ id }: Metric): string {
  return id === 'cpu' ? 'samples' : `${id} samples`;
}

function contextsByNode({
  metrics,
}: RecordingExtra): Map<number, (ContextLabel & { metric: number; figure: number })[]> {
  const byNode = new Map<number, (ContextLabel & { metric: number; figure: number })[]>();
  for (const [metric, { contexts }] of metrics.entries())
    for (const { kind, top } of contexts)
      for (const { id, name, nodes } of top)
        for (let i = 0; i + 1 < nodes.length; i += 2) {
          const known = byNode.get(nodes[i]);
          const part = { kind, id, name, metric, figure: nodes[i + 1] };
          if (known) known.push(part);
          else byNode.set(nodes[i], [part]);
        }
  return byNode;
}
