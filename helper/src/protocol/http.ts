// What an HTTP trace tells: options, rows by route, spans. The summary with some spans is the tracer's section of a recording. Times are in ms, sizes in bytes of plaintext with heads.

import type { AttachStep } from './model';

/** h2: HTTP/2; grpc: gRPC over it. */
export type HttpProtocol = 'HTTP/1.0' | 'HTTP/1.1' | 'h2' | 'grpc';

/** The function that answers a route, as far as evidence tells; below HANDLER_CONFIDENCE_LEAST nothing is claimed. */
export interface HttpHandler {
  function: string;
  /** Absolute, as the target's own file system has it. */
  file: string;
  line: number;
  /** 0..1 */
  confidence: number;
  /** Sentences without a full stop, strongest first. */
  evidence: string[];
}

export const HANDLER_CONFIDENCE_LEAST = 0.5;

/** Upper bounds in seconds, of OpenTelemetry's advice for http.server.request.duration; one more bucket has all that is longer. */
export const HTTP_LATENCY_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** All requests of one route. Latencies run from the request's first byte to the answer's last. */
export interface HttpRouteRow {
  method: string;
  /** A path whose ids are folded: /users/:id. Beyond the bound of rows: (other). */
  route: string;
  protocol: HttpProtocol;
  tls: boolean;
  count: number;
  /** Of `count`: an answer of 500 and above (outgoing calls: 400 and above), or none. */
  errors: number;
  /**
   * By status code; of gRPC `grpc:` and its code, of which every one but 0 is an error; `?`: there was one, but it was said by
   * reference to what came before the attach. Requests whose connection ended without an answer are in `count` alone.
   */
  statuses: Record<string, number>;
  bytesIn: number;
  bytesOut: number;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  maxMs: number;
  /** To the answer's first byte, on average. */
  firstByteMs: number;
  /** For stores of metrics: requests by HTTP_LATENCY_BOUNDS_S, and the sum of their times. A time at a bound may be 1/64 off. */
  latency: { sumMs: number; counts: number[] };
  handler: HttpHandler | null;
  /** Of gRPC: messages and their bytes, without the five before each. */
  messages?: MessageCounts;
}

export interface MessageCounts {
  in: number;
  out: number;
  bytesIn: number;
  bytesOut: number;
}

/** Of WebSocket connections. */
export interface WebSocketCounts {
  opened: number;
  /** By a close frame, or with the connection. */
  closed: number;
  /** Text and binary ones, and their continuations; */
  framesIn: number;
  framesOut: number;
  /** close, ping and pong. */
  controlIn: number;
  controlOut: number;
  /** Payload. */
  bytesIn: number;
  bytesOut: number;
}

/** All WebSocket connections that requests of one route have opened. */
export interface HttpWebSocketRow extends WebSocketCounts {
  side: 'server' | 'client';
  route: string;
}

export interface HttpSummary {
  /** Incoming ones; outgoing calls stand in `clients` alone. */
  requests: number;
  /** Each request's route was read, none estimated. */
  routesExact: boolean;
  /** What is in no row, by reason. */
  uncounted: Record<string, number>;
  /** Requests of which a span was sent. */
  spans: number;
  /** Of the requests that are neither slow nor failed, the share that gets a span at present (0..1). */
  spanRate: number;
  /** Spans without room in the buffer. */
  lost: number;
  /** That spoke HTTP. */
  connections: number;
  routes: HttpRouteRow[];
  clients: HttpRouteRow[];
  websockets: HttpWebSocketRow[];
}

/** What `ebpf-tracer http --json` prints. */
export interface HttpReport extends HttpSummary {
  attach: AttachStep[];
  helper: { cpuMs: number; rssBytes: number; bpfNs: number | null };
}

/** While it runs. Latencies are those of the last interval, where something was answered in it. */
export interface HttpLive {
  routes: HttpLiveRow[];
  clients: HttpLiveRow[];
  uncounted: Record<string, number>;
}

export interface HttpLiveRow extends HttpRouteRow {
  perSecond: number;
}

/** Why one request is taken for another's parent. */
export type HttpLinkEvidence =
  /** Both processes are traced: the call and the request are the same one on the same connection. */
  | 'same connection'
  /** Both carry the same traceparent or b3: the call as it was sent, the request as it came. */
  | 'same trace context'
  /** The call carries the trace id that the open request came with. */
  | 'same trace id'
  /** No other request was open in the thread that sent the call. */
  | 'only open request of the thread'
  /** The same, of a process whose requests change their thread: its weakest evidence, as something else may call, too. */
  | 'only open request of the process'
  /** The thread's first answer after the call's own end was this request's. */
  | 'answered next by the thread';

export interface HttpParent {
  /** Of another span of the section. */
  id: string;
  evidence: HttpLinkEvidence[];
}

/** One request. What could identify a person is redacted (helper/src/http/redact.ts). */
export interface HttpSpan {
  /** One text a span of a section. */
  id: string;
  /** Of an outgoing call: the incoming request that made it; of an incoming one: the call of another traced process. */
  parent: HttpParent | null;
  side: 'server' | 'client';
  /** CLOCK_MONOTONIC. */
  startNs: number;
  /** Null: no answer came. */
  firstByteNs: number | null;
  endNs: number;
  method: string;
  /** Null where only the route is known (pipelined requests). */
  target: string | null;
  route: string;
  status: number | null;
  /** Of gRPC, where the call has one. */
  grpcStatus?: number;
  protocol: HttpProtocol;
  tls: boolean;
  error: 'status' | 'no answer' | 'unfinished' | 'reset' | null;
  bytesIn: number;
  bytesOut: number;
  pid: number;
  /** Thread that read the request, or sent it, and the one that sent or read the answer's end (0: not known). */
  tid: number;
  answerTid: number;
  /** One number a connection, and the request's on it (HTTP/2: in the order in which streams were opened). */
  connection: number;
  sequence: number;
  /** `address:port`, a Unix socket: `unix`. */
  local: string;
  peer: string;
  /** It stands for so many; 0: sent because it is slow or failed. */
  every: number;
  trace: HttpTraceContext | null;
}

/** As the request carried it: W3C's traceparent or Zipkin's b3. */
export interface HttpTraceContext {
  /** 32 hexadecimal digits (of b3's 16: zeros before them). */
  traceId: string;
  spanId: string;
  sampled: boolean;
}

export interface HttpSection extends HttpSummary {
  /** One moment by the spans' clock and by the calendar's (ms since 1970). */
  clock: { monotonicNs: number; unixMs: number };
  /** The slowest, errors and a sample of the rest, bounded. */
  exemplars: HttpSpan[];
}
