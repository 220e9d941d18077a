// Rows of HTTP/2 and gRPC, counted here as the kernel counts those of HTTP/1 (struct http_series of bpf/http_events.h), and with
// the same bounds. Their routes cannot be the kernel's, which cannot read them.

import { HTTP_BUCKETS, HTTP_PROTOCOL } from '../../abi/httpEvents.gen';
import type { SeriesRow } from '../kernelCounts';
import { bucketOf } from '../latency';
import { OTHER_ROUTE } from '../routeShapes';

const ROWS_MOST = 4_096;
const ROUTES_MOST = 2_048;
/** Beyond all keys of the kernel's. */
const FIRST_ROUTE = 1n << 64n;
/** What is beyond the bound. */
const OTHER = { routeId: FIRST_ROUTE, method: '*', shape: OTHER_ROUTE };

export interface CountedRequest {
  pid: number;
  side: number;
  tls: boolean;
  method: string;
  shape: string;
  grpc: boolean;
  status: number;
  /** See SeriesRow.said. */
  said?: string;
  bytesIn: number;
  bytesOut: number;
  messages: { in: number; out: number; bytesIn: number; bytesOut: number };
  latencyNs: number;
  firstByteNs: number;
}

export class Http2Rows {
  private readonly rows = new Map<string, SeriesRow>();
  private readonly routes = new Map<string, { routeId: bigint; method: string; shape: string }>();

  /** False where there is no room for one more row. The id is its route's. */
  add(one: CountedRequest): bigint | null {
    const row = this.row(one, this.route(one)) ?? this.row(one, OTHER);
    if (!row) return null;
    row.count++;
    row.bytesIn += one.bytesIn;
    row.bytesOut += one.bytesOut;
    row.latencySumNs += one.latencyNs;
    row.firstByteSumNs += one.firstByteNs;
    row.latencyMaxNs = Math.max(row.latencyMaxNs, one.latencyNs);
    row.latency[bucketOf(one.latencyNs)]++;
    if (row.messages) {
      row.messages.in += one.messages.in;
      row.messages.out += one.messages.out;
      row.messages.bytesIn += one.messages.bytesIn;
      row.messages.bytesOut += one.messages.bytesOut;
    }
    return row.routeId;
  }

  series(): SeriesRow[] {
    return [...this.rows.values()].map((row) => ({
      ...row,
      latency: row.latency.slice(),
      messages: row.messages && { ...row.messages },
    }));
  }

  private route({ method, shape, grpc }: CountedRequest): typeof OTHER {
    const key = `${grpc} ${method} ${shape}`;
    const known = this.routes.get(key);
    if (known) return known;
    if (this.routes.size >= ROUTES_MOST) return OTHER;
    const route = { routeId: FIRST_ROUTE + 1n + BigInt(this.routes.size), method, shape };
    this.routes.set(key, route);
    return route;
  }

  private row(one: CountedRequest, route: typeof OTHER): SeriesRow | null {
    const { pid, side, tls, grpc, status, said } = one;
    const key = `${route.routeId} ${pid} ${side} ${tls} ${grpc} ${said ?? status}`;
    const known = this.rows.get(key);
    if (known) return known;
    if (this.rows.size >= ROWS_MOST) return null;
    const row: SeriesRow = {
      key,
      ...route,
      pid,
      status,
      said,
      side,
      protocol: grpc ? HTTP_PROTOCOL.HTTP_GRPC : HTTP_PROTOCOL.HTTP_2,
      tls,
      count: 0,
      bytesIn: 0,
      bytesOut: 0,
      latencySumNs: 0,
      latencyMaxNs: 0,
      firstByteSumNs: 0,
      latency: new Uint32Array(HTTP_BUCKETS),
      messages: grpc ? { in: 0, out: 0, bytesIn: 0, bytesOut: 0 } : undefined,
    };
    this.rows.set(key, row);
    return row;
  }
}
