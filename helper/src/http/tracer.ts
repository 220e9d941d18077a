// The tracer of HTTP requests. This is its description, which the command line and the helper's start read; runningHttp.ts
// attaches it.

import type { Tracer } from '../engine/tracer';
import type { HttpOptions } from '../protocol';
import { checkHttpOptions, HTTP_COMMAND_LINE, httpOptions } from './options';
import { httpHeadline, httpReport } from './report';

/** Records of spans: as many as spanBudget.ts asks for, and a burst of ten times that before it has adapted. */
const SPANS_BYTES_PER_SECOND = 480 * 8_500;
/** Header blocks and ends of streams: two blocks and an end a request, some 330 bytes, of 50,000 requests. */
const HTTP2_BYTES_PER_SECOND = 330 * 50_000;

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
  ringBytesPerSecond: () => SPANS_BYTES_PER_SECOND + HTTP2_BYTES_PER_SECOND,
  preload: () => import('./runningHttp'),
  start: async (options, session) => (await import('./runningHttp')).startHttp(options, session),
  headline: httpHeadline,
  report: httpReport,
};
