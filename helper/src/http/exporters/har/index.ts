// HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/): what browsers' network panels open. It has no place for headers and bodies
// here, since none are kept; what it has no member for stands in members that begin with an underscore, as it asks.

import { resolve } from 'node:path';
import type { HttpSection, HttpSpan } from '../../../protocol';
import { calendarMs, endOf } from '../spanTimes';
import type { HttpExport, HttpExporter } from '../types';

const START = '{"log":{"version":"1.2","creator":{"name":"universal-ebpf-tracer"';

export const HAR: HttpExporter = {
  option: 'har',
  value: 'FILE',
  help: 'Write the spans that were kept to this HTTP archive (HAR 1.2).',
  open: (given) => ({
    files: [{ path: resolve(given), isOurs: (start) => start.toString('latin1').startsWith(START), pieces: archive }],
  }),
};

export function* archive({ section, tracerVersion, title }: HttpExport): Iterable<string> {
  yield `${START},"version":${JSON.stringify(tracerVersion)}},"comment":${JSON.stringify(title)},"entries":[`;
  for (const [i, span] of section.exemplars.entries())
    yield `${i > 0 ? ',' : ''}\n${JSON.stringify(entryOf(section, span))}`;
  yield '\n]}}\n';
}

function entryOf(section: HttpSection, span: HttpSpan): object {
  const server = endOf(span.side === 'server' ? span.local : span.peer);
  const client = span.side === 'server';
  const ms = (from: number, to: number) => Math.max(0, (to - from) / 1e6);
  const firstByteNs = span.firstByteNs ?? span.endNs;
  const [wait, receive] = [ms(span.startNs, firstByteNs), ms(firstByteNs, span.endNs)];
  return {
    startedDateTime: new Date(calendarMs(section, span.startNs)).toISOString(),
    time: wait + receive,
    request: {
      method: span.method,
      url: urlOf(span, server),
      httpVersion: span.protocol,
      cookies: [],
      headers: [],
      queryString: queryOf(span.target),
      headersSize: -1,
      bodySize: -1,
      _bytes: client ? span.bytesIn : span.bytesOut,
    },
    response: {
      status: span.status ?? 0,
      statusText: '',
      httpVersion: span.protocol,
      cookies: [],
      headers: [],
      content: { size: 0, mimeType: 'x-unknown', comment: 'bodies are not kept' },
      redirectURL: '',
      headersSize: -1,
      bodySize: -1,
      _bytes: client ? span.bytesOut : span.bytesIn,
      ...(span.error ? { _error: span.error } : {}),
    },
    cache: {},
    timings: { send: 0, wait, receive },
    ...(server ? { serverIPAddress: server.address } : {}),
    connection: String(span.connection),
    _id: span.id,
    _side: span.side,
    _route: span.route,
    _pid: span.pid,
    _every: span.every,
    ...(span.parent ? { _parent: span.parent } : {}),
  };
}

/** What is redacted stands in it as it is shown; the rest of a URL's letters are encoded. */
function urlOf({ tls, target, route }: HttpSpan, server: ReturnType<typeof endOf>): string {
  const host = server ? (server.address.includes(':') ? `[${server.address}]` : server.address) : 'unix.invalid';
  const shown = target ?? route;
  const path = shown.startsWith('/') ? shown : `/${shown}`;
  return `${tls ? 'https' : 'http'}://${host}${server ? `:${server.port}` : ''}${encodeURI(path)}`;
}

function queryOf(target: string | null): { name: string; value: string }[] {
  const query = /\?([^#]*)/.exec(target ?? '')?.[1];
  if (!query) return [];
  return query.split('&').map((part) => {
    const equals = part.indexOf('=');
    return equals < 0 ? { name: part, value: '' } : { name: part.slice(0, equals), value: part.slice(equals + 1) };
  });
}
