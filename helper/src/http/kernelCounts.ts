// The HTTP tracer's maps from the helper's side: its exact counts, the shapes of routes, and the rates at which spans are sent.

import {
  HTTP_CONTROL,
  HTTP_COUNTERS,
  HTTP_ROUTE,
  HTTP_SERIES,
  HTTP_SERIES_KEY,
  HTTP_WEBSOCKET,
  HTTP_WEBSOCKET_KEY,
} from '../abi/httpEvents.gen';
import { native } from '../bpf/libbpf';
import type { HttpFilter, MessageCounts, WebSocketCounts } from '../protocol';
import { filterBytes } from './filter';

export interface SeriesRow {
  /** One text for one row. */
  key: string;
  /** Key of the route; 0n: beyond the bound. */
  routeId: bigint;
  method: string;
  /** As the kernel folded it. */
  shape: string;
  pid: number;
  status: number;
  side: number;
  protocol: number;
  tls: boolean;
  count: number;
  bytesIn: number;
  bytesOut: number;
  latencySumNs: number;
  latencyMaxNs: number;
  firstByteSumNs: number;
  latency: Uint32Array;
  /** What stands for the status in `statuses`, where that is not the status itself: `grpc:5`, or `?`, which was there but is not known. */
  said?: string;
  /** Of gRPC. */
  messages?: MessageCounts;
}

export interface WebSocketRow extends WebSocketCounts {
  routeId: bigint;
  side: number;
}

export interface HttpCounters {
  requests: number;
  answered: number;
  dropped: number;
  spans: number;
  spansLost: number;
  http2EndsLost: number;
  /** By enum http_uncounted, */
  uncounted: number[];
  /** and by enum http_connection_kind. */
  connections: number[];
}

export interface SpanRates {
  slowNs: number;
  /** One in so many; 0: none. */
  spanEvery: number;
  errorEvery: number;
  ready: boolean;
}

/** Fds of maps by their name. */
export type MapFds = (name: string) => number;

const text = (bytes: Buffer, at: number, length: number): string => {
  const end = bytes.indexOf(0, at);
  return bytes.toString('latin1', at, end < 0 || end > at + length ? at + length : end);
};

export class KernelCounts {
  private readonly routes = new Map<bigint, { method: string; shape: string }>();
  private readonly zero = Buffer.alloc(4);
  private frozen: { counters: HttpCounters; series: SeriesRow[]; webSockets: WebSocketRow[] } | null = null;

  constructor(
    private readonly fds: MapFds,
    private readonly possibleCpus: number,
  ) {}

  setRates({ slowNs, spanEvery, errorEvery, ready }: SpanRates): void {
    const value = Buffer.alloc(HTTP_CONTROL.byteLength);
    value.writeBigUInt64LE(BigInt(Math.round(slowNs)), HTTP_CONTROL.slowNs);
    value.writeUInt32LE(spanEvery, HTTP_CONTROL.spanEvery);
    value.writeUInt32LE(errorEvery, HTTP_CONTROL.errorEvery);
    value.writeUInt32LE(Number(ready), HTTP_CONTROL.ready);
    native().libbpf.update(this.fds('http_control'), this.zero, value, 0);
  }

  setFilter(filter: HttpFilter): void {
    native().libbpf.update(this.fds('http_filter'), this.zero, filterBytes(filter), 0);
  }

  /** From now on what was counted up to here is what there is. */
  freeze(): void {
    this.frozen = { counters: this.counters(), series: this.series(), webSockets: this.webSockets() };
  }

  counters(): HttpCounters {
    if (this.frozen) return this.frozen.counters;
    const bytes = Buffer.alloc(HTTP_COUNTERS.byteLength * this.possibleCpus);
    native().libbpf.lookup(this.fds('http_counters'), this.zero, bytes);
    const sum = (offset: number) => {
      let total = 0;
      for (let cpu = 0; cpu < this.possibleCpus; cpu++)
        total += Number(bytes.readBigUInt64LE(cpu * HTTP_COUNTERS.byteLength + offset));
      return total;
    };
    const sums = (offset: number, length: number) => Array.from({ length }, (_, i) => sum(offset + 8 * i));
    return {
      requests: sum(HTTP_COUNTERS.requests),
      answered: sum(HTTP_COUNTERS.answered),
      dropped: sum(HTTP_COUNTERS.dropped),
      spans: sum(HTTP_COUNTERS.spans),
      spansLost: sum(HTTP_COUNTERS.spansLost),
      http2EndsLost: sum(HTTP_COUNTERS.http2EndsLost),
      uncounted: sums(HTTP_COUNTERS.uncounted, HTTP_COUNTERS.uncountedLength),
      connections: sums(HTTP_COUNTERS.connections, HTTP_COUNTERS.connectionsLength),
    };
  }

