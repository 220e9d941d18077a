// Two programs, or one before and after a change -> each function's and line's change with its 95 % interval. A change whose interval
// holds 0 is noise, and is called so.

import type { FunctionFigures, LineFigures } from '../figures/figures';
import { type Metric, type RecordingFile, tracerError } from '../protocol';
import { type Change, type Counts, changeOfMeasured, changeOfRate, changeOfShare, dispersionOf } from './intervals';
import { type How, matchFunctions, plainName } from './matching';
import { isRate, type Normalization, refuseOther, type Side, sideOf } from './side';

/** `new` and `gone`: the other side has none at all, and that is no chance. */
export type Verdict = 'more' | 'less' | 'new' | 'gone' | 'noise';

export interface FigureChange {
  /** Normalized: shares 0..1, or the metric's unit a CPU second or a request. */
  a: number;
  b: number;
  change: Change;
  verdict: Verdict;
}

export interface LineChange {
  /** Null: it is new, or gone. */
  lineA: number | null;
  lineB: number | null;
  self: FigureChange;
  total: FigureChange;
}

interface Place {
  name: string;
  file: string | null;
  line: number | null;
}

export interface FunctionChange {
  /** What it is called where it still is: in B, else in A. */
  name: string;
  file: string | null;
  line: number | null;
  module: string;
  how: How;
  /** What it was in A, where that is not all the same; null: A has it not. */
  before: Place | null;
  /** Of the metric's total, 0..1, by side, whatever the figures are normalized by. */
  shareA: number;
  shareB: number;
  self: FigureChange;
  total: FigureChange;
  /** Those whose change is no noise. */
  lines: LineChange[];
}

export interface Comparison {
  a: { title: string; recordings: number; total: number };
  b: { title: string; recordings: number; total: number };
  metric: Metric;
  by: Normalization;
  /** What a normalized figure is in: `share`, or a unit of the metric for each CPU second or request. */
  unit: string;
  /** How many times more recordings of one program vary than sampling explains; 1 where there is one a side. */
  dispersion: number;
  /** Both sides together, where that is no share: 1 there. */
  whole: FigureChange;
  functions: FunctionChange[];
}

export interface CompareOptions {
  metric?: string;
  by?: Normalization;
}

/** Throws NORMALIZATION_INVALID, NOT_COMPARABLE, METRIC_UNKNOWN. */
export function compareRecordings(
  a: readonly RecordingFile[],
  b: readonly RecordingFile[],
  { metric, by = 'samples' }: CompareOptions,
): Comparison {
  const sides = [sideOf(a, metric, by), sideOf(b, metric, by)] as const;
  const [left, right] = sides;
  refuseOther(left.metric, right.metric);
  const rate = isRate(left.metric, by);
  const measured = left.metric.period === null;
  const dispersion = measured
    ? 1
    : dispersionOf(
        sides.map(({ recordings }) => ({
          figures: recordings.map(({ self }) => self),
          totals: recordings.map(({ exposure }) => exposure),
        })),
        rate,
      );
  const [ofA, ofB] = sides.map(({ recordings }) => recordings.reduce((sum, { exposure }) => sum + exposure, 0));
  const changeOf = measured ? changeOfMeasured : rate ? changeOfRate : changeOfShare;
  const changed = (figureA: number, figureB: number): FigureChange => {
    const counts: Counts = { a: figureA, ofA, b: figureB, ofB };
    const change = changeOf(counts, dispersion);
    const normalized = (figure: number, of: number) => (of > 0 ? figure / of : 0);
    return { a: normalized(figureA, ofA), b: normalized(figureB, ofB), change, verdict: verdictOn(change, counts) };
  };
  return {
    a: summaryOf(left),
    b: summaryOf(right),
    metric: left.metric,
    by,
    unit: rate ? `${left.metric.unit} / ${by === 'cpu' ? 'CPU second' : 'request'}` : 'share',
    dispersion,
    whole: changed(left.total, right.total),
    functions: functionChanges(left, right, changed),
  };
}

