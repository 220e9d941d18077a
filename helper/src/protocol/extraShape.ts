// The shape of `ebpfTracer` in a recording file, checked before anything reads it: files come from other people. What stands behind
// this check may trust each type, that numbers are finite and not negative, and that each index is of something.
// Fields that are not named here are of newer or older versions, and pass.

import type { RecordingExtra, SampleTimes } from './recordingFile';

/** null: it is right. Else where in the value it is not, and what it is not: `.lines[3].self is no number from 0 on`. */
type Check = (value: unknown) => string | null;

/** Stacks that are deeper are no stacks, and would be walked by functions that call themselves. */
export const MAX_STACK_FRAMES = 10_000;
/** Frames of all stacks of a call tree, each written out: what an export makes of it. */
const MAX_TREE_STEPS = 1e8;
/** Greater numbers are no counts, times or sizes, and fit into no 64 bits. */
export const MAX_FIGURE = 2 ** 63;

const is =
  (right: (value: unknown) => boolean, what: string): Check =>
  (value) =>
    right(value) ? null : ` is no ${what}`;
const text = is((value) => typeof value === 'string', 'text');
const truth = is((value) => typeof value === 'boolean', 'truth value');
const isFigure = (value: unknown) => typeof value === 'number' && value >= 0 && value < MAX_FIGURE;
const figure = is(isFigure, 'number from 0 on');
const isWhole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const whole = is(isWhole, 'whole number from 0 on');
const positive = is((value) => isFigure(value) && (value as number) > 0, 'number above 0');
const period = is((value) => isFigure(value) && (value as number) >= 1, 'number from 1 on');
/** In nanoseconds since 1970 it fits into 64 bits. */
const date = is((value) => typeof value === 'string' && isFigure(Date.parse(value) * 1e6), 'date');

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined ? null : check(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null ? null : check(value);

const list =
  (item: Check): Check =>
  (value) => {
    if (!Array.isArray(value)) return ' is no list';
    for (let i = 0; i < value.length; i++) {
      const wrong = item(value[i]);
      if (wrong !== null) return `[${i}]${wrong}`;
    }
    return null;
  };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const object =
  (fields: Record<string, Check>): Check =>
  (value) => {
    if (!isObject(value)) return ' is no object';
    for (const [name, check] of Object.entries(fields)) {
      const wrong = check(Object.hasOwn(value, name) ? value[name] : undefined);
      if (wrong !== null) return `.${name}${wrong}`;
    }
    return null;
  };

/** By names that the writer chose. */
const counts: Check = (value) => {
  if (!isObject(value)) return ' is no object';
  const odd = Object.keys(value).find((name) => !isFigure(value[name]));
  return odd === undefined ? null : `.${odd.slice(0, 40)} is no number from 0 on`;
};

const lineCounts: Check = (value) =>
  Array.isArray(value) && value.length === 3 && value.every(isFigure) ? null : ' is no line with two figures';

const process = { pid: whole };
const METRIC: Record<string, Check> = {
  id: text,
  unit: is((unit) => unit === 'nanoseconds' || unit === 'bytes' || unit === 'count', 'unit of a metric'),
  period: orNull(period),
  samples: figure,
  total: figure,
  wholeStacks: figure,
  truncated: counts,
  frames: figure,
  symbolizedFrames: figure,
  threads: list(figure),
  contexts: list(
    object({
      kind: text,
      top: list(object({ ...process, id: figure, name: optional(text), figure, nodes: list(figure) })),
      otherFigure: figure,
      seen: optional(figure),
    }),
  ),
  lines: list(object({ file: text, line: whole, self: figure, total: figure })),
  functionLines: list(list(lineCounts)),
  treeSelf: optional(list(figure)),
  timeBucketMs: optional(figure),
  timeline: optional(object({ afterUs: list(figure), thread: list(whole), node: optional(list(whole)) })),
};

const report = object({ code: text, message: text, fix: text });

const nativeOnly = object({ reason: text, fix: orNull(text) });
const anyRuntime = object({
  runtime: text,
  version: orNull(text),
  status: text,
  processes: figure,
  problems: list(object({ why: text, count: figure })),
});
const runtimeReport: Check = (value) =>
  anyRuntime(value) ?? ((value as { status: string }).status === 'nativeOnly' ? nativeOnly(value) : null);

const HEAD: Record<string, Check> = {
  tracerVersion: text,
  title: text,
  ...process,
  command: text,
  cwd: orNull(text),
  startedAt: date,
  durationMs: figure,
  beganNs: optional(figure),
  complete: truth,
  stopReason: text,
  kernel: text,
  arch: text,
  attach: list(object({ what: text, taken: orNull(text), refused: list(object({ rung: text, why: text })) })),
  frequencyHz: optional(positive),
  children: truth,
  kernelStacks: optional(truth),
  tracers: optional(list(object({ id: text, unit: text, count: figure, lost: figure, missing: optional(report) }))),
  /** Whoever shows a section checks it: each has a shape of its own. */
  sections: optional(object({})),
  lost: figure,
  firstSampleMs: orNull(is(Number.isFinite, 'number')),
  health: object({
    helperCpuMs: figure,
    helperRssBytes: figure,
    bpfNs: orNull(figure),
    badFiles: list(object({ path: text, why: text })),
    losses: optional(counts),
    unnamedFiles: optional(
      list(
        object({ path: text, share: figure, from: orNull(object({ package: orNull(text), server: orNull(text) })) }),
      ),
    ),
    runtimes: optional(list(runtimeReport)),
  }),
  errors: list(report),
  threads: list(object({ ...process, tid: whole, name: text })),
  frameDetails: list(
    object({
      module: text,
      kind: text,
      fullName: optional(text),
      inlined: optional(truth),
      runtime: optional(text),
      origin: optional(text),
    }),
  ),
  sources: list(object({ file: text, md5: orNull(text), binaryMtimeMs: orNull(is(Number.isFinite, 'number')) })),
};

const V2 = object({
  ...HEAD,
  metrics: list(object(METRIC)),
  profiles: list(object({ metric: whole, thread: orNull(whole) })),
  lineTree: optional(object({ parent: list(is(Number.isInteger, 'index')), frame: list(whole), line: list(whole) })),
});

/** What the upgrade reads and today's version has elsewhere. */
const V1 = object({
  frequencyHz: positive,
  threads: list(object({ samples: figure })),
  frameDetails: list(object({ lines: list(lineCounts) })),
  lineTree: optional(object({ self: list(figure) })),
  goroutines: optional(
    object({ top: list(object({ samples: figure })), otherSamples: figure, seen: optional(figure) }),
  ),
});

/** What is wrong with it before it is upgraded from version 1; null: it can be. */
export const wrongInV1 = (extra: unknown): string | null => inWords(V1(extra));

/** What is wrong with today's version; null: nothing. `frames`, `profiles`: how many the file has. */
export function wrongInExtra(extra: unknown, frames: number, profiles: number): string | null {
  const wrong = V2(extra);
  return wrong === null ? wrongIndex(extra as RecordingExtra, frames, profiles) : inWords(wrong);
}

const inWords = (wrong: string | null) => wrong?.replace(/^\./, '') ?? null;

function wrongIndex(extra: RecordingExtra, frames: number, profiles: number): string | null {
  const { metrics, threads, lineTree: tree } = extra;
  if (metrics.length === 0) return 'metrics is empty';
  // Profiles beyond these are timelines of tracers.
  if (extra.profiles.length === 0 && profiles > 0) return 'profiles is empty';
  for (const [i, { metric, thread }] of extra.profiles.entries())
    if (metric >= metrics.length || (thread !== null && thread >= threads.length))
      return `profiles[${i}] is of nothing that is there`;
  const nodes = tree?.parent.length ?? 0;
  const wrong = tree && wrongTree(tree, frames);
  if (wrong) return wrong;
  for (const [i, metric] of metrics.entries()) {
    if (tree && metric.treeSelf && metric.treeSelf.length !== nodes)
      return `metrics[${i}].treeSelf does not fit lineTree`;
    const wrongTimes = metric.timeline && wrongTimeline(metric.timeline, threads.length, nodes);
    if (wrongTimes) return `metrics[${i}].timeline ${wrongTimes}`;
    for (const { top } of metric.contexts)
      for (const one of top)
        if (one.nodes.length % 2 !== 0 || (tree && one.nodes.some((node, at) => at % 2 === 0 && !(node < nodes))))
          return `metrics[${i}].contexts has nodes that are not there`;
  }
  return null;
}

function wrongTimeline({ afterUs, thread, node }: SampleTimes, threads: number, nodes: number): string | null {
  if (thread.length !== afterUs.length || (node && node.length !== afterUs.length))
    return 'has lists of different lengths';
  if (thread.some((one) => one >= threads)) return 'names a thread that is not there';
  return node?.some((one) => one >= nodes) ? 'names a node that is not there' : null;
}

function wrongTree(tree: NonNullable<RecordingExtra['lineTree']>, frames: number): string | null {
  const { parent, frame, line } = tree;
  if (frame.length !== parent.length || line.length !== parent.length) return 'lineTree has lists of different lengths';
  const depth = new Int32Array(parent.length);
  let steps = 0;
  for (let node = 0; node < parent.length; node++) {
    const above = parent[node];
    if (above < -1 || above >= node || frame[node] >= frames)
      return `lineTree has a node ${node} that is called by none`;
    depth[node] = above < 0 ? 1 : depth[above] + 1;
    steps += depth[node];
    if (depth[node] > MAX_STACK_FRAMES || steps > MAX_TREE_STEPS) return 'lineTree is too deep';
  }
  return null;
}
