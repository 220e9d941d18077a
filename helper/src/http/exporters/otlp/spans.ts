// Spans as OpenTelemetry's exporters take them. A tree of linked spans is one trace: with the id that its outermost request came
// with, else with one made of its own name, so that the same recording gives the same ids each time.

import { createHash } from 'node:crypto';
import { type Attributes, type Link, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { HttpHandler, HttpSpan, HttpTraceContext } from '../../../protocol';
import { calendarMs, endOf } from '../spanTimes';
import type { HttpExport } from '../types';
import { handlerAttributes, routeAttributes, SCOPE, timeOf } from './attributes';

/** A file that means harm may link spans in a circle. */
const DEPTH_MOST = 64;
const SAMPLED = 1;

const digest = (text: string, digits: number) => createHash('sha256').update(text).digest('hex').slice(0, digits);

export function spansOf(found: HttpExport, resource: Resource): ReadableSpan[] {
  const { section } = found;
  const byId = new Map(section.exemplars.map((span) => [span.id, span]));
  const handlers = new Map(section.routes.map((row) => [`${row.method} ${row.route}`, row.handler]));
  const seed = `${found.title} ${section.clock.unixMs - section.clock.monotonicNs / 1e6}`;
  const outermost = (span: HttpSpan) => {
    let root = span;
    for (let depth = 0; depth < DEPTH_MOST && root.parent; depth++)
      root = byId.get(root.parent.id) ?? { ...root, parent: null };
    return root;
  };
  const idOf = (span: Pick<HttpSpan, 'id'>) => digest(`span ${seed} ${span.id}`, 16);
  return section.exemplars.map((span) => {
    const root = outermost(span);
    const traceId = root.trace?.traceId ?? digest(`trace ${seed} ${root.id}`, 32);
    const context = (spanId: string) => ({ traceId, spanId, traceFlags: SAMPLED });
    const remote = !span.parent && span.side === 'server' ? span.trace : null;
    const parent = span.parent && byId.has(span.parent.id) ? context(idOf(span.parent)) : null;
    const start = calendarMs(section, span.startNs);
    const end = Math.max(start, calendarMs(section, span.endNs));
    const handler = span.side === 'server' ? handlers.get(`${span.method} ${span.route}`) : null;
    return {
      name: `${span.method} ${span.route}`,
      kind: span.side === 'server' ? SpanKind.SERVER : SpanKind.CLIENT,
      spanContext: () => context(idOf(span)),
      ...(parent ? { parentSpanContext: parent } : {}),
      ...(remote ? { parentSpanContext: { ...context(remote.spanId), isRemote: true } } : {}),
      startTime: timeOf(start),
      endTime: timeOf(end),
      duration: timeOf(end - start),
      ended: true,
      status: { code: span.error ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      attributes: attributesOf(span, handler),
      links: carried(span.trace, traceId),
      events:
        span.firstByteNs === null ? [] : [{ name: 'first byte', time: timeOf(calendarMs(section, span.firstByteNs)) }],
      resource,
      instrumentationScope: SCOPE,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  });
}

/** What it carried, where its tree goes by another id. */
function carried(trace: HttpTraceContext | null, traceId: string): Link[] {
  if (!trace || trace.traceId === traceId) return [];
  return [{ context: { traceId: trace.traceId, spanId: trace.spanId, traceFlags: Number(trace.sampled) } }];
}

function attributesOf(span: HttpSpan, handler: HttpHandler | null | undefined): Attributes {
  const [local, peer] = [endOf(span.local), endOf(span.peer)];
  const server = span.side === 'server' ? local : peer;
  return {
    ...routeAttributes(span),
    ...(span.status === null ? {} : { 'http.response.status_code': span.status }),
    ...(span.grpcStatus === undefined ? {} : { 'rpc.grpc.status_code': span.grpcStatus }),
    ...(span.target === null ? {} : { 'url.path': span.target.split('?')[0] }),
    ...(span.target?.includes('?') ? { 'url.query': span.target.slice(span.target.indexOf('?') + 1) } : {}),
    ...(server ? { 'server.address': server.address, 'server.port': server.port } : {}),
    ...(peer ? { 'network.peer.address': peer.address, 'network.peer.port': peer.port } : {}),
    ...(span.error ? { 'error.type': span.error === 'status' ? String(span.status) : span.error } : {}),
    'http.request.size': span.side === 'server' ? span.bytesIn : span.bytesOut,
    'http.response.size': span.side === 'server' ? span.bytesOut : span.bytesIn,
    'process.pid': span.pid,
    'thread.id': span.tid,
    'ebpf_tracer.stands_for': span.every,
    ...(span.parent ? { 'ebpf_tracer.parent_evidence': span.parent.evidence } : {}),
    ...handlerAttributes(handler),
  };
}
