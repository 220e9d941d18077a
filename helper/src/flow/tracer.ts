// The tracer of flows. This is its description, which the command line and the helper's start read; runningFlows.ts attaches it.

import type { Tracer } from '../engine/tracer';
import { checkShape, type FlowOptions, isInteger, isListOf, isText, optional, tracerError } from '../protocol';
import { parseFilters } from './filter';
import { flowHeadline, flowReport } from './report';

/** First payloads of flows: so many a second are read at the most. */
const HEADS_PER_SECOND = 500;
const HEAD_BYTES = 1_500;
const FILTER_MOST_CHARS = 200;
const INGRESS: readonly unknown[] = ['tc', 'generic', 'native'];

function checkOptions(options: FlowOptions): FlowOptions {
  parseFilters(options.filter ?? []);
  const { sampleEvery = 0 } = options;
  if (sampleEvery < 0 || sampleEvery > 10_000) throw tracerError('SAMPLE_EVERY_INVALID', String(sampleEvery));
  return options;
}

export const FLOWS: Tracer<FlowOptions> = {
  id: 'flows',
  unit: 'packets',
  help: 'network packets, counted by flow',
  targets: ['processes', 'interface', 'netns', 'everything'],
  capabilities: ['BPF', 'PERFMON', 'NET_ADMIN', 'SYS_PTRACE'],
  commandLine: {
    'flow-filter': {
      value: 'WORDS',
      repeatable: true,
      help: 'Flows: count only those that one filter fits, e.g. "tcp port 443"; may be repeated.',
    },
    'sample-every': {
      value: 'N',
      help: 'Of each direction of a flow, count one packet in N after the first 1000; counts are scaled.',
    },
    xdp: {
      value: 'MODE',
      help: "Meet received packets at XDP: generic, or native, which may reset the driver's queues (default: at TC, which disturbs nothing).",
    },
  },
  fromCommandLine: (given) => {
    const xdp = given.get('xdp')?.[0];
    if (xdp !== undefined && xdp !== 'generic' && xdp !== 'native')
      throw tracerError('USAGE', '--xdp is generic or native.');
    const every = given.get('sample-every')?.[0];
    if (every !== undefined && !/^\d{1,6}$/.test(every)) throw tracerError('SAMPLE_EVERY_INVALID', every);
    return checkOptions({
      ingress: xdp ?? 'tc',
      filter: [...(given.get('flow-filter') ?? [])],
      sampleEvery: Number(every ?? 0),
    });
  },
  check: (value) =>
    checkOptions(
      checkShape<FlowOptions>('flows', value, {
        ingress: optional((one) => INGRESS.includes(one)),
        filter: optional(isListOf((one) => isText(one) && (one as string).length <= FILTER_MOST_CHARS, 8)),
        sampleEvery: optional(isInteger),
      }),
    ),
  metrics: () => [],
  ringBytesPerSecond: () => HEADS_PER_SECOND * HEAD_BYTES,
  preload: () => import('./runningFlows'),
  start: async (options, session) => (await import('./runningFlows')).startFlows(options, session),
  headline: flowHeadline,
  report: flowReport,
};
