// Recordings made by code for the tests: a little C++ server with worker threads, kernel frames, a recursive function,
// two functions of one name, and names that need escaping. Deterministic: the same options give the same file.
import {
  type RecordingExtra,
  type RecordingExtraV1,
  type RecordingFile,
  type SampledProfile,
  type SampleTimes,
  type SpeedscopeFrame,
  upgradeRecording,
} from '../../helper/src/protocol';

export interface FixtureOptions {
  threads?: number;
  samplesPerThread?: number;
  frequencyHz?: number;
  /** Functions besides the server's own, called from its parser: to make tables long. */
  extraFunctions?: number;
  complete?: boolean;
  /** The file keeps when and by whom each sample was, as today's do. */
  times?: boolean;
}

interface Function extends SpeedscopeFrame {
  module: string;
  kind: 'user' | 'kernel' | 'unknown';
}

const SRC = '/home/dev/shop/src';
const FUNCTIONS: Function[] = [
  { name: 'start_thread', module: 'libc.so.6', kind: 'user', file: './nptl/pthread_create.c', line: 447 },
  { name: 'Worker::run()', module: 'shopd', kind: 'user', file: `${SRC}/worker.cpp`, line: 31 },
  { name: 'Server::handle(Request const&)', module: 'shopd', kind: 'user', file: `${SRC}/server.cpp`, line: 88 },
  { name: 'json::parse(std::string_view)', module: 'shopd', kind: 'user', file: `${SRC}/json/parse.cpp`, line: 120 },
  { name: 'json::parseValue(Cursor&)', module: 'shopd', kind: 'user', file: `${SRC}/json/parse.cpp`, line: 64 },
  { name: 'Cart::price() const', module: 'shopd', kind: 'user', file: `${SRC}/cart.cpp`, line: 52 },
  { name: 'helper', module: 'shopd', kind: 'user', file: `${SRC}/cart.cpp`, line: 12 },
  { name: 'helper', module: 'shopd', kind: 'user', file: `${SRC}/json/parse.cpp`, line: 12 },
  {
    name: 'std::vector<Item, std::allocator<Item>>::push_back(Item&&)',
    module: 'shopd',
    kind: 'user',
    file: '/usr/include/c++/14/bits/stl_vector.h',
    line: 1301,
  },
  { name: 'operator new(unsigned long)', module: 'libstdc++.so.6', kind: 'user' },
  { name: 'malloc', module: 'libc.so.6', kind: 'user', file: './malloc/malloc.c', line: 3287 },
  { name: 'libcrypto.so.3+0x1f2a40', module: 'libcrypto.so.3', kind: 'unknown' },
  { name: 'entry_SYSCALL_64', module: '[kernel]', kind: 'kernel' },
  { name: 'do_syscall_64', module: '[kernel]', kind: 'kernel' },
  { name: 'tcp_sendmsg', module: '[kernel]', kind: 'kernel' },
  { name: 'copy_page_to_iter', module: '[kernel]', kind: 'kernel' },
  { name: 'Überprüfe<"Größe" & \'Maß\'>(日本)', module: 'shopd', kind: 'user', file: `${SRC}/größe.cpp`, line: 7 },
];
export const F = {
  start: 0,
  run: 1,
  handle: 2,
  parse: 3,
  parseValue: 4,
  price: 5,
  helperCart: 6,
  helperJson: 7,
  pushBack: 8,
  new: 9,
  malloc: 10,
  crypto: 11,
  syscall: 12,
  unicode: 16,
} as const;

/** Stacks with their part of the samples in percent; sums to 100. */
const STACKS: [number, number[]][] = [
  [24, [0, 1, 2, 3, 4]],
  [9, [0, 1, 2, 3, 4, 4, 4]],
  [6, [0, 1, 2, 3, 4, 4, 7]],
  [14, [0, 1, 2, 5]],
  [8, [0, 1, 2, 5, 6]],
  [7, [0, 1, 2, 5, 8]],
  [6, [0, 1, 2, 5, 8, 9, 10]],
  [9, [0, 1, 2, 11]],
  [8, [0, 1, 2, 12, 13, 14]],
  [5, [0, 1, 2, 12, 13, 14, 15]],
  [2, [0, 1, 16]],
  [2, [0, 1]],
];

