// HTTP/2 and gRPC of a trace: takes the kernel's records of connections, header blocks and ends of streams, and counts each request in a row
// with what its headers said; makes spans of some. What it cannot say is counted with its reason. Bounded in all it keeps, as
// what the connections say is their peers' choice.

import { HTTP_SIDE, HTTP2_BLOCK_FLAGS, HTTP2_CONNECTION_STATE } from '../../abi/httpEvents.gen';
import type { Words } from '../../abi/words';
import type { HttpOptions, HttpSpan } from '../../protocol';
import { type DecodedSpan, type Ends, endsOf, isErrorStatus } from '../decodeSpan';
import { isLeftOut, LEFT_OUT } from '../filter';
import type { SeriesRow, SpanRates } from '../kernelCounts';
import { redactMethod, redactTarget } from '../redact';
import { parseTraceParent } from '../traceContext';
import { GRPC_OK } from './grpc';
import { decodeBlock, decodeConnection, decodeEnd, decodeUpgraded, type Whose } from './records';
import { Http2Rows } from './rows';
import { shapeOf, UNKNOWN } from './shape';
import { Http2Streams, type OpenRequest, type StreamEnd } from './streams';

const CONNECTIONS_MOST = 65_536;
const OPEN_MOST = 200_000;
/** Of all tables and of blocks under way. */
const KEPT_BYTES_MOST = 48 << 20;
/** As kernel's spans have it (bpf/lib/route.bpf.h). */
const PATH_CHARACTERS_MOST = 256;

/** A header block, or a stream's end, found no room in the ring. */
export const HTTP2_LOST = 'HTTP/2 headers lost';

const REASONS = {
  unseen: 'request before attach',
  lost: HTTP2_LOST,
  undecodable: 'HTTP/2 headers not decodable',
  unreadable: 'bytes not readable',
  broken: 'not HTTP after all',
  rows: 'too many rows',
  leftOut: LEFT_OUT,
};

const NOWHERE: Ends = { local: '', peer: '', whole: null };

interface Connection {
  streams: Http2Streams;
  side: number;
  tls: boolean;
  ends: Ends;
  /** The server's; null: a Unix socket's. */
  port: number | null;
  keptBytes: number;
}

const NO_END = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0, messageBytesIn: 0, messageBytesOut: 0 };

export class Http2 {
  private readonly connections = new Map<number, Connection>();
  private readonly rows = new Http2Rows();
  private readonly reasons: Record<string, number> = {};
  private open = 0;
  private keptBytes = 0;
  private untilSpan = 0;
  private untilError = 0;
  spans = 0;

  constructor(
    private readonly options: HttpOptions,
    private readonly onSpan: (span: DecodedSpan) => void,
  ) {}

  rates: SpanRates | null = null;

  /** What it holds of connections, tables and open requests. */
  get keptNow(): { bytes: number; open: number; connections: number } {
    return { bytes: this.keptBytes, open: this.open, connections: this.connections.size };
  }

  series(): SeriesRow[] {
    return this.rows.series();
  }

  /** What is in no row, by reason. */
  uncounted(): Record<string, number> {
    return this.reasons;
  }

  /** A record of kind EVENT_HTTP2_CONNECTION. */
  takeConnection(words: Words, at: number): void {
    const record = decodeConnection(words, at);
    const { HTTP2_BEGUN, HTTP2_JOINED, HTTP2_LOST, HTTP2_BROKEN } = HTTP2_CONNECTION_STATE;
    if (record.state === HTTP2_BEGUN || record.state === HTTP2_JOINED) {
      const connection = this.connection(record, record.state === HTTP2_BEGUN);
      connection.ends = endsOf(record, this.options.truncateAddresses ?? false);
      if (connection.ends.whole !== null)
        connection.port = record.side === HTTP_SIDE.HTTP_CLIENT ? record.remotePort : record.localPort;
      return;
    }
    const why =
      record.state === HTTP2_LOST ? REASONS.unreadable : record.state === HTTP2_BROKEN ? REASONS.broken : null;
    this.close(record.connection, Number(words.u64[at / 2 + 1]), why, record.endsLost);
  }

  /** A record of kind EVENT_HTTP2_BLOCK. */
  takeBlock(words: Words, at: number): void {
    const record = decodeBlock(words, at);
    const connection = this.connection(record, !(record.flags & HTTP2_BLOCK_FLAGS.HTTP2_BLOCK_JOINED));
    const { streams } = connection;
    this.open -= streams.open.size;
    if (record.flags & HTTP2_BLOCK_FLAGS.HTTP2_BLOCK_PLAIN) {
      const { method, path, trace } = decodeUpgraded(record.data);
      streams.upgrade(record, method, path, trace);
    } else streams.take(record);
    // Its end will say that it is lost.
    if (this.open >= OPEN_MOST) streams.open.delete(record.stream);
    this.open += streams.open.size;
    this.keptBytes += streams.keptBytes - connection.keptBytes;
    connection.keptBytes = streams.keptBytes;
    if (this.keptBytes > KEPT_BYTES_MOST) this.keepLess();
  }

  /** A record of kind EVENT_HTTP2_END. */
  takeEnd(words: Words, at: number): void {
    const record = decodeEnd(words, at);
    const connection = this.connection(record, !record.joined);
    this.open -= connection.streams.open.size;
    const ended = connection.streams.end(record);
    this.open += connection.streams.open.size;
    if ('why' in ended) this.count(REASONS[ended.why]);
    else this.finish(record.connection, connection, ended.request, record, ended.finished);
  }

