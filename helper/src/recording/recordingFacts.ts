// What a recording tells of itself: the head of its file and the summary that `record/stop` answers with, from the facts
// that a Recording gathers and the counts of its profile. Called by recording.ts.

import { arch, release } from 'node:os';
import { functionCounts, type RecordingHead } from '../export/speedscope';
import {
  type AttachStep,
  type ErrorReport,
  type Health,
  type RecordOptions,
  type RecordSummary,
  type StopReason,
  TRACER_VERSION,
} from '../protocol';
import type { StackSnapshot } from '../stack/stackSnapshot';

const TOP_FUNCTIONS = 50;

export interface RecordingFacts {
  options: RecordOptions;
  command: string;
  cwd: string | null;
  /** When counting began, epoch. */
  beganAtMs: number;
  durationMs: number;
  firstSampleMs: number | null;
  attach: AttachStep[];
  health: Health;
  errors: ErrorReport[];
}

export function recordingHead(
  { options, beganAtMs, health, ...facts }: RecordingFacts,
  complete: boolean,
  stopReason: StopReason,
): RecordingHead {
  return {
    tracerVersion: TRACER_VERSION,
    title: options.title,
    pid: options.pid,
    command: facts.command,
    cwd: facts.cwd,
    startedAt: new Date(beganAtMs).toISOString(),
    durationMs: facts.durationMs,
    complete,
    stopReason,
    kernel: release(),
    arch: arch(),
    attach: facts.attach,
    frequencyHz: options.frequencyHz,
    children: options.children,
    kernelStacks: options.kernel,
    lost: health.lost,
    firstSampleMs: facts.firstSampleMs,
    health,
    errors: facts.errors,
  };
}

export function recordSummary(
  { options, health, ...facts }: RecordingFacts,
  snapshot: StackSnapshot,
  stopReason: StopReason,
): RecordSummary {
  const [first] = snapshot.metrics;
  const share = (figure: number) => figure / first.total;
  const goroutines = first.contexts.find(({ kind }) => kind === 'goroutine');
  const busiest = goroutines?.top[0];
  return {
    samples: first.samples,
    lost: health.lost,
    losses: health.losses,
    wholeStacks: first.wholeStacks,
    truncated: first.truncated,
    symbolizedFrames: first.symbolizedFrames,
    frames: first.frames,
    durationMs: facts.durationMs,
    output: options.output,
    helper: {
      cpuMs: health.helperCpuMs,
      rssBytes: health.helperRssBytes,
      bpfNs: health.bpfNs,
      firstSampleMs: facts.firstSampleMs,
    },
    attach: facts.attach,
    stopReason,
    badFiles: health.badFiles,
    runtimes: health.runtimes,
    ...(goroutines && busiest
      ? {
          goroutines: {
            seen: goroutines.seen ?? goroutines.top.length,
            busiest: { pid: busiest.pid, id: busiest.id, share: share(busiest.figure) },
          },
        }
      : {}),
    top: functionCounts(snapshot)
      .slice(0, TOP_FUNCTIONS)
      .map((row) => ({ ...row, self: share(row.self), total: share(row.total) })),
  };
}
