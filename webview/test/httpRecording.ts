// Recordings of a shop's HTTP requests, made by code for the tests: two routes with handlers, calls that requests made, failures, and
// texts that mean harm. With stacks of CPU time or without.
import type { HttpRouteRow, HttpSection, HttpSpan, RecordingExtra, RecordingFile } from '../../helper/src/protocol';
import { fixtureRecording } from './fixtureRecording';

export const BEGAN_NS = 5e12;
const SERVER = '/home/dev/shop/src/server.cpp';

function route(more: Partial<HttpRouteRow>): HttpRouteRow {
  return {
    ...{ method: 'GET', route: '/', protocol: 'HTTP/1.1', tls: false, count: 1, errors: 0, statuses: { '200': 1 } },
    ...{ bytesIn: 100, bytesOut: 1000, p50Ms: 1, p90Ms: 2, p99Ms: 3, maxMs: 4, firstByteMs: 0.8 },
    latency: { sumMs: 1, counts: [] },
    handler: null,
    ...more,
  };
}

let made = 0;
function span(id: string, startMs: number, durationMs: number, more: Partial<HttpSpan> = {}): HttpSpan {
  made++;
  const startNs = BEGAN_NS + startMs * 1e6;
  const endNs = startNs + durationMs * 1e6;
  return {
    ...{ id, parent: null, side: 'server', startNs, firstByteNs: startNs + durationMs * 0.8e6, endNs },
    ...{
      method: 'GET',
      target: '/users/:id?token=…',
      route: '/users/:id',
      status: 200,
      protocol: 'HTTP/1.1',
      tls: false,
    },
    ...{
      error: null,
      bytesIn: 120,
      bytesOut: 5_400,
      pid: 4711,
      tid: 4712,
      answerTid: 4712,
      connection: made,
      sequence: 1,
    },
    ...{ local: '127.0.0.1:8080', peer: '127.0.0.1:51000', every: 0, trace: null },
    ...more,
  };
}

/** [5, 10, 25 … 10,000 ms, more]. */
const counts = (...values: number[]): number[] => [...values, ...Array.from({ length: 15 - values.length }, () => 0)];

export function httpSection(): HttpSection {
  made = 0;
  const call = {
    side: 'client',
    route: '/prices',
    target: '/prices',
    local: '127.0.0.1:51000',
    peer: '127.0.0.1:9000',
  } as const;
  const trace = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', sampled: true };
  return {
    requests: 1_504,
    routesExact: true,
    uncounted: { 'request before attach': 3, 'something new': 2 },
    spans: 12,
    spanRate: 0.0625,
    lost: 4,
    connections: 20,
    routes: [
      route({
        ...{ route: '/users/:id', count: 1_204, errors: 3, statuses: { '200': 1_150, '404': 51, '500': 2 } },
        ...{ bytesIn: 144_480, bytesOut: 6_501_600, p50Ms: 3.1, p90Ms: 9, p99Ms: 48, maxMs: 132, firstByteMs: 2.9 },
        latency: { sumMs: 6_000, counts: counts(900, 200, 60, 30, 8, 4, 2) },
        handler: {
          function: 'Server::handle',
          file: SERVER,
          line: 88,
          confidence: 0.85,
          evidence: ['on the stack of 41 of 44 answers'],
        },
      }),
      route({
        method: 'POST',
        route: '/orders',
        count: 300,
        statuses: { '201': 300 },
        p50Ms: 20,
        p99Ms: 90,
        maxMs: 400,
      }),
      route({ route: '/<img src=x onerror=alert(1)>\u202e', count: 1 }),
    ],
    clients: [
      route({ route: '/prices', count: 600, statuses: { '200': 590, '503': 10 }, errors: 10, p50Ms: 1.2, p99Ms: 12 }),
    ],
    websockets: [
      {
        side: 'server',
        route: '/live',
        opened: 5,
        closed: 2,
        framesIn: 100,
        framesOut: 4_000,
        controlIn: 8,
        controlOut: 8,
        bytesIn: 2_000,
        bytesOut: 900_000,
      },
    ],
    clock: { monotonicNs: BEGAN_NS, unixMs: Date.parse('2026-11-23T05:00:00.000Z') },
    exemplars: [
      span('a', 1_000, 132, { trace }),
      span('b', 1_010, 40, { ...call, parent: { id: 'a', evidence: ['only open request of the thread'] } }),
      span('c', 1_060, 60, { ...call, status: 503, error: 'status', parent: { id: 'a', evidence: ['same trace id'] } }),
      span('d', 1_500, 90, { method: 'POST', route: '/orders', target: '/orders', status: 201, every: 16 }),
      span('e', 2_000, 5, { status: null, firstByteNs: null, error: 'no answer', every: 1 }),
      // Each says that the other made it.
      span('f', 2_100, 5, { parent: { id: 'g', evidence: [] } }),
      span('g', 2_101, 3, { parent: { id: 'f', evidence: [] } }),
    ],
  };
}

type Ours = RecordingFile & { ebpfTracer: RecordingExtra };
const TRACERS = [{ id: 'http', unit: 'requests', count: 1_504, lost: 4 }];

export function withHttp(recording: Ours = fixtureRecording({ times: true }), section: unknown = httpSection()): Ours {
  const { ebpfTracer } = recording;
  const tracers = [{ id: 'cpu', unit: 'samples', count: ebpfTracer.metrics[0].samples, lost: 0 }, ...TRACERS];
  return { ...recording, ebpfTracer: { ...ebpfTracer, tracers, beganNs: BEGAN_NS, sections: { http: section } } };
}

/** As the helper writes it where HTTP alone was traced. */
export function httpAlone(): Ours {
  const { ebpfTracer: extra, ...recording } = withHttp();
  const { lineTree: _, frequencyHz: __, kernelStacks: ___, ...head } = extra;
  const nothing = { samples: 0, total: 0, wholeStacks: 0, truncated: {}, frames: 0, symbolizedFrames: 0 };
  const none = { threads: [], contexts: [], lines: [], functionLines: [] };
  return {
    ...recording,
    shared: { frames: [] },
    profiles: [
      { type: 'sampled', name: 'All threads', unit: 'none', startValue: 0, endValue: 0, samples: [], weights: [] },
    ],
    ebpfTracer: {
      ...head,
      tracers: TRACERS,
      threads: [],
      frameDetails: [],
      profiles: [{ metric: 0, thread: null }],
      metrics: [{ id: 'http', unit: 'count', period: null, ...nothing, ...none }],
    },
  };
}
