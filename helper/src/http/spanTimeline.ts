// The spans that a recording keeps as a profile over time, for speedscope: who opens the file there sees which requests were under way
// together. Requests overlap and end in any order, which its evented profiles cannot say; so each stretch between two events is one
// stack of what was under way, the oldest first.

import type { HttpHandler, HttpSection, HttpSpan, TimelineProfile } from '../protocol';
import { httpRouteKey } from '../protocol';

/** More at once are no picture; the youngest are left out. */
const MOST_AT_ONCE = 64;

/** Null: there is none. */
export function spanTimeline({ exemplars, routes, clients }: HttpSection): TimelineProfile | null {
  const spans = exemplars.filter(({ startNs, endNs }) => endNs > startNs);
  if (spans.length === 0) return null;
  const handlers = new Map<string, HttpHandler | null>();
  for (const row of routes) handlers.set(httpRouteKey('server', row), row.handler);
  for (const row of clients) handlers.set(httpRouteKey('client', row), row.handler);
  const frames: TimelineProfile['frames'] = [];
  const known = new Map<string, number>();
  const frameOf = (span: HttpSpan) => {
    const key = httpRouteKey(span.side, span);
    let frame = known.get(key);
    if (frame === undefined) {
      const handler = handlers.get(key);
      const name = `${span.side === 'client' ? '→ ' : ''}${span.method} ${span.route}`;
      frame = frames.push({ name, ...(handler ? { file: handler.file, line: handler.line } : {}) }) - 1;
      known.set(key, frame);
    }
    return frame;
  };
  const events = spans
    .flatMap((span) => [
      { atNs: span.startNs, span, begins: true },
      { atNs: span.endNs, span, begins: false },
    ])
    // What ends makes room for what begins at the same moment.
    .sort((a, b) => a.atNs - b.atNs || Number(a.begins) - Number(b.begins));
  const open: HttpSpan[] = [];
  const samples: number[][] = [];
  const weightsNs: number[] = [];
  let atNs = events[0].atNs;
  for (const { atNs: nextNs, span, begins } of events) {
    if (nextNs > atNs) {
      samples.push(open.slice(0, MOST_AT_ONCE).map(frameOf));
      weightsNs.push(nextNs - atNs);
      atNs = nextNs;
    }
    if (begins) open.push(span);
    else if (open.includes(span)) open.splice(open.indexOf(span), 1);
  }
  return {
    name: `HTTP: ${spans.length} requests in time order`,
    frames,
    startNs: events[0].atNs,
    samples,
    weightsNs,
  };
}
