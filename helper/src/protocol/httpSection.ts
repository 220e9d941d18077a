// The HTTP section of a recording file, checked before anything reads it: files come from other people. What comes out holds no more
// than is shown, has texts of bounded length in which every character is seen, and numbers that are finite and not negative.

import {
  HANDLER_CONFIDENCE_LEAST,
  type HttpHandler,
  type HttpParent,
  type HttpRouteRow,
  type HttpSection,
  type HttpSpan,
  type HttpWebSocketRow,
} from './http';
import type { RecordingExtra } from './recordingFile';
import { visibleText } from './visibleText';

/** More than the kernel has room for, and than the tracer keeps. */
const MOST_ROWS = 10_000;
const MOST_SPANS = 10_000;
const MOST_STATUSES = 200;
const MOST_REASONS = 50;
const MOST_EVIDENCE = 20;
const MOST_BUCKETS = 100;
const MOST_CHARS = 400;
/** PATH_MAX of Linux: a path is opened, so it is never shortened. */
const MOST_PATH_CHARS = 4_096;
/** Greater numbers are no counts, times or sizes. */
const MOST = 2 ** 63;

/** Why a section is not shown. */
class WrongSection extends Error {}

type Fields = Record<string, unknown>;

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new WrongSection(`${what} is no object`);
  return value as Fields;
}

const own = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined);

function numberIn(fields: Fields, name: string): number {
  const value = own(fields, name);
  if (typeof value !== 'number' || !(value >= 0) || value >= MOST)
    throw new WrongSection(`${name} is no number from 0 on`);
  return value;
}

function wholeIn(fields: Fields, name: string): number {
  const value = numberIn(fields, name);
  if (!Number.isSafeInteger(value)) throw new WrongSection(`${name} is no whole number`);
  return value;
}

const numberOrNull = (fields: Fields, name: string) => (own(fields, name) === null ? null : numberIn(fields, name));
const isTrue = (fields: Fields, name: string) => own(fields, name) === true;

function shown(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new WrongSection(`${what} is no text`);
  const text = visibleText(value.slice(0, MOST_CHARS + 1));
  return text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text;
}

const textIn = (fields: Fields, name: string) => shown(own(fields, name), name);
const textOrNull = (fields: Fields, name: string) => (own(fields, name) === null ? null : textIn(fields, name));

function oneOf<T extends string>(fields: Fields, name: string, known: readonly T[]): T {
  const value = own(fields, name);
  if (!known.includes(value as T)) throw new WrongSection(`${name} is none of ${known.join(', ')}`);
  return value as T;
}

function listIn<T>(fields: Fields, name: string, most: number, read: (value: unknown, index: number) => T): T[] {
  const value = own(fields, name);
  if (!Array.isArray(value)) throw new WrongSection(`${name} is no list`);
  return value.slice(0, most).map(read);
}

/** By names that the writer chose. */
function countsIn(fields: Fields, name: string, most: number): Record<string, number> {
  const value = fieldsOf(own(fields, name), name);
  const counts = Object.keys(value)
    .slice(0, most)
    .map((key) => [shown(key, name), numberIn(value, key)] as const);
  return Object.fromEntries(counts);
}

const SIDES = ['server', 'client'] as const;
const ERRORS = ['status', 'no answer', 'unfinished'] as const;

function handlerIn(fields: Fields): HttpHandler | null {
  const value = own(fields, 'handler');
  if (value === null || value === undefined) return null;
  const handler = fieldsOf(value, 'handler');
  const file = own(handler, 'file');
  if (typeof file !== 'string' || file.length > MOST_PATH_CHARS || file.includes('\0'))
    throw new WrongSection('file is no path');
  const confidence = numberIn(handler, 'confidence');
  if (confidence < HANDLER_CONFIDENCE_LEAST) return null;
  return {
    function: textIn(handler, 'function'),
    file,
    line: Math.max(1, wholeIn(handler, 'line')),
    confidence: Math.min(1, confidence),
    evidence: listIn(handler, 'evidence', MOST_EVIDENCE, (one) => shown(one, 'evidence')),
  };
}

function latencyIn(fields: Fields): HttpRouteRow['latency'] {
  const value = own(fields, 'latency');
  // Older files have none.
  if (value === undefined) return { sumMs: 0, counts: [] };
  const latency = fieldsOf(value, 'latency');
  const counts = listIn(latency, 'counts', MOST_BUCKETS, (one) => numberIn({ count: one }, 'count'));
  return { sumMs: numberIn(latency, 'sumMs'), counts };
}

function routeOf(value: unknown): HttpRouteRow {
  const row = fieldsOf(value, 'a row');
  return {
    method: textIn(row, 'method'),
    route: textIn(row, 'route'),
    protocol: textIn(row, 'protocol') as HttpRouteRow['protocol'],
    tls: isTrue(row, 'tls'),
    count: numberIn(row, 'count'),
    errors: numberIn(row, 'errors'),
    statuses: countsIn(row, 'statuses', MOST_STATUSES),
    bytesIn: numberIn(row, 'bytesIn'),
    bytesOut: numberIn(row, 'bytesOut'),
    p50Ms: numberIn(row, 'p50Ms'),
    p90Ms: numberIn(row, 'p90Ms'),
    p99Ms: numberIn(row, 'p99Ms'),
    maxMs: numberIn(row, 'maxMs'),
    firstByteMs: numberIn(row, 'firstByteMs'),
    latency: latencyIn(row),
    handler: handlerIn(row),
  };
}

