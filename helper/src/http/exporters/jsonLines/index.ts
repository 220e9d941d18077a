// Spans as JSON lines, one a line in the order of their start, with the calendar's time beside: for scripts.

import { resolve } from 'node:path';
import { calendarMs } from '../spanTimes';
import type { HttpExport, HttpExporter } from '../types';

export const JSON_LINES: HttpExporter = {
  option: 'jsonl',
  value: 'FILE',
  help: 'Write the spans that were kept to this file, one JSON object a line.',
  open: (given) => ({
    files: [
      {
        path: resolve(given),
        isOurs: (start) => start.length === 0 || start.toString('latin1').startsWith('{"startedAt":"'),
        pieces: lines,
      },
    ],
  }),
};

export function* lines({ section }: HttpExport): Iterable<string> {
  const handlers = new Map(
    [...section.routes, ...section.clients].map((row) => [`${row.method} ${row.route}`, row.handler]),
  );
  for (const span of section.exemplars) {
    const startedAt = new Date(calendarMs(section, span.startNs)).toISOString();
    const durationMs = (span.endNs - span.startNs) / 1e6;
    const handler = span.side === 'server' ? (handlers.get(`${span.method} ${span.route}`) ?? null) : null;
    yield `${JSON.stringify({ startedAt, durationMs, ...span, handler })}\n`;
  }
}
