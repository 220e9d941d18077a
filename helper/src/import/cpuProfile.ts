// V8 `.cpuprofile` files (node --cpu-prof, Chrome, VS Code's debugger) -> a recording. A node is a function below its caller;
// `positionTicks` say which of its lines were executed. Layout: Profiler.Profile of the Chrome DevTools Protocol (js_protocol, domain
// Profiler): lines of `callFrame` count from 0, those of ticks from 1.
//
// V8 samples in wall-clock time and says `(idle)` where the thread did nothing: that is no CPU time and is left out. The others stand for
// the mean interval each.

import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Frame } from '../runtimes/frame';
import { jsonOf } from './json';
import type { Reader } from './reader';
import { type ImportedFrame, RecordingBuilder } from './recordingBuilder';
import { Unreadable } from './unreadable';

interface RawNode {
  id?: unknown;
  callFrame?: { functionName?: unknown; url?: unknown; lineNumber?: unknown; columnNumber?: unknown };
  hitCount?: unknown;
  children?: unknown;
  parent?: unknown;
  positionTicks?: unknown;
}

interface RawProfile {
  nodes?: unknown;
  startTime?: unknown;
  endTime?: unknown;
  samples?: unknown;
  timeDeltas?: unknown;
}

interface Node {
  parent: number;
  frame: ImportedFrame;
  /** `(root)`: no function. */
  isRoot: boolean;
  isIdle: boolean;
  /** Executed lines in the order of samples, as far as is known: which sample was in which line is not. */
  lines: { line: number; left: number }[];
}

const MAX_NODES = 2_000_000;
const MAX_SAMPLES = 20_000_000;
/** Where a file does not say: V8's own default. */
const DEFAULT_INTERVAL_US = 1_000;

