// The kernel's rows (one a process, route and status) as a user reads them: one a route, with statuses and percentiles.

import { HTTP_PROTOCOL, HTTP_SIDE } from '../abi/httpEvents.gen';
import { HTTP_LATENCY_BOUNDS_S, type HttpRouteRow, type HttpWebSocketRow, type MessageCounts } from '../protocol';
import { isErrorStatus, PROTOCOLS } from './decodeSpan';
import { GRPC_OK } from './http2/grpc';
import { UNKNOWN } from './http2/shape';
import type { SeriesRow, WebSocketRow } from './kernelCounts';
import { LatencyHistogram } from './latency';
import { redactMethod } from './redact';
import { foldShape, OTHER_ROUTE, routesOf } from './routeShapes';

const MS_NS = 1e6;
const BOUNDS_NS = HTTP_LATENCY_BOUNDS_S.map((seconds) => seconds * 1e9);

export interface RouteTable {
  routes: HttpRouteRow[];
  clients: HttpRouteRow[];
  /** By the kernel's key of a route: what it is called. */
  nameOf(routeId: bigint): { method: string; route: string } | null;
}

interface Collected {
  row: HttpRouteRow;
  latency: LatencyHistogram;
  latencySumNs: number;
  firstByteSumNs: number;
  answered: number;
}

export function routeTable(series: readonly SeriesRow[]): RouteTable {
  const names = namesOf(series);
  const collect = (side: number) => {
    const rows = new Map<string, Collected>();
    for (const one of series) if (one.side === side && one.count > 0) add(rows, one, names);
    return [...rows.values()].map(finished).sort((a, b) => b.count - a.count || (a.route < b.route ? -1 : 1));
  };
  return {
    routes: collect(HTTP_SIDE.HTTP_SERVER),
    clients: collect(HTTP_SIDE.HTTP_CLIENT),
    nameOf: (routeId) => names.get(routeId) ?? null,
  };
}

/** One row a route and side. */
export function webSocketTable(rows: readonly WebSocketRow[], { nameOf }: RouteTable): HttpWebSocketRow[] {
  const found = new Map<string, HttpWebSocketRow>();
  for (const { routeId, side, ...counts } of rows) {
    const route = nameOf(routeId)?.route ?? OTHER_ROUTE;
    const name = side === HTTP_SIDE.HTTP_CLIENT ? 'client' : 'server';
    const known = found.get(`${name} ${route}`);
    if (!known) found.set(`${name} ${route}`, { side: name, route, ...counts });
    else for (const key of Object.keys(counts) as (keyof typeof counts)[]) known[key] += counts[key];
  }
  return [...found.values()];
}

/** No answer, or one that says so. */
export function isFailed({ status, side, said }: SeriesRow): boolean {
  if (said === UNKNOWN) return false;
  if (said !== undefined) return said !== `grpc:${GRPC_OK}`;
  return status === 0 || isErrorStatus(status, side === HTTP_SIDE.HTTP_CLIENT ? 'client' : 'server');
}

/** Shapes of one method are looked at together; those of gRPC are names of services and methods, however many there are. */
function namesOf(series: readonly SeriesRow[]): Map<bigint, { method: string; route: string }> {
  const byMethod = new Map<string, Set<string>>();
  for (const { method, shape, protocol } of series) {
    if (protocol === HTTP_PROTOCOL.HTTP_GRPC) continue;
    const shapes = byMethod.get(method);
    if (shapes) shapes.add(shape);
    else byMethod.set(method, new Set([shape]));
  }
  const routes = new Map([...byMethod].map(([method, shapes]) => [method, routesOf([...shapes])]));
  return new Map(
    series.map(({ routeId, method, shape, protocol }) => {
      const known = protocol === HTTP_PROTOCOL.HTTP_GRPC ? foldShape(shape) : routes.get(method)?.get(shape);
      return [routeId, { method: method === UNKNOWN ? UNKNOWN : redactMethod(method), route: known ?? shape }];
    }),
  );
}

function add(
  rows: Map<string, Collected>,
  one: SeriesRow,
  names: Map<bigint, { method: string; route: string }>,
): void {
  const name = names.get(one.routeId)!;
  const protocol = PROTOCOLS[one.protocol] ?? 'HTTP/1.1';
  const key = `${name.method} ${name.route} ${protocol} ${one.tls}`;
  let collected = rows.get(key);
  if (!collected) {
    collected = {
      row: {
        ...name,
        protocol,
        tls: one.tls,
        count: 0,
        errors: 0,
        statuses: {},
        bytesIn: 0,
        bytesOut: 0,
        p50Ms: 0,
        p90Ms: 0,
        p99Ms: 0,
        maxMs: 0,
        firstByteMs: 0,
        latency: { sumMs: 0, counts: [] },
        handler: null,
      },
      latency: new LatencyHistogram(),
      latencySumNs: 0,
      firstByteSumNs: 0,
      answered: 0,
    };
    rows.set(key, collected);
  }
  const { row } = collected;
  row.count += one.count;
  row.bytesIn += one.bytesIn;
  row.bytesOut += one.bytesOut;
  if (isFailed(one)) row.errors += one.count;
  const said = one.said ?? (one.status === 0 ? null : String(one.status));
  if (said !== null) {
    row.statuses[said] = (row.statuses[said] ?? 0) + one.count;
    collected.answered += one.count;
  }
  if (one.messages) {
    row.messages ??= { in: 0, out: 0, bytesIn: 0, bytesOut: 0 };
    for (const key of Object.keys(row.messages) as (keyof MessageCounts)[]) row.messages[key] += one.messages[key];
  }
  collected.firstByteSumNs += one.firstByteSumNs;
  collected.latencySumNs += one.latencySumNs;
  collected.latency.add(one.latency, one.latencyMaxNs);
}

function finished({ row, latency, latencySumNs, firstByteSumNs, answered }: Collected): HttpRouteRow {
  return {
    ...row,
    p50Ms: latency.percentileNs(0.5) / MS_NS,
    p90Ms: latency.percentileNs(0.9) / MS_NS,
    p99Ms: latency.percentileNs(0.99) / MS_NS,
    maxMs: latency.maxNs / MS_NS,
    firstByteMs: answered > 0 ? firstByteSumNs / answered / MS_NS : 0,
    latency: { sumMs: latencySumNs / MS_NS, counts: latency.countsBelow(BOUNDS_NS) },
  };
}