/** A number generator that gives the same sequence for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function fixtureRecording(options: FixtureOptions = {}): RecordingFile & { ebpfTracer: RecordingExtra } {
  const {
    threads = 3,
    samplesPerThread = 400,
    frequencyHz = 99,
    extraFunctions = 0,
    complete = true,
    times = false,
  } = options;
  const functions = [...FUNCTIONS];
  for (let i = 0; i < extraFunctions; i++)
    functions.push({
      name: `generated::module${i % 37}::function${i}(int)`,
      module: 'shopd',
      kind: 'user',
      file: `${SRC}/generated/module${i % 37}.cpp`,
      line: 10 + 3 * i,
    });
  const random = generator(42);
  const draw = (): number[] => {
    let left = random() * 100;
    const stack = STACKS.find(([percent]) => {
      left -= percent;
      return left < 0;
    })![1];
    if (extraFunctions === 0 || random() < 0.3) return stack;
    // A longer path through generated code, as deep as real C++ goes.
    const path = stack.slice(0, 3);
    let at = Math.floor(random() ** 3 * 60) % extraFunctions;
    for (let depth = 6 + Math.floor(random() * 30); depth > 0; depth--) {
      path.push(FUNCTIONS.length + at);
      at = (at * 7 + Math.floor(random() ** 5 * 3)) % extraFunctions;
    }
    return path;
  };
  // Real programs take the same paths again and again: some 4,000 distinct stacks, few of them hot, in runs.
  const pool = extraFunctions === 0 ? null : Array.from({ length: 4000 }, draw);
  let run = draw();
  const pick = (): number[] => {
    if (!pool) return draw();
    if (random() < 0.7) run = pool[Math.floor(random() ** 3 * pool.length)];
    return run;
  };
  const perThread = Array.from({ length: threads }, (_, thread) =>
    Array.from({ length: Math.round(samplesPerThread / (1 + thread * (extraFunctions ? 0 : 0.4))) }, pick),
  );
  const periodNs = 1e9 / frequencyHz;
  const profile = (name: string, samples: number[][]): SampledProfile => ({
    type: 'sampled',
    name,
    unit: 'nanoseconds',
    startValue: 0,
    endValue: Math.round(samples.length * periodNs),
    samples,
    weights: samples.map(() => periodNs),
  });
  const merged: number[][] = [];
  const timeline: SampleTimes = { afterUs: [], thread: [] };
  for (let i = 0; merged.length < perThread.reduce((sum, one) => sum + one.length, 0); i++)
    for (const [thread, samples] of perThread.entries()) {
      if (i >= samples.length) continue;
      timeline.afterUs.push(
        timeline.thread.at(-1) === undefined || timeline.thread.at(-1)! < thread ? 0 : Math.round(1e6 / frequencyHz),
      );
      timeline.thread.push(thread);
      merged.push(samples[i]);
    }
  const profiles = [profile('All threads', merged)];
  perThread.forEach((samples, thread) => {
    profiles.push(profile(thread === 0 ? 'shopd (4711)' : `worker-${thread} (${4711 + thread})`, samples));
  });
  const recording = upgradeRecording({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    shared: { frames: functions.map(({ name, file, line }) => ({ name, ...(file ? { file, line } : {}) })) },
    profiles,
    name: 'shopd',
    activeProfileIndex: 0,
    exporter: 'ebpf-tracer 0.1.0',
    ebpfTracer: extra(functions, merged, perThread, frequencyHz, complete),
  }) as RecordingFile & { ebpfTracer: RecordingExtra };
  if (times) recording.ebpfTracer.metrics[0].timeline = timeline;
  return recording;
}

function extra(
  functions: Function[],
  merged: number[][],
  perThread: number[][][],
  frequencyHz: number,
  complete: boolean,
): RecordingExtraV1 {
  const samples = merged.length;
  const counts = new Map<number, number>();
  for (const stack of merged) {
    const top = stack[stack.length - 1];
    counts.set(top, (counts.get(top) ?? 0) + 1);
  }
  const truncated = { noFramePointer: Math.round(samples * 0.02), tooDeep: 1 };
  return {
    formatVersion: 1,
    tracerVersion: '0.1.0',
    title: 'shopd',
    pid: 4711,
    command: '/home/dev/shop/build/shopd --port 8080',
    cwd: '/home/dev/shop',
    startedAt: '2026-11-20T10:15:00.000Z',
    durationMs: Math.round((perThread[0].length / frequencyHz) * 1000),
    complete,
    stopReason: complete ? 'stopped' : 'running',
    kernel: '6.18.0',
    arch: 'x86_64',
    attach: [
      {
        what: 'sampling',
        taken: 'perf_event cpu-clock',
        refused: [{ rung: 'cpu-cycles', why: 'no hardware counters' }],
      },
    ],
    frequencyHz,
    children: true,
    kernelStacks: true,
    samples,
    lost: 0,
    wholeStacks: Math.max(0, samples - truncated.noFramePointer - 1),
    truncated,
    frames: merged.reduce((sum, stack) => sum + stack.length, 0),
    symbolizedFrames: Math.round(merged.reduce((sum, stack) => sum + stack.length, 0) * 0.985),
    firstSampleMs: 112,
    health: {
      samples,
      lost: 0,
      truncated,
      ringFill: 0.01,
      helperCpuMs: 412,
      helperRssBytes: 71_000_000,
      bpfNs: 9_700_000,
      badFiles: [{ path: '/opt/vendor/libblob.so', why: 'section headers point outside the file' }],
    },
    threads: perThread.map((one, thread) => ({
      tid: 4711 + thread,
      pid: 4711,
      name: thread === 0 ? 'shopd' : `worker-${thread}`,
      samples: one.length,
    })),
    lines: [],
    frameDetails: functions.map(({ module, kind, line }, frame) => {
      const self = counts.get(frame) ?? 0;
      return {
        module,
        kind,
        lines:
          line && self > 0
            ? [
                [line + 3, Math.round(self * 0.7), self],
                [line + 5, self - Math.round(self * 0.7), self],
              ]
            : [],
      };
    }),
    sources: [],
    errors: [],
  };
}