export const CPU_PROFILE: Reader = {
  id: 'cpuprofile',
  title: 'V8 .cpuprofile',
  recognizes: ({ path }, start) =>
    path.endsWith('.cpuprofile') || (/^\s*\{\s*"nodes"\s*:\s*\[/.test(start) && start.includes('"callFrame"')),
  read: (file) => {
    const profile = jsonOf(file.text()) as RawProfile | null;
    if (!Array.isArray(profile?.nodes)) throw new Unreadable('it has no nodes, as a .cpuprofile has');
    const nodes = nodesOf(profile.nodes as (RawNode | null)[]);
    const samples = samplesOf(profile, nodes.ids);
    const spanUs = numberOr(profile.endTime, 0) - numberOr(profile.startTime, 0);
    const intervalUs = samples.length > 0 && spanUs > 0 ? spanUs / samples.length : DEFAULT_INTERVAL_US;
    const period = Math.max(1, Math.round(intervalUs * 1e3));
    const builder = new RecordingBuilder([{ id: 'cpu', unit: 'nanoseconds', period }]);
    const thread = { pid: 0, tid: 1, name: 'main' };
    for (const { node, atUs } of samples) {
      if (nodes.all[node].isIdle) continue;
      const stack = stackOf(builder, nodes.all, node);
      if (stack.length > 0) builder.sample(stack, thread, atUs * 1e3, [1]);
    }
    const { all } = nodes;
    const idle = samples.filter(({ node }) => all[node].isIdle).length;
    const remarks = idle > 0 ? [`${idle} of ${samples.length} samples were (idle): that is no CPU time.`] : [];
    return builder.finish({ title: basename(file.path), durationMs: Math.max(0, spanUs) / 1e3, remarks }, 'V8');
  },
};

function nodesOf(raw: readonly (RawNode | null)[]): { all: Node[]; ids: Map<number, number> } {
  if (raw.length > MAX_NODES) throw new Unreadable('it has too many nodes');
  const ids = new Map<number, number>();
  for (const [i, node] of raw.entries()) {
    if (!Number.isSafeInteger(node?.id)) throw new Unreadable('a node in it has no id');
    ids.set(node!.id as number, i);
  }
  const all = raw.map((node): Node => {
    const { functionName, url } = node!.callFrame ?? {};
    const name = typeof functionName === 'string' ? functionName : '';
    return {
      parent: -1,
      frame: frameOf(node!),
      isRoot: name === '(root)' && !url,
      isIdle: name === '(idle)',
      lines: linesOf(node!),
    };
  });
  for (const [i, node] of raw.entries()) {
    const parent = ids.get(node!.parent as number);
    if (parent !== undefined) all[i].parent = parent;
    if (Array.isArray(node!.children))
      for (const child of node!.children) {
        const index = ids.get(child);
        if (index === undefined) throw new Unreadable('a node in it calls one that is not there');
        all[index].parent = i;
      }
  }
  refuseCircles(all);
  return { all, ids };
}

function refuseCircles(nodes: readonly Node[]): void {
  const state = new Uint8Array(nodes.length);
  for (let i = 0; i < nodes.length; i++) {
    const path: number[] = [];
    let at = i;
    for (; at >= 0 && state[at] === 0; at = nodes[at].parent) {
      state[at] = 1;
      path.push(at);
    }
    if (at >= 0 && state[at] === 1) throw new Unreadable('its nodes call each other in a circle');
    for (const done of path) state[done] = 2;
  }
}

function frameOf({ callFrame }: RawNode): ImportedFrame {
  const { functionName, url, lineNumber } = callFrame ?? {};
  const name = typeof functionName === 'string' && functionName !== '' ? functionName : '(anonymous)';
  const file = typeof url === 'string' && url !== '' ? pathOf(url) : null;
  const start = typeof lineNumber === 'number' && lineNumber >= 0 ? lineNumber + 1 : null;
  // `(garbage collector)`, `(program)`: the engine itself.
  const engine = file === null;
  return {
    name,
    file,
    functionLine: file === null ? null : start,
    kind: engine ? 'native' : 'jit',
    module: engine ? 'node' : '',
    runtime: 'node',
  };
}

function pathOf(url: string): string {
  if (!url.startsWith('file://')) return url;
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}

function linesOf({ positionTicks }: RawNode): Node['lines'] {
  if (!Array.isArray(positionTicks)) return [];
  return positionTicks.flatMap((tick) => {
    const { line, ticks } = (tick ?? {}) as { line?: unknown; ticks?: unknown };
    const valid = Number.isSafeInteger(line) && Number.isSafeInteger(ticks) && (ticks as number) > 0;
    return valid ? [{ line: line as number, left: ticks as number }] : [];
  });
}

/** Where there are no samples, each node's hits. */
function samplesOf(
  { samples, timeDeltas, nodes }: RawProfile,
  ids: Map<number, number>,
): { node: number; atUs: number }[] {
  if (!Array.isArray(samples)) {
    const hits = (nodes as RawNode[]).map(({ hitCount }) =>
      Number.isSafeInteger(hitCount) ? Math.max(0, hitCount as number) : 0,
    );
    if (hits.reduce((sum, count) => sum + count, 0) > MAX_SAMPLES) throw new Unreadable('it holds too many samples');
    return hits.flatMap((count, node) => Array.from({ length: count }, () => ({ node, atUs: 0 })));
  }
  if (samples.length > MAX_SAMPLES) throw new Unreadable('it holds too many samples');
  let atUs = 0;
  return samples.map((id, i) => {
    const node = ids.get(id);
    if (node === undefined) throw new Unreadable('a sample in it is of a node that is not there');
    atUs = Math.max(0, atUs + numberOr(Array.isArray(timeDeltas) ? timeDeltas[i] : 0, 0));
    return { node, atUs };
  });
}

/** Innermost first. The line of the innermost frame is one that a tick was counted in; of the others only their functions are known. */
function stackOf(builder: RecordingBuilder, nodes: readonly Node[], from: number): Frame[] {
  const stack: Frame[] = [];
  for (let at = from; at >= 0; at = nodes[at].parent) {
    const { frame, isRoot, lines } = nodes[at];
    if (isRoot) continue;
    let line: number | null = null;
    if (at === from) {
      const tick = lines.find(({ left }) => left > 0);
      if (tick) tick.left--;
      line = tick?.line ?? null;
    }
    stack.push(builder.frame({ ...frame, line }));
  }
  return stack;
}

const numberOr = (value: unknown, otherwise: number): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
