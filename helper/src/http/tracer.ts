// The tracer of HTTP requests. This is its description, which the command line and the helper's start read; runningHttp.ts
// attaches it.

import type { Tracer } from '../engine/tracer';
import type { HttpOptions } from '../protocol';
import { checkHttpOptions, HTTP_COMMAND_LINE, httpOptions } from './options';
import { httpHeadline, httpReport } from './report';

/** One span's record. */
const SPAN_BYTES = 480;
/** As many as spanBudget.ts asks for, and a burst of ten times that before it has adapted. */
const SPANS_PER_SECOND = 8_500;

export const HTTP: Tracer<HttpOptions> = {
  id: 'http',
  unit: 'requests',
  help: 'HTTP requests, counted by route',
  targets: ['processes'],
  capabilities: ['BPF', 'PERFMON', 'SYS_PTRACE', 'CHECKPOINT_RESTORE'],
  commandLine: HTTP_COMMAND_LINE,
  fromCommandLine: httpOptions,
  check: checkHttpOptions,
  metrics: () => [],
  ringBytesPerSecond: () => SPAN_BYTES * SPANS_PER_SECOND,
  preload: () => import('./runningHttp'),
  start: async (options, session) => (await import('./runningHttp')).startHttp(options, session),
  headline: httpHeadline,
  report: httpReport,
};