const summaryOf = ({ title, recordings, total }: Side) => ({ title, recordings: recordings.length, total });

function functionChanges(left: Side, right: Side, changed: Changed): FunctionChange[] {
  return matchFunctions(left.functions, right.functions)
    .map((match) => {
      const was = match.a === null ? null : left.functions[match.a];
      const is = match.b === null ? null : right.functions[match.b];
      const { name, file, line, module } = (is ?? was)!;
      return {
        ...{ name, file, line, module, how: match.how },
        before: was && { name: was.name, file: was.file, line: was.line },
        shareA: left.total > 0 ? (was?.total ?? 0) / left.total : 0,
        shareB: right.total > 0 ? (is?.total ?? 0) / right.total : 0,
        self: changed(was?.self ?? 0, is?.self ?? 0),
        total: changed(was?.total ?? 0, is?.total ?? 0),
        lines: lineChanges(was, is, changed),
      };
    })
    .filter(({ shareA, shareB }) => shareA + shareB > 0)
    .sort((x, y) => Math.abs(y.total.b - y.total.a) - Math.abs(x.total.b - x.total.a) || y.shareB - x.shareB);
}

type Changed = (figureA: number, figureB: number) => FigureChange;

/**
 * Lines of a function are the same where they are as far from its start: code above it may have grown. Of a function that is on one side
 * alone there is nothing to compare.
 */
function lineChanges(was: FunctionFigures | null, is: FunctionFigures | null, changed: Changed): LineChange[] {
  if (!was || !is) return [];
  const shift = was.line !== null && is.line !== null ? is.line - was.line : 0;
  const before = new Map(was.lines.map((line) => [line.line + shift, line]));
  const row = (from: LineFigures | undefined, to: LineFigures | undefined): LineChange => ({
    lineA: from?.line ?? null,
    lineB: to?.line ?? null,
    self: changed(from?.self ?? 0, to?.self ?? 0),
    total: changed(from?.total ?? 0, to?.total ?? 0),
  });
  const rows = is.lines.map((line) => {
    const from = before.get(line.line);
    before.delete(line.line);
    return row(from, line);
  });
  for (const from of before.values()) rows.push(row(from, undefined));
  return rows
    .filter(({ self, total }) => self.verdict !== 'noise' || total.verdict !== 'noise')
    .sort((x, y) => Math.abs(y.total.b - y.total.a) - Math.abs(x.total.b - x.total.a));
}

function verdictOn({ low, high }: Change, { a, b }: Counts): Verdict {
  if (low > 0) return a === 0 ? 'new' : 'more';
  if (high < 0) return b === 0 ? 'gone' : 'less';
  return 'noise';
}

/** Of either side: functions with less are not asked about, where none is named. */
export const LEAST_SHARE_ASKED = 0.005;

/**
 * Functions whose whole interval lies above `threshold` (0.05: 5 % more of their own normalized total): those of 0.5 % or more on either
 * side, or those that are named. Throws FUNCTION_UNKNOWN.
 */
export function functionsAbove(
  { functions }: Comparison,
  threshold: number,
  names: readonly string[] = [],
): FunctionChange[] {
  const named = names.map((name) => {
    const found = functions.filter((one) => isNamed(one, name));
    if (found.length === 0) throw tracerError('FUNCTION_UNKNOWN', name);
    return found;
  });
  const asked =
    names.length > 0
      ? [...new Set(named.flat())]
      : functions.filter(({ shareA, shareB }) => Math.max(shareA, shareB) >= LEAST_SHARE_ASKED);
  return asked.filter(({ total }) => total.change.low > threshold);
}

/** By its name in either, whole or its last component. */
function isNamed({ name, before }: FunctionChange, wanted: string): boolean {
  return [name, before?.name ?? name].some((one) =>
    [one, plainName(one)].some(
      (known) => known === wanted || known.endsWith(`::${wanted}`) || known.endsWith(`.${wanted}`),
    ),
  );
}
