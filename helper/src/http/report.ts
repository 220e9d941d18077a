// What the command line says of HTTP: a table of routes, as the result and while it runs.

import type { HttpLive, HttpRouteRow, HttpSummary, HttpWebSocketRow, RecordSummary } from '../protocol';

const ROUTES_SHOWN = 30;
const ROUTE_CELLS = 44;

export function httpSummaryOf({ tracers }: RecordSummary): HttpSummary | null {
  return (tracers?.find(({ id }) => id === 'http')?.summary as HttpSummary | undefined) ?? null;
}

export function httpHeadline(summary: RecordSummary): string {
  const found = httpSummaryOf(summary);
  const calls = found?.clients.reduce((sum, { count }) => sum + count, 0) ?? 0;
  const seconds = (summary.durationMs / 1000).toFixed(1);
  return `${found?.requests ?? 0} HTTP requests${calls > 0 ? ` and ${calls} outgoing calls` : ''} in ${seconds} s`;
}

export function httpReport(summary: RecordSummary): string[] {
  const found = httpSummaryOf(summary);
  if (!found) return [];
  return [
    ...routeLines('Requests', found.routes, summary.durationMs / 1000),
    ...routeLines('Outgoing calls', found.clients, summary.durationMs / 1000),
    ...webSocketLines(found.websockets),
    ...uncountedLines(found.uncounted),
    ...(found.lost > 0 ? [`${found.lost} spans found no room; counts are complete.`] : []),
  ];
}

function webSocketLines(rows: readonly HttpWebSocketRow[]): string[] {
  return rows.map(
    ({ side, route, opened, closed, framesIn, framesOut, bytesIn, bytesOut }) =>
      `WebSocket ${route}${side === 'client' ? ' (outgoing)' : ''}: ${opened} opened, ${closed} closed, ` +
      `${framesIn} frames in (${bytesIn} bytes), ${framesOut} out (${bytesOut} bytes)`,
  );
}

export function uncountedLines(uncounted: Record<string, number>): string[] {
  const reasons = Object.entries(uncounted).map(([reason, count]) => `${reason}: ${count}`);
  return reasons.length > 0 ? [`Not counted: ${reasons.join('; ')}`] : [];
}

/** While it runs: what came within the last interval. */
export function liveLines({ routes, clients, uncounted }: HttpLive): string[] {
  return [
    ...routeLines('Requests', routes, null),
    ...routeLines('Outgoing calls', clients, null),
    ...uncountedLines(uncounted),
  ];
}

/** `seconds`: over which `count` is spread; null: it is a rate already. */
function routeLines(title: string, rows: readonly HttpRouteRow[], seconds: number | null): string[] {
  if (rows.length === 0) return [];
  const head = cells([title, '', 'req/s', 'count', 'p50 ms', 'p90 ms', 'p99 ms', 'max ms', 'errors', '']);
  const shown = rows.slice(0, ROUTES_SHOWN).map((row) => {
    const perSecond =
      seconds === null
        ? ((row as HttpRouteRow & { perSecond?: number }).perSecond ?? 0)
        : row.count / Math.max(0.001, seconds);
    return cells([
      row.method,
      row.route,
      number(perSecond),
      String(row.count),
      number(row.p50Ms),
      number(row.p90Ms),
      number(row.p99Ms),
      number(row.maxMs),
      row.errors > 0 ? `${((100 * row.errors) / row.count).toFixed(1)} %` : '',
      statuses(row),
    ]);
  });
  const more = rows.length - shown.length;
  return [head, ...shown, ...(more > 0 ? [`… and ${more} more`] : [])];
}

function statuses(row: HttpRouteRow): string {
  const known = Object.entries(row.statuses).map(([status, count]) => `${status}: ${count}`);
  const answered = Object.values(row.statuses).reduce((sum, count) => sum + count, 0);
  if (row.count > answered) known.push(`no answer: ${row.count - answered}`);
  return (row.tls ? 'TLS  ' : '') + known.join(', ');
}

/** Three digits that count. */
function number(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value >= 1 ? value.toFixed(2) : value.toFixed(3);
}

function cells([method, route, ...numbers]: string[]): string {
  const last = numbers.pop()!;
  const short = route.length > ROUTE_CELLS ? `${route.slice(0, ROUTE_CELLS - 1)}…` : route;
  const aligned = numbers.map((text) => text.padStart(8)).join(' ');
  return `${method.padEnd(short === '' ? 8 + ROUTE_CELLS + 1 : 8)}${short === '' ? '' : ` ${short.padEnd(ROUTE_CELLS)}`}${aligned}  ${last}`.trimEnd();
}
