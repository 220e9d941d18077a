// What OpenTelemetry's semantic conventions call what a trace knows
// (https://opentelemetry.io/docs/specs/semconv/http/http-spans/, …/http-metrics/, …/registry/attributes/code/).

import type { Attributes } from '@opentelemetry/api';
import type { HttpHandler, HttpRouteRow } from '../../../protocol';
import { versionOf } from '../spanTimes';

/** Others are _OTHER, so that a sender's inventions make no series. */
const METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE', 'QUERY']);

export const SCOPE = { name: 'universal-ebpf-tracer/http' };

/** What spans and metrics of a route have in common. */
export function routeAttributes({
  method,
  route,
  protocol,
  tls,
}: Pick<HttpRouteRow, 'method' | 'route' | 'protocol' | 'tls'>): Attributes {
  return {
    'http.request.method': METHODS.has(method) ? method : '_OTHER',
    'http.route': route,
    'network.protocol.name': 'http',
    'network.protocol.version': versionOf(protocol),
    'url.scheme': tls ? 'https' : 'http',
    ...(protocol === 'grpc' ? { 'rpc.system': 'grpc' } : {}),
  };
}

export function handlerAttributes(handler: HttpHandler | null | undefined): Attributes {
  if (!handler) return {};
  return {
    'code.function.name': handler.function,
    'code.file.path': handler.file,
    'code.line.number': handler.line,
  };
}

/** Seconds and nanoseconds. */
export type Time = [number, number];

export function timeOf(calendarMs: number): Time {
  const seconds = Math.floor(calendarMs / 1_000);
  return [seconds, Math.min(999_999_999, Math.round((calendarMs - seconds * 1_000) * 1e6))];
}
