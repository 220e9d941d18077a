// What a recording says of each function and its lines, for one metric: a function counts once whether it was called or inlined, once
// a stack however often it recurs. Made from the call tree by line, which is exact, else from the stacks. Report, comparison and
// assistants read figures through this alone.

import { programModule } from '../export/programModule';
import { type FrameOrigin, INLINED_SUFFIX, type Metric, type RecordingFile, tracerError } from '../protocol';
import { type CallTree, callTreeOf } from './callTree';

export interface LineFigures {
  line: number;
  self: number;
  total: number;
}

/** In figures of the metric: samples where it has a period. */
export interface FunctionFigures {
  /** Without the mark of inlined functions. */
  name: string;
  file: string | null;
  /** Where it starts, or its hottest line. */
  line: number | null;
  module: string;
  /** Compiled into the recorded program itself, whatever its file is called. */
  ofProgram: boolean;
  origin: FrameOrigin | null;
  self: number;
  total: number;
  /** Its executed lines, by number. */
  lines: LineFigures[];
  /** Indexes of functions that call it, or that it calls: some of them. */
  near: Set<number>;
}

export interface Figures {
  metric: Metric;
  /** Sum of all figures; the number of samples where the metric has a period. */
  total: number;
  functions: FunctionFigures[];
  tree: CallTree;
  /** By node of the tree. */
  functionOf: Int32Array;
}

/** A function that everything calls has no neighbours worth knowing. */
const MAX_NEAR = 256;

/** Index of the metric of that name, of the first one where none is given. Throws METRIC_UNKNOWN. */
export function metricIndex(file: RecordingFile, id?: string): number {
  const { metrics } = extraOf(file);
  const index = id === undefined ? 0 : metrics.findIndex((metric) => metric.id === id);
  if (index < 0) throw tracerError('METRIC_UNKNOWN', id ?? '', metrics.map((metric) => metric.id).join(', '));
  return index;
}

export function extraOf(file: RecordingFile): NonNullable<RecordingFile['ebpfTracer']> {
  if (!file.ebpfTracer) throw new Error('a recording without figures: import/ gives it some');
  return file.ebpfTracer;
}

export function figuresOf(file: RecordingFile, index = 0): Figures {
  const { metrics } = extraOf(file);
  const { id, unit, period } = metrics[index];
  const { functions, byFrame } = functionsOfFrames(file);
  const tree = callTreeOf(file, index);
  const functionOf = tree.frame.map((frame) => byFrame[frame]);
  const lines = functions.map(() => new Map<number, LineFigures>());
  const lineOf = (node: number) => {
    const known = lines[functionOf[node]];
    const line = tree.line[node];
    let row = known.get(line);
    if (!row) {
      row = { line, self: 0, total: 0 };
      known.set(line, row);
    }
    return row;
  };
  const openFunctions = new Int32Array(functions.length);
  const openLines = new Map<LineFigures, number>();
  let total = 0;
  tree.walk({
    enter(node) {
      const one = functions[functionOf[node]];
      const { own, below } = tree.figureAt(node);
      const row = lineOf(node);
      one.self += own;
      row.self += own;
      total += own;
      if (openFunctions[functionOf[node]]++ === 0) one.total += below;
      const open = openLines.get(row) ?? 0;
      if (open === 0) row.total += below;
      openLines.set(row, open + 1);
      const parent = tree.parent[node];
      if (parent >= 0) meet(functions, functionOf[parent], functionOf[node]);
    },
    leave(node) {
      openFunctions[functionOf[node]]--;
      const row = lineOf(node);
      openLines.set(row, openLines.get(row)! - 1);
    },
  });
  for (const [i, one] of functions.entries())
    one.lines = [...lines[i].values()].filter(({ line }) => line > 0).sort((a, b) => a.line - b.line);
  return { metric: { id, unit, period }, total: Math.max(total, metrics[index].total), functions, tree, functionOf };
}

function meet(functions: FunctionFigures[], caller: number, callee: number): void {
  if (caller === callee) return;
  for (const [at, other] of [
    [caller, callee],
    [callee, caller],
  ])
    if (functions[at].near.size < MAX_NEAR) functions[at].near.add(other);
}

/** Frames of one function, called or inlined, are one. */
function functionsOfFrames(file: RecordingFile): { functions: FunctionFigures[]; byFrame: Int32Array } {
  const { frames } = file.shared;
  const { frameDetails } = extraOf(file);
  const program = programModule(file);
  const functions: FunctionFigures[] = [];
  const known = new Map<string, number>();
  const byFrame = new Int32Array(frames.length);
  for (const [i, { name: shown, file: path, line }] of frames.entries()) {
    const { inlined, module = '', origin = null } = frameDetails[i] ?? {};
    const name = inlined && shown.endsWith(INLINED_SUFFIX) ? shown.slice(0, -INLINED_SUFFIX.length) : shown;
    const key = `${name}\0${path ?? ''}\0${line ?? ''}\0${module}`;
    let index = known.get(key);
    if (index === undefined) {
      index = functions.length;
      known.set(key, index);
      const place = { name, file: path ?? null, line: line ?? null, module, ofProgram: module === program, origin };
      functions.push({ ...place, self: 0, total: 0, lines: [], near: new Set() });
    }
    byFrame[i] = index;
  }
  return { functions, byFrame };
}
