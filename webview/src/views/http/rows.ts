// What the HTTP view shows of a recording's section, as rows: which lists there are, how they are filtered and sorted, and which
// requests belong together. Pure.
import { type HttpRouteRow, type HttpSection, type HttpSpan, httpRouteKey } from '../../../../helper/src/protocol';
import type { Moment } from '../../moments';

export type Side = HttpSpan['side'];

/** Outgoing and incoming requests of one name are two routes. */
export interface RouteRow extends HttpRouteRow {
  side: Side;
  /** The same in every version of a recording. */
  key: string;
  perSecond: number;
}

export interface SpanRow {
  span: HttpSpan;
  key: string;
  durationMs: number;
  /** Since the recording began. */
  startMs: number;
}

export function routeRows(rows: readonly HttpRouteRow[], side: Side, durationMs: number): RouteRow[] {
  const seconds = Math.max(0.001, durationMs / 1000);
  return rows.map((row) => ({ ...row, side, key: httpRouteKey(side, row), perSecond: row.count / seconds }));
}

/** `beganNs`: of the spans' clock; where the recording does not say, its first span began it. */
export function spanRows({ exemplars }: HttpSection, beganNs: number | undefined): SpanRow[] {
  const first = beganNs ?? exemplars.reduce((least, { startNs }) => Math.min(least, startNs), Number.POSITIVE_INFINITY);
  return exemplars.map((span) => ({
    span,
    key: [span.side, span.connection, span.sequence, span.startNs].join('/'),
    durationMs: (span.endNs - span.startNs) / 1e6,
    startMs: (span.startNs - first) / 1e6,
  }));
}

/** When the threads that read and answered these requests worked for them, or may have: several at once share a thread's time. */
export function momentsOf(rows: readonly SpanRow[]): Moment[] {
  return rows.flatMap(({ span: { pid, tid, answerTid }, startMs, durationMs }) =>
    [...new Set([tid, answerTid])]
      .filter((one) => one !== 0)
      .map((one) => ({ pid, tid: one, range: { fromMs: startMs, toMs: startMs + durationMs } })),
  );
}

export const isOfRoute = (span: HttpSpan, row: RouteRow): boolean => httpRouteKey(span.side, span) === row.key;

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
export const errorShare = ({ errors, count }: HttpRouteRow): number => (count > 0 ? errors / count : 0);

/** Ascending order by column. */
export const COMPARE_ROUTES: Record<string, (a: RouteRow, b: RouteRow) => number> = {
  method: (a, b) => byText(a.method, b.method),
  route: (a, b) => byText(a.route, b.route),
  perSecond: (a, b) => a.perSecond - b.perSecond,
  count: (a, b) => a.count - b.count,
  p50: (a, b) => a.p50Ms - b.p50Ms,
  p90: (a, b) => a.p90Ms - b.p90Ms,
  p99: (a, b) => a.p99Ms - b.p99Ms,
  max: (a, b) => a.maxMs - b.maxMs,
  errors: (a, b) => errorShare(a) - errorShare(b) || a.errors - b.errors,
  bytesIn: (a, b) => a.bytesIn - b.bytesIn,
  bytesOut: (a, b) => a.bytesOut - b.bytesOut,
  handler: (a, b) =>
    Number(a.handler === null) - Number(b.handler === null) ||
    byText(a.handler?.file ?? '', b.handler?.file ?? '') ||
    (a.handler?.line ?? 0) - (b.handler?.line ?? 0),
};

export const COMPARE_SPANS: Record<string, (a: SpanRow, b: SpanRow) => number> = {
  start: (a, b) => a.span.startNs - b.span.startNs,
  method: (a, b) => byText(a.span.method, b.span.method),
  target: (a, b) => byText(targetOf(a.span), targetOf(b.span)),
  status: (a, b) => (a.span.status ?? 0) - (b.span.status ?? 0),
  duration: (a, b) => a.durationMs - b.durationMs,
  firstByte: (a, b) => firstByteMs(a.span) - firstByteMs(b.span),
  peer: (a, b) => byText(a.span.peer, b.span.peer),
  thread: (a, b) => a.span.pid - b.span.pid || a.span.tid - b.span.tid,
};