  /** Null where it is beyond the kernel's bound. */
  route(id: bigint): { method: string; shape: string } | null {
    const known = this.routes.get(id);
    if (known || id === 0n) return known ?? null;
    const key = Buffer.alloc(8);
    key.writeBigUInt64LE(id);
    const value = Buffer.alloc(HTTP_ROUTE.byteLength);
    if (native().libbpf.lookup(this.fds('http_routes'), key, value) < 0) return null;
    const route = {
      method: text(value, HTTP_ROUTE.method, HTTP_ROUTE.methodLength),
      shape: text(value, HTTP_ROUTE.shape, HTTP_ROUTE.shapeLength),
    };
    this.routes.set(id, route);
    return route;
  }

  /** Rows are only added while they are read, so each is met once. */
  series(): SeriesRow[] {
    if (this.frozen) return this.frozen.series;
    return this.entries('http_series', HTTP_SERIES_KEY.byteLength, HTTP_SERIES.byteLength).map(([key, value]) =>
      this.row(key, value),
    );
  }

  webSockets(): WebSocketRow[] {
    if (this.frozen) return this.frozen.webSockets;
    const { byteLength: keyBytes } = HTTP_WEBSOCKET_KEY;
    return this.entries('http_websockets', keyBytes, HTTP_WEBSOCKET.byteLength).map(([key, value]) => {
      const number = (offset: number) => Number(value.readBigUInt64LE(offset));
      return {
        routeId: key.readBigUInt64LE(HTTP_WEBSOCKET_KEY.route),
        side: key.readUInt16LE(HTTP_WEBSOCKET_KEY.side),
        opened: number(HTTP_WEBSOCKET.opened),
        closed: number(HTTP_WEBSOCKET.closed),
        framesIn: number(HTTP_WEBSOCKET.framesIn),
        framesOut: number(HTTP_WEBSOCKET.framesOut),
        controlIn: number(HTTP_WEBSOCKET.controlIn),
        controlOut: number(HTTP_WEBSOCKET.controlOut),
        bytesIn: number(HTTP_WEBSOCKET.bytesIn),
        bytesOut: number(HTTP_WEBSOCKET.bytesOut),
      };
    });
  }

  private entries(map: string, keyBytes: number, valueBytes: number): [key: Buffer, value: Buffer][] {
    const { libbpf } = native();
    const fd = this.fds(map);
    const found: [Buffer, Buffer][] = [];
    const next = Buffer.alloc(keyBytes);
    for (let key: Buffer | null = null; libbpf.nextKey(fd, key, next) === 0; ) {
      key = Buffer.from(next);
      const value = Buffer.alloc(valueBytes);
      if (libbpf.lookup(fd, key, value) === 0) found.push([key, value]);
    }
    return found;
  }

  private row(key: Buffer, value: Buffer): SeriesRow {
    const number = (offset: number) => Number(value.readBigUInt64LE(offset));
    const routeId = key.readBigUInt64LE(HTTP_SERIES_KEY.route);
    const route = this.route(routeId) ?? { method: '*', shape: '(other)' };
    return {
      key: key.toString('latin1'),
      routeId,
      ...route,
      pid: key.readUInt32LE(HTTP_SERIES_KEY.pid),
      status: key.readUInt16LE(HTTP_SERIES_KEY.status),
      side: key.readUInt8(HTTP_SERIES_KEY.side),
      protocol: key.readUInt8(HTTP_SERIES_KEY.protocol),
      tls: key.readUInt32LE(HTTP_SERIES_KEY.tls) !== 0,
      count: number(HTTP_SERIES.count),
      bytesIn: number(HTTP_SERIES.bytesIn),
      bytesOut: number(HTTP_SERIES.bytesOut),
      latencySumNs: number(HTTP_SERIES.latencySumNs),
      latencyMaxNs: number(HTTP_SERIES.latencyMaxNs),
      firstByteSumNs: number(HTTP_SERIES.firstByteSumNs),
      latency: new Uint32Array(value.buffer, value.byteOffset + HTTP_SERIES.latency, HTTP_SERIES.latencyLength),
    };
  }
}