  /** In order of when they were met last: the oldest go first. */
  private connection({ connection: id, side, tls }: Whose, whole: boolean): Connection {
    const known = this.connections.get(id);
    if (known) return known;
    if (this.connections.size >= CONNECTIONS_MOST) {
      const [oldest] = this.connections.keys();
      this.close(oldest, 0, REASONS.lost, 0);
    }
    const made = {
      streams: new Http2Streams(whole, HTTP2_BLOCK_FLAGS),
      side,
      tls,
      ends: NOWHERE,
      port: null,
      keptBytes: 0,
    };
    this.connections.set(id, made);
    return made;
  }

  private keepLess(): void {
    for (const connection of this.connections.values()) {
      connection.streams.keepNothing();
      this.keptBytes -= connection.keptBytes;
      connection.keptBytes = 0;
      if (this.keptBytes <= KEPT_BYTES_MOST / 2) return;
    }
  }

  /** What is open there ends without an answer; `why`: or is not known. */
  private close(id: number, timeNs: number, why: string | null, endsLost: number): void {
    const connection = this.connections.get(id);
    if (!connection) return;
    this.connections.delete(id);
    const { open } = connection.streams;
    this.open -= open.size;
    this.keptBytes -= connection.keptBytes;
    // Which of them have had their ends is not known; as many are counted as lost already.
    if (why === null && endsLost > 0) this.count(REASONS.lost, Math.max(0, open.size - endsLost));
    else if (why !== null) this.count(why, open.size);
    else
      for (const [stream, request] of open) {
        const end = { ...NO_END, stream, timeNs, tid: 0, error: null, unseen: false };
        this.finish(id, connection, request, end, false);
      }
  }

  private count(why: string, number = 1): void {
    if (number > 0) this.reasons[why] = (this.reasons[why] ?? 0) + number;
  }

  private finish(id: number, connection: Connection, request: OpenRequest, end: StreamEnd, finished: boolean): void {
    const latencyNs = Math.max(0, end.timeNs - request.startNs);
    if (this.options.filter && isLeftOut(this.options.filter, request, connection.port, latencyNs)) {
      this.count(REASONS.leftOut);
      return;
    }
    const { grpc, status, grpcStatus } = request;
    const said = grpc && grpcStatus !== null ? `grpc:${grpcStatus}` : status === UNKNOWN ? UNKNOWN : undefined;
    const routeId = this.rows.add({
      pid: request.pid,
      side: connection.side,
      tls: connection.tls,
      method: request.method,
      shape: shapeOf(request.path),
      grpc,
      status: typeof status === 'number' ? status : 0,
      said,
      bytesIn: end.bytesIn,
      bytesOut: end.bytesOut,
      messages: {
        in: end.messagesIn,
        out: end.messagesOut,
        bytesIn: end.messageBytesIn,
        bytesOut: end.messageBytesOut,
      },
      latencyNs,
      firstByteNs: request.firstByteNs === null ? 0 : Math.max(0, request.firstByteNs - request.startNs),
    });
    if (routeId === null) {
      this.count(REASONS.rows);
      return;
    }
    const span = this.span(id, connection, request, end, finished);
    const every = this.every(latencyNs, span.error !== null);
    if (every === null) return;
    this.spans++;
    this.onSpan({ span: { ...span, every }, routeId, ends: connection.ends.whole });
  }

  /** As span_rate() of bpf/lib/http_count.bpf.h. Null: no span. */
  private every(latencyNs: number, failed: boolean): number | null {
    const { rates } = this;
    if (!rates) return null;
    if (failed) {
      if (this.untilError-- > 1 || rates.errorEvery === 0) return null;
      this.untilError = rates.errorEvery;
      return rates.errorEvery;
    }
    if (latencyNs >= rates.slowNs) return 0;
    if (this.untilSpan-- > 1 || rates.spanEvery === 0) return null;
    this.untilSpan = rates.spanEvery;
    return rates.spanEvery;
  }

  private span(id: number, connection: Connection, request: OpenRequest, end: StreamEnd, finished: boolean): HttpSpan {
    const { path, method, grpc, grpcStatus } = request;
    const side = connection.side === HTTP_SIDE.HTTP_CLIENT ? 'client' : 'server';
    const known = path !== null && path !== UNKNOWN;
    const sequence = (end.stream + 1) / 2;
    return {
      id: `${id}.${sequence}.${side}`,
      parent: null,
      side,
      startNs: request.startNs,
      firstByteNs: request.firstByteNs,
      endNs: end.timeNs,
      method: method === UNKNOWN ? UNKNOWN : redactMethod(method),
      target: known ? redactTarget(path.slice(0, PATH_CHARACTERS_MOST)) : null,
      route: '',
      status: typeof request.status === 'number' ? request.status : null,
      ...(grpc && typeof grpcStatus === 'number' ? { grpcStatus } : {}),
      protocol: grpc ? 'grpc' : 'h2',
      tls: connection.tls,
      error: errorOf(request, end.error, finished, side),
      bytesIn: end.bytesIn,
      bytesOut: end.bytesOut,
      pid: request.pid,
      tid: request.tid,
      answerTid: end.tid,
      connection: id,
      sequence,
      local: connection.ends.local,
      peer: connection.ends.peer,
      every: 0,
      trace: request.trace ? parseTraceParent(request.trace) : null,
    };
  }
}

function errorOf(
  { grpc, status, grpcStatus }: OpenRequest,
  reset: number | null,
  finished: boolean,
  side: 'server' | 'client',
): HttpSpan['error'] {
  if (reset !== null && !finished) return 'reset';
  if (!finished) return status === null ? 'no answer' : 'unfinished';
  if (grpc && grpcStatus !== null) return grpcStatus === GRPC_OK || grpcStatus === UNKNOWN ? null : 'status';
  if (status === null) return 'no answer';
  return status !== UNKNOWN && isErrorStatus(status, side) ? 'status' : null;
}
