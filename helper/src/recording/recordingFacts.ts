// What a recording tells of itself: the head of its file and the summary that `record/stop` answers with, from the facts
// that a Recording gathers and the counts of its profile. Called by recording.ts.

import { arch, release } from 'node:os';
import { functionCounts, type RecordingHead } from '../export/speedscope';
import {
  type AttachStep,
  type ErrorReport,
  type Health,
  type RecordingExtra,
  type RecordOptions,
  type RecordSummary,
  TRACER_VERSION,
} from '../protocol';
import type { ProfileSnapshot } from '../stack/profileSnapshot';

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
  stopReason: RecordingExtra['stopReason'],
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
  snapshot: ProfileSnapshot,
  stopReason: RecordingExtra['stopReason'],
): RecordSummary {
  const share = (count: number) => count / snapshot.samples;
  const busiest = snapshot.goroutines?.top[0];
  return {
    samples: snapshot.samples,
    lost: health.lost,
    losses: health.losses,
    wholeStacks: snapshot.wholeStacks,
    truncated: snapshot.truncated,
    symbolizedFrames: snapshot.symbolizedFrames,
    frames: snapshot.frames,
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
    ...(snapshot.goroutines && busiest
      ? {
          goroutines: {
            seen: snapshot.goroutines.seen,
            busiest: { pid: busiest.pid, id: busiest.id, share: share(busiest.samples) },
          },
        }
      : {}),
    top: functionCounts(snapshot)
      .slice(0, TOP_FUNCTIONS)
      .map((row) => ({ ...row, self: share(row.self), total: share(row.total) })),
  };
}
