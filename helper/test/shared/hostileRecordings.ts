// Recording files that mean harm, for the tests of all who read them (helper, extension, page): one that is sound, and the same with
// one thing in it wrong.

import type { RecordingExtraV1 } from '../../src/protocol';

/** Stands for a number that JSON.stringify cannot write: JSON.parse makes Infinity of it. */
const ENDLESS = '<1e999>';

const WRONG: unknown[] = [
  ...[null, true, false, -1, 0.5, 1e300, 2 ** 53, 2 ** 63, ENDLESS],
  ...['', 'x', 'constructor', '__proto__', '\u0000\u001b[2J\u202e\ud800'],
  ...[[], [[]], [null], [-1], [1e9], ['x'], {}, { length: 1e9 }, { toString: 1, constructor: 1 }],
];
/** Keys that every object seems to have. */
const PROTOTYPE = { __proto__: undefined, constructor: 1, hasOwnProperty: 1, toString: 1, length: -1 };

export interface HostileRecording {
  /** What was done to it. */
  what: string;
  text: string;
}

/** As version 1 wrote it, with something in every list. */
export function soundV1() {
  const frames = ['main', 'work', 'hot (inlined)'].map((name, i) => ({
    name,
    file: '/src/a.c',
    line: 1 + 10 * i,
    col: 1,
  }));
  const profile = (name: string) => ({
    ...{ type: 'sampled', name, unit: 'none', startValue: 0, endValue: 10 },
    samples: [[0, 1, 2], [0, 1], []],
    weights: [6, 3, 1],
  });
  const ebpfTracer: RecordingExtraV1 = {
    formatVersion: 1,
    tracerVersion: '0.1.0',
    title: 'sound',
    pid: 42,
    command: '/bin/sound -x',
    cwd: '/src',
    startedAt: '2026-11-23T05:00:00.000Z',
    durationMs: 1000,
    complete: true,
    stopReason: 'stopped',
    kernel: '6.18.0',
    arch: 'x64',
    attach: [{ what: 'sampling', taken: 'cycles', refused: [{ rung: 'ibs', why: 'none here' }] }],
    frequencyHz: 99,
    children: true,
    kernelStacks: true,
    samples: 10,
    lost: 1,
    wholeStacks: 7,
    truncated: { noFramePointer: 2, jitCode: 1 },
    frames: 26,
    symbolizedFrames: 25,
    firstSampleMs: 20,
    health: {
      ...{ samples: 10, lost: 1, truncated: {}, ringFill: 0.1, helperCpuMs: 12, helperRssBytes: 6e7, bpfNs: 4000 },
      badFiles: [{ path: '/lib/x.so', why: 'absurd' }],
      runtimes: [
        {
          runtime: 'jvm',
          version: null,
          processes: 1,
          problems: [],
          status: 'nativeOnly',
          reason: 'it is',
          fix: 'Do this.',
        },
      ],
      losses: {
        ...{ processRecords: 1, mappingRecords: 1, filteredSamples: 1, unfollowedProcesses: 1, evictedTables: 1 },
        ...{ skippedRuntimeWalks: 1, samplesWithoutStack: 1, refusedProcesses: 1, refusedSamples: 1 },
      },
    },
    threads: [{ tid: 43, pid: 42, name: 'worker', samples: 10 }],
    lines: [{ file: '/src/a.c', line: 22, self: 6, total: 6 }],
    frameDetails: frames.map(({ line }, i) => ({
      ...{ module: 'sound', kind: 'user' as const, inlined: i === 2, fullName: `f${i}(int)` },
      lines: [[line + 1, i === 2 ? 6 : 0, 6]],
    })),
    lineTree: { parent: [-1, 0, 1], frame: [0, 1, 2], line: [2, 12, 22], self: [0, 4, 6] },
    timeBucketMs: 10,
    goroutines: { top: [{ pid: 42, id: 7, samples: 6, nodes: [2, 6] }], otherSamples: 4, seen: 3 },
    sources: [{ file: '/src/a.c', md5: '0'.repeat(32), binaryMtimeMs: 1 }],
    errors: [{ code: 'DISK_FULL', message: 'The disk is full.', fix: 'Make room.' }],
  };
  return {
    $schema: 'https://www.speedscope.app/file-format-schema.json' as const,
    shared: { frames },
    profiles: [profile('All threads'), profile('worker (43)')],
    name: 'sound',
    activeProfileIndex: 0,
    exporter: 'universal-ebpf-tracer',
    ebpfTracer,
  };
}