export const targetOf = ({ target, route }: HttpSpan): string => target ?? route;
const firstByteMs = ({ startNs, firstByteNs }: HttpSpan) => (firstByteNs === null ? -1 : (firstByteNs - startNs) / 1e6);

/** Every word must occur; case does not matter. */
export function matches(text: string, filter: string): boolean {
  const lower = text.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}

export const routeText = ({ method, route, protocol, statuses, handler }: HttpRouteRow): string =>
  [method, route, protocol, ...Object.keys(statuses), handler?.function ?? '', handler?.file ?? ''].join(' ');

export const spanText = (span: HttpSpan): string =>
  [
    span.method,
    targetOf(span),
    span.route,
    span.status ?? '',
    span.error ?? '',
    span.peer,
    span.trace?.traceId ?? '',
  ].join(' ');

/** A request with those that belong to it: what called it, what it called. Outermost first, in order of time within each. */
export interface TraceRow extends SpanRow {
  depth: number;
}

/** More in one trace are no picture. */
const MOST_IN_TRACE = 500;
const MOST_DEPTH = 50;

/** By the parents that the tracer found, and by the trace ids that requests carried. */
export function traceOf(rows: readonly SpanRow[], chosen: SpanRow): TraceRow[] {
  const byId = new Map(rows.map((row) => [row.span.id, row]));
  const childrenOf = new Map<string, SpanRow[]>();
  for (const row of rows) {
    const parent = row.span.parent?.id;
    if (parent === undefined || !byId.has(parent)) continue;
    const known = childrenOf.get(parent);
    if (known) known.push(row);
    else childrenOf.set(parent, [row]);
  }
  const rootOf = (row: SpanRow) => {
    const seen = new Set([row]);
    let at = row;
    for (;;) {
      const above = at.span.parent && byId.get(at.span.parent.id);
      // A recording may claim that two requests made each other.
      if (!above || seen.has(above)) return at;
      seen.add(above);
      at = above;
    }
  };
  const { trace } = chosen.span;
  const roots = new Set([rootOf(chosen)]);
  if (trace) for (const row of rows) if (row.span.trace?.traceId === trace.traceId) roots.add(rootOf(row));
  const found: TraceRow[] = [];
  const seen = new Set<SpanRow>();
  const byStart = (a: SpanRow, b: SpanRow) => a.span.startNs - b.span.startNs;
  const add = (row: SpanRow, depth: number) => {
    if (seen.has(row) || depth > MOST_DEPTH || found.length >= MOST_IN_TRACE) return;
    seen.add(row);
    found.push({ ...row, depth });
    for (const child of (childrenOf.get(row.span.id) ?? []).sort(byStart)) add(child, depth + 1);
  };
  for (const root of [...roots].sort(byStart)) add(root, 0);
  return found;
}

/** Bars of a latency histogram: `below` in ms, null for all that is longer. */
export interface Bar {
  belowMs: number | null;
  count: number;
}

/** The tracer's exact counts, without what is empty at both ends; none where the recording has none. */
export function latencyBars(counts: readonly number[], boundsS: readonly number[]): Bar[] {
  if (counts.length !== boundsS.length + 1) return [];
  const bars = counts.map((count, i) => ({ belowMs: i < boundsS.length ? boundsS[i] * 1e3 : null, count }));
  const first = bars.findIndex(({ count }) => count > 0);
  if (first < 0) return [];
  let last = bars.length - 1;
  while (bars[last].count === 0) last--;
  // One empty bar on each side shows that there is nothing more.
  return bars.slice(Math.max(0, first - 1), last + 2);
}
