// Writes a recording as a speedscope file, piece by piece, so that no giant string arises and the ring can be drained in between:
// one frame per function; of each metric all threads merged, then one sampled profile per thread; and our own `ebpfTracer` key near
// the start, where `client/recordingMark.ts` can find and change it in place. Format: speedscope's src/lib/file-format-spec.ts and
// its JSON schema.

import { statusText } from '../client/recordingMark';
import type {
  ContextFigures,
  FrameOrigin,
  FunctionCount,
  Metric,
  MetricFigures,
  RecordingExtra,
  SampledProfile,
  TimelineProfile,
} from '../protocol';
import { RECORDING_FORMAT_VERSION } from '../protocol';
import type { LocationRow } from '../stack/frameTable';
import type { MetricSnapshot, StackSnapshot } from '../stack/stackSnapshot';
import { Origins } from './origin';

/** Pieces are at least this long, save the last: large enough to be few, small enough to yield often. */
const PIECE_CHARS = 1 << 18;
const LISTED = 512;
/** Nodes of the call tree by line, past which it is left out (some 4 MB of text). */
const MAX_LINE_TREE_NODES = 200_000;

/** What the session knows beside the counts. */
export interface RecordingHead
  extends Omit<
    RecordingExtra,
    'formatVersion' | 'metrics' | 'profiles' | 'threads' | 'frameDetails' | 'lineTree' | 'sources'
  > {
  /** Of tracers: profiles of their own, behind those of the metrics. */
  timelines?: readonly TimelineProfile[];
}

