// Several recordings of one program as one: their samples one recording after the other, by thread, line and time as far as each keeps
// them. What tracers found beside samples stays in the recordings themselves.

import { plainFrameName, type TimedSample, timedSamples } from '../export/samples';
import { type Metric, type RecordingExtra, type RecordingFile, RUNTIME_NAME, tracerError } from '../protocol';
import type { Frame, FrameKind } from '../runtimes/frame';
import { RecordingBuilder } from './recordingBuilder';
import { Unreadable } from './unreadable';

/** As files have them; others are of newer versions, or mean harm. */
const KINDS: Readonly<Record<string, FrameKind | undefined>> = {
  __proto__: null as never,
  user: 'native',
  kernel: 'kernel',
  interpreted: 'interpreted',
  jit: 'jit',
};

/** Throws NOT_COMPARABLE. */
export function mergeRecordings(files: readonly RecordingFile[]): RecordingFile {
  if (files.length === 1) return files[0];
  try {
    return merged(files);
  } catch (error) {
    // Too much of all together, or nothing in any.
    throw error instanceof Unreadable ? tracerError('NOT_COMPARABLE', error.message) : error;
  }
}

function merged(files: readonly RecordingFile[]): RecordingFile {
  const [first] = files;
  const extras = files.map(({ ebpfTracer }) => ebpfTracer!);
  const metrics = commonMetrics(extras);
  const builder = new RecordingBuilder(metrics);
  let offsetMs = 0;
  for (const [at, file] of files.entries()) {
    const extra = extras[at];
    for (const [index, metric] of extra.metrics.entries()) {
      const place = metrics.findIndex(({ id }) => id === metric.id);
      addMetric(builder, file, index, place, metrics.length, offsetMs);
    }
    offsetMs += extra.durationMs;
  }
  const [{ title, command, pid, startedAt, arch, cwd }] = extras;
  const head = { title, command, pid, startedAtMs: Date.parse(startedAt), durationMs: offsetMs, arch, cwd };
  const whole = builder.finish(head, first.exporter ?? '');
  const extra = whole.ebpfTracer!;
  extra.lost = extras.reduce((sum, { lost }) => sum + lost, 0);
  extra.complete = extras.every(({ complete }) => complete);
  extra.kernel = extras[0].kernel;
  const { frequencyHz } = extras[0];
  if (frequencyHz !== undefined) extra.frequencyHz = frequencyHz;
  return whole;
}

function commonMetrics(extras: readonly RecordingExtra[]): Metric[] {
  const metrics: Metric[] = [];
  for (const { metrics: own } of extras)
    for (const { id, unit, period } of own) {
      const known = metrics.find((metric) => metric.id === id);
      if (!known) metrics.push({ id, unit, period });
      else if (known.unit !== unit || known.period !== period)
        throw tracerError('NOT_COMPARABLE', `samples of ${id} do not stand for the same in each (another frequency)`);
    }
  return metrics;
}

function addMetric(
  builder: RecordingBuilder,
  file: RecordingFile,
  metric: number,
  place: number,
  metrics: number,
  offsetMs: number,
): void {
  const extra = file.ebpfTracer!;
  const { tree, samples } = stacksOf(file, metric);
  const frames = new Map<string, Frame>();
  const frameAt = (node: number): Frame => {
    const key = `${tree.frame[node]}:${tree.line[node]}`;
    const known = frames.get(key);
    if (known) return known;
    const { file: path, line } = file.shared.frames[tree.frame[node]];
    const { module = '', kind = 'unknown', inlined, fullName, runtime } = extra.frameDetails[tree.frame[node]] ?? {};
    const frame = builder.frame({
      name: plainFrameName(file, tree.frame[node]),
      fullName: fullName ?? null,
      file: path ?? null,
      line: tree.line[node],
      functionLine: line ?? null,
      module,
      kind: KINDS[kind] ?? 'unknown',
      inlined: inlined === true,
      runtime: runtime !== undefined && Object.hasOwn(RUNTIME_NAME, runtime) ? runtime : null,
    });
    frames.set(key, frame);
    return frame;
  };
  const stacks = new Map<number, Frame[]>();
  for (const { node, thread, atMs, figure } of samples) {
    let stack = stacks.get(node);
    if (!stack) {
      stack = [];
      for (let at = node; at >= 0; at = tree.parent[at]) stack.push(frameAt(at));
      stacks.set(node, stack);
    }
    if (stack.length === 0) continue;
    const figures = Array.from({ length: metrics }, (_, i) => (i === place ? figure : 0));
    const of = extra.threads[thread] ?? { pid: extra.pid, tid: extra.pid, name: 'all threads' };
    builder.sample(stack, of, ((atMs ?? 0) + offsetMs) * 1e6, figures);
  }
}

/** Without times the call tree by line says more than stacks by function do. */
function stacksOf(file: RecordingFile, metric: number): ReturnType<typeof timedSamples> {
  const timed = timedSamples(file, metric);
  const { lineTree, metrics } = file.ebpfTracer!;
  const own = metrics[metric].treeSelf;
  if (!lineTree || !own || timed.tree === lineTree) return timed;
  const samples = own.flatMap((figure, node): TimedSample[] =>
    figure > 0 ? [{ thread: -1, atMs: null, node, figure }] : [],
  );
  return { tree: lineTree, samples };
}
