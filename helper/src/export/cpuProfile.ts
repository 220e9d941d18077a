// A recording as V8's `.cpuprofile`, which VS Code's own table, Chrome's and other tools open: one tree of functions, executed lines as
// ticks of its nodes. The format knows one thread and samples that follow each other: those of all threads do so here, in their order,
// each for as long as it stands for. Layout: Profiler.Profile of the Chrome DevTools Protocol; a sample lasts until the next one.

import { pathToFileURL } from 'node:url';
import type { RecordingFile } from '../protocol';
import { plainFrameName, type TimedSample, timedSamples } from './samples';

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; scriptId: string; url: string; lineNumber: number; columnNumber: number };
  hitCount: number;
  children: number[];
  positionTicks: { line: number; ticks: number }[];
}

/** A sample that stands for several is written as several, as V8 would have them, where there are not too many. */
const MAX_SAMPLES = 2_000_000;
/** Of metrics that are no times a unit is shown as a microsecond. */
const UNIT_US = 1;

export function* cpuProfileText(file: RecordingFile): Generator<string> {
  const extra = file.ebpfTracer!;
  const metric = Math.max(
    0,
    extra.metrics.findIndex(({ unit }) => unit === 'nanoseconds'),
  );
  const { unit, period } = extra.metrics[metric];
  const figureUs = unit === 'nanoseconds' ? (period ?? 1) / 1e3 : (period ?? 1) * UNIT_US;
  const { tree, samples: kept } = timedSamples(file, metric);
  const samples = period === null ? kept : eachApart(kept);
  const root: ProfileNode = {
    id: 1,
    callFrame: callFrame('(root)', '', 0),
    hitCount: 0,
    children: [],
    positionTicks: [],
  };
  const nodes = [root];
  const byKey = new Map<string, ProfileNode>();
  const scripts = new Map<string, number>();
  /** Nodes of the file's tree that differ by their line alone are one here. */
  const placed: ProfileNode[] = tree.parent.map(() => root);
  for (let at = 0; at < tree.parent.length; at++) {
    const parent = tree.parent[at] < 0 ? root : placed[tree.parent[at]];
    const frame = tree.frame[at];
    const { file: path = '', line = 0 } = file.shared.frames[frame];
    const name = plainFrameName(file, frame);
    const key = `${parent.id}\0${name}\0${path}\0${line}`;
    let node = byKey.get(key);
    if (!node) {
      const script = scripts.get(path) ?? scripts.size + 1;
      scripts.set(path, script);
      const of = callFrame(name, path, line, path === '' ? 0 : script);
      node = { id: nodes.length + 1, callFrame: of, hitCount: 0, children: [], positionTicks: [] };
      nodes.push(node);
      byKey.set(key, node);
      parent.children.push(node.id);
    }
    placed[at] = node;
  }
  const ticks = new Map<ProfileNode, Map<number, number>>();
  for (const { node: at, figure } of samples) {
    const node = at < 0 ? root : placed[at];
    node.hitCount += figure;
    if (at < 0 || tree.line[at] === 0) continue;
    const lines = ticks.get(node) ?? new Map<number, number>();
    ticks.set(node, lines.set(tree.line[at], (lines.get(tree.line[at]) ?? 0) + figure));
  }
  for (const [node, lines] of ticks)
    node.positionTicks = [...lines].map(([line, count]) => ({ line, ticks: Math.round(count) }));
  const startUs = Date.parse(extra.startedAt) * 1e3;
  // Whole microseconds, whose rounding does not add up.
  const deltas: number[] = [];
  let [exact, told] = [0, 0];
  for (const { figure } of samples) {
    exact += figure * figureUs;
    deltas.push(Math.round(exact) - told);
    told = Math.round(exact);
  }
  yield '{"nodes":[';
  for (const [i, node] of nodes.entries())
    yield `${i ? ',' : ''}${JSON.stringify({ ...node, hitCount: Math.round(node.hitCount) })}`;
  yield `],"startTime":${startUs},"endTime":${startUs + told},"samples":[`;
  yield samples.map(({ node }) => (node < 0 ? root : placed[node]).id).join();
  // The first delta is from the start to the first sample.
  yield `],"timeDeltas":[${[0, ...deltas.slice(0, -1)].slice(0, samples.length).join()}]}\n`;
}

function eachApart(samples: readonly TimedSample[]): TimedSample[] {
  const total = samples.reduce((sum, { figure }) => sum + figure, 0);
  if (total > MAX_SAMPLES) return [...samples];
  return samples.flatMap((sample) =>
    Number.isInteger(sample.figure) ? new Array<TimedSample>(sample.figure).fill({ ...sample, figure: 1 }) : [sample],
  );
}

function callFrame(functionName: string, path: string, line: number, script = 0): ProfileNode['callFrame'] {
  const url = path.startsWith('/') ? pathToFileURL(path).href : path;
  return { functionName, scriptId: String(script), url, lineNumber: line - 1, columnNumber: -1 };
}
