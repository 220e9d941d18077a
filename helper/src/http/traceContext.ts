// W3C Trace Context (https://www.w3.org/TR/trace-context/, section 3.2): reads traceparent; nothing is ever added to a request.

import type { HttpTraceContext } from '../protocol';

const TRACE_PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Null where it is not valid. */
export function parseTraceParent(text: string): HttpTraceContext | null {
  const match = TRACE_PARENT.exec(text);
  if (!match) return null;
  const [, version, traceId, spanId, flags, more] = match;
  if (version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  // Version 00 has nothing behind its flags.
  if (version === '00' && more !== undefined) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
