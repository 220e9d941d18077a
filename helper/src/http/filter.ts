// Which requests are counted at all: the user's words, checked, and as the kernel takes them (struct http_filter of
// bpf/http_events.h). What is left out is counted as left out, never silently.

import { HTTP_FILTER, HTTP_FILTER_MANY, HTTP_FILTER_PATH_BYTES, HTTP_METHOD_BYTES } from '../abi/httpEvents.gen';
import { checkShape, type HttpFilter, isInteger, isListOf, isNumber, isText, optional, tracerError } from '../protocol';

export const FILTER_HELP =
  "Count only requests of these kinds: pid=PID, port=PORT (the server's), method=GET, path=/PREFIX, min-latency=10ms. Commas part " +
  'values of which one must fit; given again, the other kind must fit, too.';

/** What `uncounted` says of those. */
export const LEFT_OUT = 'left out by the filter';

const wrong = (text: string, why: string) => tracerError('USAGE', `--filter ${text}: ${why}`);

type Kind = (value: string, text: string) => Partial<HttpFilter>;

const KINDS: Readonly<Record<string, Kind>> = {
  pid: (value, text) => ({ pids: numbers(value, text, 'a process id', 4_194_304) }),
  port: (value, text) => ({ ports: numbers(value, text, 'a port', 65_535) }),
  method: (value, text) => ({ methods: several(value, text).map((one) => method(one, text)) }),
  path: (value, text) => {
    if (!isPathPrefix(value))
      throw wrong(text, `a path begins with "/" and has at most ${HTTP_FILTER_PATH_BYTES} bytes.`);
    return { path: value };
  },
  'min-latency': (value, text) => {
    const match = /^(\d+(?:\.\d+)?)(us|ms|s)$/.exec(value);
    const latencyMs = match ? Number(match[1]) * { us: 0.001, ms: 1, s: 1_000 }[match[2] as 'us' | 'ms' | 's'] : 0;
    if (!isLatency(latencyMs)) throw wrong(text, 'write a time such as 500us, 10ms or 1.5s, at most an hour.');
    return { minLatencyMs: latencyMs };
  },
};

/** What `--filter` was given, once or more. Undefined: nothing. Throws USAGE. */
export function parseFilter(texts: readonly string[]): HttpFilter | undefined {
  const filter: HttpFilter = {};
  for (const text of texts) {
    const equals = text.indexOf('=');
    const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
    if (equals < 0 || !Object.hasOwn(KINDS, name))
      throw wrong(
        text,
        `begin with one of ${Object.keys(KINDS)
          .map((kind) => `${kind}=`)
          .join(', ')}.`,
      );
    if (value === '') throw wrong(text, 'a value is missing.');
    for (const [member, found] of Object.entries(KINDS[name](value, text))) {
      if (member in filter) throw wrong(text, `${name} is given twice; part several values with commas.`);
      Object.assign(filter, { [member]: found });
    }
  }
  return texts.length > 0 ? filter : undefined;
}

function several(value: string, text: string): string[] {
  const values = value.split(',');
  if (values.length > HTTP_FILTER_MANY) throw wrong(text, `at most ${HTTP_FILTER_MANY} values.`);
  return values;
}

function numbers(value: string, text: string, what: string, most: number): number[] {
  return several(value, text).map((one) => {
    const number = /^\d{1,7}$/.test(one) ? Number(one) : 0;
    if (number < 1 || number > most) throw wrong(text, `"${one}" is not ${what} (1 to ${most}).`);
    return number;
  });
}

function method(one: string, text: string): string {
  if (!isMethod(one)) throw wrong(text, `"${one}" is not a method; they are upper case, e.g. GET.`);
  return one;
}

const isMethod = (value: unknown) =>
  typeof value === 'string' && /^[A-Z][A-Z_-]*$/.test(value) && value.length <= HTTP_METHOD_BYTES;
const isPathPrefix = (value: unknown) =>
  isText(value) && (value as string).startsWith('/') && Buffer.byteLength(value as string) <= HTTP_FILTER_PATH_BYTES;
const isLatency = (value: unknown) => isNumber(value) && (value as number) > 0 && (value as number) <= 3_600_000;
const isFrom1 = (most: number) => (value: unknown) =>
  isInteger(value) && (value as number) >= 1 && (value as number) <= most;

/** What a client sent. Throws USAGE. */
export function checkFilter(value: unknown): HttpFilter {
  const known: HttpFilter = checkShape<HttpFilter>('http filter', value, {
    pids: optional(isListOf(isFrom1(0xffffffff), HTTP_FILTER_MANY)),
    ports: optional(isListOf(isFrom1(65_535), HTTP_FILTER_MANY)),
    methods: optional(isListOf(isMethod, HTTP_FILTER_MANY)),
    path: optional(isPathPrefix),
    minLatencyMs: optional(isLatency),
  });
  return known;
}

/** As the kernel does it (bpf/lib/http_filter.bpf.h), of a request that the helper has read. `port`: the server's; null: it has none. */
export function isLeftOut(
  { pids, ports, methods, path, minLatencyMs = 0 }: HttpFilter,
  request: { pid: number; method: string; path: string | null },
  port: number | null,
  latencyNs: number,
): boolean {
  return (
    (pids !== undefined && !pids.includes(request.pid)) ||
    (ports !== undefined && (port === null || !ports.includes(port))) ||
    (methods !== undefined && !methods.includes(request.method)) ||
    (path !== undefined && !(request.path ?? '').startsWith(path)) ||
    latencyNs < minLatencyMs * 1e6
  );
}

/** The value of the map `http_filter`. */
export function filterBytes({ pids = [], ports = [], methods = [], path = '', minLatencyMs = 0 }: HttpFilter): Buffer {
  const bytes = Buffer.alloc(HTTP_FILTER.byteLength);
  bytes.writeBigUInt64LE(BigInt(Math.round(minLatencyMs * 1e6)), HTTP_FILTER.leastNs);
  for (const [i, pid] of pids.entries()) bytes.writeUInt32LE(pid, HTTP_FILTER.pids + 4 * i);
  for (const [i, port] of ports.entries()) bytes.writeUInt16LE(port, HTTP_FILTER.ports + 2 * i);
  for (const [i, name] of methods.entries()) bytes.write(name, HTTP_FILTER.methods + HTTP_METHOD_BYTES * i, 'latin1');
  bytes.writeUInt16LE(bytes.write(path, HTTP_FILTER.path, HTTP_FILTER_PATH_BYTES, 'utf8'), HTTP_FILTER.pathBytes);
  bytes.writeUInt8(pids.length, HTTP_FILTER.pidCount);
  bytes.writeUInt8(ports.length, HTTP_FILTER.portCount);
  bytes.writeUInt8(methods.length, HTTP_FILTER.methodCount);
  bytes.writeUInt8(Number(pids.length + ports.length + methods.length + path.length > 0), HTTP_FILTER.atHead);
  return bytes;
}