function webSocketOf(value: unknown): HttpWebSocketRow {
  const row = fieldsOf(value, 'a row');
  return {
    side: oneOf(row, 'side', SIDES),
    route: textIn(row, 'route'),
    opened: numberIn(row, 'opened'),
    closed: numberIn(row, 'closed'),
    framesIn: numberIn(row, 'framesIn'),
    framesOut: numberIn(row, 'framesOut'),
    controlIn: numberIn(row, 'controlIn'),
    controlOut: numberIn(row, 'controlOut'),
    bytesIn: numberIn(row, 'bytesIn'),
    bytesOut: numberIn(row, 'bytesOut'),
  };
}

function parentIn(span: Fields): HttpParent | null {
  const value = own(span, 'parent');
  if (value === null || value === undefined) return null;
  const parent = fieldsOf(value, 'parent');
  const evidence = listIn(parent, 'evidence', MOST_EVIDENCE, (one) => shown(one, 'evidence'));
  return { id: textIn(parent, 'id'), evidence: evidence as HttpParent['evidence'] };
}

function traceIn(span: Fields): HttpSpan['trace'] {
  const value = own(span, 'trace');
  if (value === null) return null;
  const trace = fieldsOf(value, 'trace');
  return { traceId: textIn(trace, 'traceId'), spanId: textIn(trace, 'spanId'), sampled: isTrue(trace, 'sampled') };
}

function spanOf(value: unknown, index: number): HttpSpan {
  const span = fieldsOf(value, 'a span');
  const [startNs, endNs] = [numberIn(span, 'startNs'), numberIn(span, 'endNs')];
  return {
    // Older files have none.
    id: own(span, 'id') === undefined ? String(index) : textIn(span, 'id'),
    parent: parentIn(span),
    side: oneOf(span, 'side', SIDES),
    startNs,
    firstByteNs: numberOrNull(span, 'firstByteNs'),
    endNs: Math.max(startNs, endNs),
    method: textIn(span, 'method'),
    target: textOrNull(span, 'target'),
    route: textIn(span, 'route'),
    status: numberOrNull(span, 'status'),
    protocol: textIn(span, 'protocol') as HttpSpan['protocol'],
    tls: isTrue(span, 'tls'),
    error: own(span, 'error') === null ? null : oneOf(span, 'error', ERRORS),
    bytesIn: numberIn(span, 'bytesIn'),
    bytesOut: numberIn(span, 'bytesOut'),
    pid: wholeIn(span, 'pid'),
    tid: wholeIn(span, 'tid'),
    answerTid: wholeIn(span, 'answerTid'),
    connection: numberIn(span, 'connection'),
    sequence: numberIn(span, 'sequence'),
    local: textIn(span, 'local'),
    peer: textIn(span, 'peer'),
    every: numberIn(span, 'every'),
    trace: traceIn(span),
  };
}

function clockIn(section: Fields): HttpSection['clock'] {
  const value = own(section, 'clock');
  if (value === undefined) return { monotonicNs: 0, unixMs: 0 };
  const clock = fieldsOf(value, 'clock');
  return { monotonicNs: numberIn(clock, 'monotonicNs'), unixMs: numberIn(clock, 'unixMs') };
}

/** Tells routes apart, in every version of a recording: incoming and outgoing ones of one name are two. */
export const httpRouteKey = (
  side: HttpSpan['side'],
  { method, route, protocol, tls }: Pick<HttpRouteRow, 'method' | 'route' | 'protocol' | 'tls'>,
): string => [side, method, route, protocol, tls].join('\n');

/** Rows while it is being recorded (HttpLive); null: there are none that can be shown. */
export function httpRowsOf(live: unknown): Record<'routes' | 'clients', HttpRouteRow[]> | null {
  if (live === undefined) return null;
  try {
    const fields = fieldsOf(live, 'it');
    return {
      routes: listIn(fields, 'routes', MOST_ROWS, routeOf),
      clients: listIn(fields, 'clients', MOST_ROWS, routeOf),
    };
  } catch (error) {
    if (error instanceof WrongSection) return null;
    throw error;
  }
}

/** null: the recording has none. `wrong`: it has one, which is not whole, and why in a few words. */
export function httpSectionOf(extra: RecordingExtra | null | undefined): HttpSection | { wrong: string } | null {
  const value = extra?.sections && own(extra.sections, 'http');
  if (value === undefined) return null;
  try {
    const section = fieldsOf(value, 'it');
    return {
      requests: numberIn(section, 'requests'),
      routesExact: isTrue(section, 'routesExact'),
      uncounted: countsIn(section, 'uncounted', MOST_REASONS),
      spans: numberIn(section, 'spans'),
      spanRate: numberIn(section, 'spanRate'),
      lost: numberIn(section, 'lost'),
      connections: numberIn(section, 'connections'),
      routes: listIn(section, 'routes', MOST_ROWS, routeOf),
      clients: listIn(section, 'clients', MOST_ROWS, routeOf),
      websockets: listIn(section, 'websockets', MOST_ROWS, webSocketOf),
      clock: clockIn(section),
      exemplars: listIn(section, 'exemplars', MOST_SPANS, spanOf),
    };
  } catch (error) {
    if (error instanceof WrongSection) return { wrong: error.message };
    throw error;
  }
}