export function* speedscopeText(snapshot: StackSnapshot, head: RecordingHead): Generator<string> {
  let piece = '';
  for (const text of texts(snapshot, head)) {
    piece += text;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

function* texts(snapshot: StackSnapshot, head: RecordingHead): Generator<string> {
  const { complete, stopReason, timelines = [], ...rest } = head;
  const { beganNs } = head;
  const more = timelines.flatMap(({ frames }) => frames);
  const profiles = snapshot.metrics.flatMap((metric, index) => profilesOf(snapshot, metric, index));
  yield '{"$schema":"https://www.speedscope.app/file-format-schema.json",';
  yield `"exporter":"universal-ebpf-tracer ${head.tracerVersion}","name":${JSON.stringify(head.title)},`;
  // Where no stacks were sampled there is something to see all the same.
  const first = timelines.length > 0 && snapshot.functions.length === 0 ? profiles.length : 0;
  yield `"activeProfileIndex":${first},"ebpfTracer":{"formatVersion":${RECORDING_FORMAT_VERSION},${statusText(complete, stopReason)},`;
  const shared: Pick<RecordingExtra, 'threads' | 'profiles' | 'sources'> = {
    threads: snapshot.threads.map(({ tid, pid, name }) => ({ tid, pid, name })),
    profiles: profiles.map(({ metric, thread }) => ({ metric, thread })),
    sources: snapshot.sources,
  };
  yield `${JSON.stringify({ ...rest, ...shared }).slice(1, -1)},"metrics":[`;
  for (const [index, metric] of snapshot.metrics.entries()) {
    yield index > 0 ? ',' : '';
    yield* metricText(snapshot, metric, beganNs, more.length);
  }
  yield '],"frameDetails":[';
  const origins = new Origins(head);
  for (let i = 0; i < snapshot.functions.length; i++) {
    const { module, kind, runtime, inlined, fullNames } = snapshot.functions[i];
    const origin = origins.of(snapshot.functions[i]);
    const rest = `${origin ? `,"origin":"${origin}"` : ''}${runtime ? `,"runtime":"${runtime}"` : ''}${inlined ? ',"inlined":true' : ''}${fullNames.length > 0 ? `,"fullName":${JSON.stringify(fullNames.join('\n'))}` : ''}`;
    yield `${i ? ',' : ''}{"module":${JSON.stringify(module)},"kind":"${kind === 'native' ? 'user' : kind}"${rest}}`;
  }
  const comma = snapshot.functions.length > 0 ? ',' : '';
  if (more.length > 0) yield comma + more.map(() => '{"module":"","kind":"unknown"}').join();
  yield ']';
  yield* lineTreeText(snapshot);
  yield '},"shared":{"frames":[';
  const linesOf = linesByFunction(snapshot, snapshot.metrics[0]);
  for (let i = 0; i < snapshot.functions.length; i++) {
    const { name, file } = snapshot.functions[i];
    const line = functionLine(snapshot, i, linesOf[i]);
    yield `${i ? ',' : ''}${JSON.stringify({ name, ...(file === null ? {} : { file }), ...(line === null ? {} : { line }) })}`;
  }
  if (more.length > 0) yield comma + more.map((frame) => JSON.stringify(frame)).join();
  yield ']},"profiles":[';
  yield* profileTexts(snapshot, profiles);
  yield* timelineTexts(timelines, snapshot.functions.length, beganNs ?? 0);
  yield ']}\n';
}

/** All figures of one metric (MetricFigures). */
function* metricText(
  snapshot: StackSnapshot,
  metric: MetricSnapshot,
  beganNs: number | undefined,
  moreFrames: number,
): Generator<string> {
  const hasTree = snapshot.lineTree.size <= MAX_LINE_TREE_NODES;
  const counts: Omit<MetricFigures, 'lines' | 'functionLines' | 'treeSelf' | 'timeline'> = {
    ...metric.metric,
    samples: metric.samples,
    total: metric.total,
    wholeStacks: metric.wholeStacks,
    truncated: metric.truncated,
    frames: metric.frames,
    symbolizedFrames: metric.symbolizedFrames,
    threads: metric.threadFigures,
    contexts: hasTree ? metric.contexts : metric.contexts.map(withoutNodes),
    ...(metric.bucketNs > 0 ? { timeBucketMs: metric.bucketNs / 1e6 } : {}),
  };
  yield `${JSON.stringify(counts).slice(0, -1)},"lines":[`;
  let comma = '';
  for (let i = 0; i < metric.lineTotal.length; i++) {
    if (metric.lineTotal[i] === 0) continue;
    const { file, line } = snapshot.lines[i];
    yield `${comma}{"file":${JSON.stringify(file)},"line":${line},"self":${metric.lineSelf[i]},"total":${metric.lineTotal[i]}}`;
    comma = ',';
  }
  yield '],"functionLines":[';
  for (const [i, lines] of linesByFunction(snapshot, metric).entries()) yield `${i ? ',' : ''}${JSON.stringify(lines)}`;
  if (moreFrames > 0)
    yield (snapshot.functions.length > 0 ? ',' : '') + Array.from({ length: moreFrames }, () => '[]').join();
  yield `]${hasTree ? `,"treeSelf":[${metric.treeSelf.join()}]` : ''}`;
  if (beganNs !== undefined) yield* timelineText(metric, beganNs, hasTree);
  yield '}';
}

/** Behind the metrics' profiles, with frames behind the functions. */
function* timelineTexts(timelines: readonly TimelineProfile[], functions: number, beganNs: number): Generator<string> {
  let base = functions;
  for (const { name, frames, startNs, samples, weightsNs } of timelines) {
    const from = Math.max(0, startNs - beganNs);
    const to = weightsNs.reduce((sum, one) => sum + one, from);
    const stacks = samples.map((stack) => `[${stack.map((frame) => base + frame).join()}]`);
    yield `,{"type":"sampled","name":${JSON.stringify(name)},"unit":"nanoseconds","startValue":${from},"endValue":${to},`;
    yield `"samples":[${stacks.join()}],"weights":[${weightsNs.join()}]}`;
    base += frames.length;
  }
}

/** Of each entry that the merged profile has as a sample (SampleTimes). */
function* timelineText(metric: MetricSnapshot, beganNs: number, hasTree: boolean): Generator<string> {
  const entries = Array.from({ length: metric.timelineSize }, (_, i) => i);
  // Samples of the moment before counting began stand at its beginning.
  const us = (i: number) => Math.max(0, Math.round((metric.timeNsAt(i) - beganNs) / 1e3));
  yield ',"timeline":{"afterUs":[';
  yield* listed(entries, (i) => String(us(i) - (i === 0 ? 0 : us(i - 1))));
  yield '],"thread":[';
  yield* listed(entries, (i) => String(metric.threadAt(i)));
  if (hasTree) {
    yield '],"node":[';
    yield* listed(entries, (i) => String(metric.lineNodeAt(i)));
  }
  yield ']}';
}

/** Without nodes where the tree that they are of is left out. */
function withoutNodes({ top, ...rest }: ContextFigures): ContextFigures {
  return { ...rest, top: top.map((row) => ({ ...row, nodes: [] })) };
}

/** One of speedscope's profiles: a metric, and a thread or all. */
interface ProfilePlan {
  name: string;
  metric: number;
  thread: number | null;
  /** Of the metric's timeline. */
  entries: number[];
}

/** The merged profile of a metric, then one per thread with figures, largest first. */
function profilesOf(snapshot: StackSnapshot, metric: MetricSnapshot, index: number): ProfilePlan[] {
  const entriesOf: number[][] = snapshot.threads.map(() => []);
  const all: number[] = [];
  for (let i = 0; i < metric.timelineSize; i++) {
    all.push(i);
    entriesOf[metric.threadAt(i)].push(i);
  }
  const order = snapshot.threads
    .map((_, i) => i)
    .filter((thread) => entriesOf[thread].length > 0)
    .sort((a, b) => metric.threadFigures[b] - metric.threadFigures[a]);
  const severalProcesses = new Set(snapshot.threads.map((thread) => thread.pid)).size > 1;
  const prefix = index === 0 ? '' : `${metric.metric.id}: `;
  return [
    { name: `${prefix}All threads`, metric: index, thread: null, entries: all },
    ...order.map((thread) => {
      const { name, pid, tid } = snapshot.threads[thread];
      const label = severalProcesses ? `${name} (${pid}/${tid})` : `${name} (${tid})`;
      return { name: prefix + label, metric: index, thread, entries: entriesOf[thread] };
    }),
  ];
}

const SPEEDSCOPE_UNITS: Record<Metric['unit'], SampledProfile['unit']> = {
  nanoseconds: 'nanoseconds',
  bytes: 'bytes',
  count: 'none',
};

function* profileTexts(snapshot: StackSnapshot, profiles: readonly ProfilePlan[]): Generator<string> {
  const stackTexts = new Map<number, string>();
  let comma = '';
  for (const { name, metric: index, entries } of profiles) {
    const metric = snapshot.metrics[index];
    const { unit, period } = metric.metric;
    const weight = period === null ? 1 : Math.round(period);
    let sum = 0;
    for (const i of entries) sum += metric.figureAt(i);
    yield `${comma}{"type":"sampled","name":${JSON.stringify(name)},"unit":"${SPEEDSCOPE_UNITS[unit]}","startValue":0,"endValue":${sum * weight},"samples":[`;
    yield* listed(entries, (i) => {
      const node = metric.functionNodeAt(i);
      let text = stackTexts.get(node);
      if (text === undefined) {
        text = `[${snapshot.pathOf(node).join()}]`;
        stackTexts.set(node, text);
      }
      return text;
    });
    yield '],"weights":[';
    yield* listed(entries, (i) => String(metric.figureAt(i) * weight));
    yield ']}';
    comma = ',';
  }
}

/** Texts with commas between, some hundred at a time: one at a time would cost more than making them. */
function* listed(entries: number[], text: (entry: number) => string): Generator<string> {
  for (let from = 0; from < entries.length; from += LISTED) {
    const comma = from === 0 ? '' : ',';
    yield comma +
      entries
        .slice(from, from + LISTED)
        .map(text)
        .join();
  }
}

function linesByFunction(
  snapshot: StackSnapshot,
  metric: MetricSnapshot,
): [line: number, self: number, total: number][][] {
  const lines: [number, number, number][][] = snapshot.functions.map(() => []);
  for (let i = 0; i < metric.locationTotal.length; i++) {
    const { functionIndex, line } = snapshot.locations[i];
    if (isInOwnFile(snapshot, snapshot.locations[i]) && metric.locationTotal[i] > 0)
      lines[functionIndex].push([line, metric.locationSelf[i], metric.locationTotal[i]]);
  }
  for (const list of lines) list.sort((a, b) => a[0] - b[0]);
  return lines;
}

/** Code of another file within a function (an include, a macro) is among the recording's `lines` only. */
function isInOwnFile({ lines, functions }: StackSnapshot, { functionIndex, lineIndex }: LocationRow): boolean {
  return lineIndex >= 0 && lines[lineIndex].file === functions[functionIndex].file;
}

/** Where the function starts, else its line with the most samples. */
function functionLine(snapshot: StackSnapshot, index: number, lines: [number, number, number][]): number | null {
  const start = snapshot.functions[index].line;
  if (start !== null) return start;
  let best: [number, number, number] | null = null;
  for (const line of lines) if (!best || line[1] > best[1] || (line[1] === best[1] && line[2] > best[2])) best = line;
  return best ? best[0] : null;
}

function* lineTreeText(snapshot: StackSnapshot): Generator<string> {
  const { size, parent, item } = snapshot.lineTree;
  if (size > MAX_LINE_TREE_NODES) return;
  yield `,"lineTree":{"parent":[${parent.subarray(0, size).join()}],"frame":[`;
  const column = (value: (node: number) => number) => Array.from({ length: size }, (_, node) => value(node)).join();
  yield column((node) => snapshot.locations[item[node]].functionIndex);
  const line = (location: LocationRow) => (isInOwnFile(snapshot, location) ? location.line : 0);
  yield `],"line":[${column((node) => line(snapshot.locations[item[node]]))}]}`;
}

/** Functions of the first metric by total and self, largest self first; whose they are where `origins` are given. */
export function functionCounts(snapshot: StackSnapshot, origins: Origins | null = null): FunctionCount[] {
  const [metric] = snapshot.metrics;
  const linesOf = linesByFunction(snapshot, metric);
  return snapshot.functions
    .map((row, i) => ({
      name: row.name,
      file: row.file,
      line: functionLine(snapshot, i, linesOf[i]),
      ...originKey(origins?.of(row) ?? null),
      self: metric.functionSelf[i],
      total: metric.functionTotal[i],
    }))
    .filter((row) => row.total > 0)
    .sort((a, b) => b.self - a.self || b.total - a.total);
}

const originKey = (origin: FrameOrigin | null) => (origin === null ? {} : { origin });
