// One recording as an answer: the cause first, then the functions and lines behind it with their sampling errors, then what was not
// seen. For `ebpf-tracer report` and for assistants: data here, its words in reportText.ts.

import { type FrameOrigin, type HttpSummary, type RecordingFile, samplingError95 } from '../protocol';
import { bySelf, type Cause, causeOf, hottestPath, type Part } from './cause';
import { extraOf, type Figures, type FunctionFigures, figuresOf } from './figures';
import { notSeen } from './notSeen';

/** A figure as a share of its metric, 0..1; `error`: half of the 95 % interval, null where it was measured and not sampled. */
export interface Share {
  share: number;
  error: number | null;
}

export interface Place {
  name: string;
  file: string | null;
  line: number | null;
}

export interface ReportFunction extends Place {
  module: string;
  origin: FrameOrigin | null;
  self: Share;
  total: Share;
}

export interface Report {
  title: string;
  command: string;
  durationMs: number;
  metric: { id: string; unit: string; period: number | null };
  /** Samples, or the sum of what was measured. */
  total: number;
  frequencyHz: number | null;
  cause:
    | (Place & {
        /** The user's own: with all that it asked of libraries, runtime and kernel. Else a function's own figure. */
        own: boolean;
        share: Share;
        hotLine: { line: number; share: Share } | null;
        asked: (Place & { module: string; share: Share })[];
        callers: (Place & { share: Share })[];
      })
    | null;
  functions: ReportFunction[];
  lines: { function: string; file: string; line: number; self: Share; total: Share }[];
  hottestPath: (Place & { share: Share })[];
  otherMetrics: { id: string; top: (Place & { share: Share }) | null }[];
  http: { requests: number; slowest: { method: string; route: string; p99Ms: number; count: number } | null } | null;
  notSeen: string[];
}

const FUNCTIONS = 8;
const LINES = 6;
const ASKED = 3;
/** Of everything: what is asked for less is not worth a word. */
const LEAST_ASKED = 0.01;

export function reportOf(file: RecordingFile, metric = 0): Report {
  const extra = extraOf(file);
  const figures = figuresOf(file, metric);
  const share = shareIn(figures);
  const part = (one: Part) => ({ ...placeOf(one.function), share: share(one.figure) });
  const path = hottestPath(figures);
  return {
    title: extra.title,
    command: extra.command,
    durationMs: extra.durationMs,
    metric: figures.metric,
    total: figures.total,
    frequencyHz: extra.frequencyHz ?? null,
    cause: causeIn(causeOf(figures), share),
    functions: bySelf(figures.functions)
      .slice(0, FUNCTIONS)
      .map((one) => functionRow(one, share)),
    lines: hotLines(figures, LINES).map(({ function: name, ...line }) => ({ function: name, ...line })),
    hottestPath: path.map(part),
    otherMetrics: extra.metrics
      .map((_, i) => i)
      .filter((i) => i !== metric && extra.metrics[i].total > 0)
      .map((i) => {
        const other = figuresOf(file, i);
        const cause = causeOf(other);
        const top = cause && { ...placeOf(cause.function), share: shareIn(other)(cause.figure) };
        return { id: extra.metrics[i].id, top };
      }),
    http: httpOf(file),
    notSeen: notSeen(file),
  };
}

/** Sampled where the metric has a period. */
export function shareIn({ total, metric }: Pick<Figures, 'total' | 'metric'>): (figure: number) => Share {
  return (figure) => {
    const share = total === 0 ? 0 : Math.min(1, figure / total);
    return { share, error: metric.period === null ? null : samplingError95(share, total) };
  };
}

export function placeOf({ name, file, line }: FunctionFigures): Place {
  return { name, file, line };
}

export function functionRow(one: FunctionFigures, share: (figure: number) => Share): ReportFunction {
  const { module, origin, self, total } = one;
  return { ...placeOf(one), module, origin, self: share(self), total: share(total) };
}

/** Lines by what they themselves took, those of functions that only the kernel or a library has too. */
export function hotLines(figures: Figures, count: number): Report['lines'] {
  const share = shareIn(figures);
  return figures.functions
    .flatMap(({ name, file, lines }) => (file === null ? [] : lines.map((line) => ({ name, file, ...line }))))
    .filter(({ self }) => self > 0)
    .sort((a, b) => b.self - a.self)
    .slice(0, count)
    .map(({ name, file, line, self, total }) => ({
      function: name,
      file,
      line,
      self: share(self),
      total: share(total),
    }));
}

function causeIn(cause: Cause | null, share: (figure: number) => Share): Report['cause'] {
  if (!cause) return null;
  const { own, figure, line, asked, callers } = cause;
  return {
    ...placeOf(cause.function),
    own,
    share: share(figure),
    hotLine: line && { line: line.line, share: share(line.figure) },
    asked: asked
      .filter((one) => share(one.figure).share >= LEAST_ASKED)
      .slice(0, ASKED)
      .map((one) => ({ ...placeOf(one.function), module: one.function.module, share: share(one.figure) })),
    callers: callers.slice(0, ASKED).map((one) => ({ ...placeOf(one.function), share: share(one.figure) })),
  };
}

/** Of the section that the HTTP tracer leaves, as far as it has the shape. */
function httpOf(file: RecordingFile): Report['http'] {
  const section = extraOf(file).sections?.http as Partial<HttpSummary> | null | undefined;
  const requests = section?.requests;
  if (typeof requests !== 'number' || !Number.isFinite(requests)) return null;
  const rows = (Array.isArray(section?.routes) ? section.routes : []).filter(
    (row) => typeof row?.route === 'string' && typeof row.method === 'string' && Number.isFinite(row.p99Ms),
  );
  const slowest = rows.sort((a, b) => b.p99Ms - a.p99Ms)[0];
  const { method, route, p99Ms, count } = slowest ?? {};
  return { requests, slowest: slowest ? { method, route, p99Ms, count: Number(count) || 0 } : null };
}
