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
import { INLINED_SUFFIX, type RecordingExtra, type RecordingFile } from '../protocol';
import { periodOf } from './readRecording';
import { type Measure, partsOf } from './weights';

/** What pprof calls the value of another program's weights, by their unit. */
const FOREIGN_TYPES: Record<Measure, string> = {
  samples: 'samples',
  microseconds: 'time',
  nanoseconds: 'time',
  bytes: 'space',
  count: 'weight',
};

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
  const period = periodOf(file);
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
    samples.push(new Sample({ locationId, value: value.map(Math.round), label }));
  };
  const ours = (count: number) => [count, count * period];
  const goroutineLabel = (id: number) => [new Label({ key: text('goroutine'), num: id })];
  const step = (frame: number, line: number): Step => ({ frame, line: line || (file.shared.frames[frame].line ?? 0) });
  if (extra?.lineTree) {
    const goroutinesAt = goroutinesByNode(extra);
    const { parent, frame, line, self } = extra.lineTree;
    for (const [node, count] of self.entries()) {
      if (count === 0) continue;
      const path: Step[] = [];
      for (let at = node; at >= 0; at = parent[at]) path.push(step(frame[at], line[at]));
      let rest = count;
      for (const { id, samples: its } of goroutinesAt.get(node) ?? []) {
        add(path, ours(its), id === 0 ? [] : goroutineLabel(id));
        rest -= its;
      }
      if (rest > 0) add(path, ours(rest));
    }
  } else if (extra) {
    const merged = file.profiles[0] ?? { samples: [], weights: [] };
    for (const [i, stack] of merged.samples.entries())
      add(stack.map((frame) => step(frame, 0)).reverse(), ours(merged.weights[i] / period));
  }
  const nanoseconds = new ValueType({ type: text('cpu'), unit: text('nanoseconds') });
  const sampleType = [new ValueType({ type: text('samples'), unit: text('count') }), nanoseconds];
  if (!extra) {
    const parts = partsOf(file);
    const measures = [...new Set(parts.map(({ scale }) => scale.measure))];
    sampleType.length = 0;
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
    durationNanos: extra ? Math.round(extra.durationMs * 1e6) : 0,
    ...(extra ? { periodType: nanoseconds, period } : {}),
    comment: [text(`${file.exporter ?? ''} ${extra?.command ?? ''}`.trim())],
  });
  return profile.encode();
}

function goroutinesByNode({ goroutines }: RecordingExtra): Map<number, { id: number; samples: number }[]> {
  const byNode = new Map<number, { id: number; samples: number }[]>();
  for (const { id, nodes } of goroutines?.top ?? [])
    for (let i = 0; i + 1 < nodes.length; i += 2) {
      const known = byNode.get(nodes[i]);
      if (known) known.push({ id, samples: nodes[i + 1] });
      else byNode.set(nodes[i], [{ id, samples: nodes[i + 1] }]);
    }
  return byNode;
}
