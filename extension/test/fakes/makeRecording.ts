// A small recording with known shares, as the helper would write it: 100 samples, main -> work -> hot (60), cold (30),
// work itself 10. Used by the fake helper and by the tests.

import {
  type RecordingExtra,
  type RecordingFile,
  type StopReason,
  upgradeRecording,
} from '../../../helper/src/protocol';

export interface RecordingShape {
  /** Source file of all functions. */
  file: string;
  samples?: number;
  complete?: boolean;
  stopReason?: StopReason;
  title?: string;
  pid?: number;
}

/** First lines: main 1, work 10, hot 20, cold 30; hot lines 22 (50) and 23 (10), 32 (30), calls at 12 and 13. */
export function makeRecording(shape: RecordingShape): RecordingFile & { ebpfTracer: RecordingExtra } {
  const { file, samples = 100, complete = true, title = 'fake', pid = 4242 } = shape;
  const { stopReason = complete ? 'stopped' : 'running' } = shape;
  const part = (share: number) => Math.round(samples * share);
  const counts = { hot: part(0.6), cold: part(0.3), work: samples - part(0.6) - part(0.3) };
  const stacks = [
    [0, 1, 2],
    [0, 1, 3],
    [0, 1],
  ];
  const weights = [counts.hot, counts.cold, counts.work];
  const profile = (name: string) => ({
    type: 'sampled' as const,
    name,
    unit: 'none' as const,
    startValue: 0,
    endValue: samples,
    samples: stacks,
    weights,
  });
  const hot22 = part(0.5);
  const lines: [number, number, number][][] = [
    [[3, 0, samples]],
    [
      [12, 0, counts.hot],
      [13, 0, counts.cold],
      [14, counts.work, counts.work],
    ],
    [
      [22, hot22, hot22],
      [23, counts.hot - hot22, counts.hot - hot22],
    ],
    [[32, counts.cold, counts.cold]],
  ];
  return upgradeRecording({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    shared: {
      frames: ['main', 'work', 'hot', 'cold'].map((name, i) => ({ name, file, line: [1, 10, 20, 30][i] })),
    },
    profiles: [profile('All threads'), profile('worker (4243)')],
    name: title,
    activeProfileIndex: 0,
    exporter: 'universal-ebpf-tracer',
    ebpfTracer: {
      formatVersion: 1,
      tracerVersion: '0.1.0',
      title,
      pid,
      command: `/bin/${title}`,
      cwd: '/',
      startedAt: '2026-11-23T05:00:00.000Z',
      durationMs: 1000,
      complete,
      stopReason,
      kernel: '6.18.0',
      arch: 'x64',
      attach: [{ what: 'sampling', taken: 'fake', refused: [] }],
      frequencyHz: 99,
      children: true,
      kernelStacks: true,
      samples,
      lost: 0,
      wholeStacks: samples,
      truncated: {},
      frames: samples * 3 - counts.work,
      symbolizedFrames: samples * 3 - counts.work,
      firstSampleMs: 20,
      health: fakeHealth(samples),
      threads: [{ tid: 4243, pid, name: 'worker', samples }],
      lines: lines.flat().map(([line, self, total]) => ({ file, line, self, total })),
      frameDetails: lines.map((own) => ({ module: title, kind: 'user' as const, lines: own })),
      lineTree: {
        parent: [-1, 0, 0, 0, 1, 1, 2],
        frame: [0, 1, 1, 1, 2, 2, 3],
        line: [3, 12, 13, 14, 22, 23, 32],
        self: [0, 0, 0, counts.work, hot22, counts.hot - hot22, counts.cold],
      },
      sources: [{ file, md5: null, binaryMtimeMs: null }],
      errors: [],
    },
  }) as RecordingFile & { ebpfTracer: RecordingExtra };
}

export function fakeHealth(samples: number) {
  return {
    samples,
    lost: 0,
    truncated: {},
    ringFill: 0.01,
    helperCpuMs: 120,
    helperRssBytes: 60e6,
    bpfNs: samples * 4000,
    badFiles: [],
  };
}
