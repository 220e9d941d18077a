// A recording as pprof's profile.proto (github.com/google/pprof, proto/profile.proto), for `go tool pprof` and its kin:
// by executed line where the recording has its call tree by line, else by function. Loaded only when asked for.

import {
  Line,
  Location,
  Mapping,
  Function as PprofFunction,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import type { RecordingFile } from '../protocol';
import { periodOf } from './readRecording';

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
  const functions = file.shared.frames.map(
    ({ name, file: path, line }, i) =>
      new PprofFunction({
        id: i + 1,
        name: text(name),
        systemName: text(name),
        filename: text(path ?? ''),
        startLine: line ?? 0,
      }),
  );
  const locations: Location[] = [];
  const locationIds = new Map<string, number>();
  const locationOf = (frame: number, line: number) => {
    const key = `${frame}:${line}`;
    let id = locationIds.get(key);
    if (id === undefined) {
      id = locations.length + 1;
      const mappingId = mappingOf(extra?.frameDetails[frame]?.module || '[unknown]');
      locations.push(new Location({ id, mappingId, line: [new Line({ functionId: frame + 1, line })] }));
      locationIds.set(key, id);
    }
    return id;
  };
  const samples: Sample[] = [];
  const add = (locationId: number[], count: number) =>
    samples.push(new Sample({ locationId, value: [Math.round(count), Math.round(count * period)] }));
  if (extra?.lineTree) {
    const { parent, frame, line, self } = extra.lineTree;
    for (const [node, count] of self.entries()) {
      if (count === 0) continue;
      const path: number[] = [];
      for (let at = node; at >= 0; at = parent[at])
        path.push(locationOf(frame[at], line[at] || (file.shared.frames[frame[at]].line ?? 0)));
      add(path, count);
    }
  } else {
    const merged = file.profiles[0] ?? { samples: [], weights: [] };
    for (const [i, stack] of merged.samples.entries()) {
      const path = stack.map((frame) => locationOf(frame, file.shared.frames[frame].line ?? 0)).reverse();
      add(path, merged.weights[i] / period);
    }
  }
  const nanoseconds = new ValueType({ type: text('cpu'), unit: text('nanoseconds') });
  const profile = new Profile({
    sampleType: [new ValueType({ type: text('samples'), unit: text('count') }), nanoseconds],
    sample: samples,
    mapping: mappings,
    location: locations,
    function: functions,
    stringTable: strings,
    timeNanos: extra ? BigInt(Date.parse(extra.startedAt)) * 1_000_000n : 0,
    durationNanos: extra ? Math.round(extra.durationMs * 1e6) : 0,
    periodType: nanoseconds,
    period,
    comment: [text(`${file.exporter ?? ''} ${extra?.command ?? ''}`.trim())],
  });
  return profile.encode();
}