type Path = (string | number)[];

/** Each part of `sound` once: left out, replaced by everything that it is not, or with keys of every object's prototype. */
export function* hostileVariants(sound: unknown): Generator<HostileRecording> {
  for (const path of pathsOf(sound, [])) {
    const where = path.join('.');
    yield { what: `without ${where}`, text: textOf(changed(sound, path, undefined)) };
    for (const wrong of WRONG)
      yield { what: `${where} is ${JSON.stringify(wrong)}`, text: textOf(changed(sound, path, wrong)) };
    yield { what: `${where} has keys of prototypes`, text: textOf(changed(sound, path, PROTOTYPE)) };
    // `__proto__` as JSON alone can write it.
    yield {
      what: `${where} has a __proto__`,
      text: textOf(changed(sound, path, '<proto>')).replace('"<proto>"', '{"__proto__":{"polluted":true}}'),
    };
  }
}

/** Files that are small to write and large, deep or long to read. */
export function* greedyTexts(): Generator<HostileRecording> {
  const evented = (events: string) =>
    `{"shared":{"frames":[{"name":"a"},{"name":"b"}]},"profiles":[{"type":"evented","name":"e","unit":"none","startValue":0,"endValue":1,"events":[${events}]}]}`;
  const event = (type: string, frame: number, at: number) => `{"type":"${type}","frame":${frame},"at":${at}}`;
  const nested = Array.from({ length: 200_000 }, (_, i) => event('O', 0, i));
  const firstOut = [
    ...Array.from({ length: 9_000 }, (_, i) => event('O', i % 2, i)),
    ...Array.from({ length: 90_000 }, (_, i) => event(i % 2 ? 'C' : 'O', 0, 9_000 + i)),
  ];
  yield { what: 'lists in lists', text: '['.repeat(2_000_000) };
  yield { what: 'objects in objects', text: `${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}` };
  yield {
    what: 'deep in a field of ours',
    text: `{"shared":{"frames":[]},"profiles":[],"ebpfTracer":{"formatVersion":2,"metrics":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
  };
  yield { what: 'events that open and open', text: evented(nested.join()) };
  yield { what: 'events that make deep stacks again and again', text: evented(firstOut.join()) };
  yield { what: 'a text without an end', text: `{"shared":{"frames":[{"name":"${'\\\\'.repeat(2_000_000)}` };
  yield {
    what: 'one stack of all',
    text: `{"shared":{"frames":[{"name":"a"}]},"profiles":[{"type":"sampled","name":"s","unit":"none","startValue":0,"endValue":1,"samples":[[${Array(1_000_000).fill(0).join()}]],"weights":[1]}]}`,
  };
  yield {
    what: 'weights past all numbers',
    text: `{"shared":{"frames":[{"name":"a"}]},"profiles":[{"type":"sampled","name":"s","unit":"seconds","startValue":0,"endValue":1,"samples":[[0],[0]],"weights":[1e308,1e308]}]}`,
  };
}

/** Version 2 whose call tree is one chain of `nodes`, each with a figure: written out it is their square. */
export function chainOf(nodes: number, sound: { ebpfTracer?: unknown }): string {
  const chain = JSON.parse(JSON.stringify(sound));
  const all = <T>(value: (i: number) => T) => Array.from({ length: nodes }, (_, i) => value(i));
  chain.ebpfTracer.lineTree = { parent: all((i) => i - 1), frame: all(() => 0), line: all(() => 1) };
  chain.ebpfTracer.metrics[0].treeSelf = all(() => 1);
  return JSON.stringify(chain);
}

/** Of lists the first item stands for all. */
function* pathsOf(value: unknown, path: Path): Generator<Path> {
  if (path.length > 0) yield path;
  if (Array.isArray(value)) {
    if (value.length > 0) yield* pathsOf(value[0], [...path, 0]);
  } else if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value)) yield* pathsOf(inner, [...path, name]);
}

function changed(value: unknown, [first, ...rest]: Path, to: unknown): unknown {
  if (first === undefined) return to;
  const inner = changed((value as Record<string, unknown>)[first], rest, to);
  if (Array.isArray(value)) return value.map((item, i) => (i === first ? inner : item));
  return { ...(value as object), [first]: inner };
}

const textOf = (value: unknown) => JSON.stringify(value).replaceAll(JSON.stringify(ENDLESS), '1e999');
