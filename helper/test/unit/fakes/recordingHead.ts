// What a recording says of itself, for tests that write one without having recorded.

import type { RecordingHead } from '../../../src/export/speedscope';

export const HEAD: RecordingHead = {
  tracerVersion: '0',
  title: 'agent',
  pid: 1,
  command: 'agent',
  cwd: null,
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 1,
  complete: true,
  stopReason: 'duration',
  kernel: '6',
  arch: 'x64',
  attach: [],
  frequencyHz: 100,
  children: true,
  kernelStacks: true,
  lost: 0,
  firstSampleMs: null,
  health: {
    ...{ samples: 0, lost: 0, truncated: {}, ringFill: 0, helperCpuMs: 0, helperRssBytes: 0, bpfNs: null },
    badFiles: [],
  },
  errors: [],
};
