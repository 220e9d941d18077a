// What a recording tells of itself while it goes on and at its end: counts and health, the head of its file, its summary, why it is
// empty. Gathered from the capture, from each of its tracers and from what the samples add up to. Owned by a Recording.

import { arch, release } from 'node:os';
import type { Capture } from '../engine/captureTypes';
import type { ChosenTracer } from '../engine/tracer';
import type { RecordingHead } from '../export/speedscope';
import {
  type ErrorReport,
  errorReport,
  type Health,
  type RecordOptions,
  type RecordSummary,
  type StopReason,
  TRACER_VERSION,
  type TracerProgress,
  targetPids,
  type UnnamedFile,
} from '../protocol';
import type { ProcessRuntimes } from '../runtimes/processRuntimes';
import type { StackCounts } from '../stack/stackCounts';
import { lossesOf } from './losses';
import type { RecordingParts } from './parts';
import type { RecordedTargets } from './recordedTargets';
import type { RecordingTimes } from './recordingTimes';
import { stackSummary } from './stackSummary';

export class RecordingReport {
  /** Once they are there. */
  capture: Capture | null = null;
  targets: RecordedTargets | null = null;
  readonly errors: ErrorReport[] = [];
  /** Undefined before the end. */
  unnamedFiles: UnnamedFile[] | undefined;
  private readonly cpuAtStart = process.cpuUsage();
  private readonly bpfNsAtStart: number | null;

  constructor(
    private readonly options: RecordOptions,
    private readonly tracers: readonly ChosenTracer[],
    private readonly stacks: StackCounts,
    private readonly runtimes: Pick<ProcessRuntimes, 'reports'>,
    private readonly times: RecordingTimes,
    private readonly parts: Pick<RecordingParts, 'readBpfNs' | 'symbolizer'>,
  ) {
    this.bpfNsAtStart = parts.readBpfNs();
  }

  /** Of each tracer, in the table's order. */
  progress(): TracerProgress[] {
    return this.tracers.map(({ tracer: { id, unit } }, i) => {
      const running = this.capture?.running[i];
      const { count, waiting = 0, lost } = running?.progress() ?? { count: 0, lost: 0 };
      return { id, unit, count: count + waiting, lost, ...(running?.missing ? { missing: running.missing } : {}) };
    });
  }

  /** The same with what each shows while it runs. */
  liveProgress(): TracerProgress[] {
    return this.progress().map((one, i) => {
      const live = this.capture?.running[i]?.live?.();
      return live === undefined ? one : { ...one, live };
    });
  }

  /** What has been counted, of all tracers together: 0 where there is nothing to keep. Before the capture is there, of the samples. */
  count(): number {
    if (!this.capture) return this.stacks.samples;
    return this.capture.running.reduce((sum, tracer) => sum + tracer.progress().count, 0);
  }

  /** Those that wait for their stacks included. */
  samples(): number {
    return this.stacks.samples + (this.capture?.counters().waiting ?? 0);
  }

  health(): Health {
    const counters = this.capture?.counters();
    const bpfNs = this.parts.readBpfNs();
    const cpu = process.cpuUsage(this.cpuAtStart);
    return {
      samples: this.stacks.samples,
      lost: counters?.lost ?? 0,
      losses: lossesOf(counters, this.stacks.samplesWithoutStack),
      truncated: { ...this.stacks.profiles[0].truncated },
      ringFill: counters?.ringFill ?? 0,
      helperCpuMs: (cpu.user + cpu.system) / 1000,
      helperRssBytes: process.memoryUsage.rss(),
      bpfNs: counters?.bpfNs ?? (bpfNs !== null ? bpfNs - (this.bpfNsAtStart ?? 0) : null),
      badFiles: this.parts.symbolizer.badFiles(),
      unnamedFiles: this.unnamedFiles,
      runtimes: this.runtimes.reports(),
    };
  }

  head(complete: boolean, stopReason: StopReason): RecordingHead {
    const { options, targets, times } = this;
    const health = this.health();
    const running = this.capture?.running ?? [];
    const sections = this.tracers
      .map(({ tracer }, i) => [tracer.id, running[i]?.section()] as const)
      .filter(([, section]) => section !== undefined);
    return {
      tracerVersion: TRACER_VERSION,
      title: options.title,
      pid: targetPids(options.target)[0] ?? 0,
      command: targets?.command ?? '',
      cwd: targets?.cwd ?? null,
      startedAt: new Date(times.beganAtMs).toISOString(),
      durationMs: times.durationMs,
      beganNs: times.beganNs,
      complete,
      stopReason,
      kernel: release(),
      arch: arch(),
      attach: this.capture?.attach ?? [],
      ...Object.assign({}, ...running.map((tracer) => tracer.head?.())),
      children: 'pids' in options.target && options.target.children,
      lost: health.lost,
      firstSampleMs: times.firstSampleMs,
      health,
      errors: [...this.errors, ...running.flatMap(({ missing }) => missing ?? [])],
      tracers: this.progress(),
      ...(sections.length > 0 ? { sections: Object.fromEntries(sections) } : {}),
      timelines: running.flatMap((tracer) => tracer.timeline?.() ?? []),
    };
  }

  summary(stopReason: StopReason): RecordSummary {
    const health = this.health();
    const snapshot = this.stacks.snapshot();
    this.stacks.release();
    const running = this.capture?.running ?? [];
    const { command = '', cwd = null } = this.targets ?? {};
    const { top, ...samples } = stackSummary(snapshot, { command, cwd });
    return {
      ...samples,
      lost: health.lost,
      losses: health.losses,
      durationMs: this.times.durationMs,
      output: this.options.output,
      helper: {
        cpuMs: health.helperCpuMs,
        rssBytes: health.helperRssBytes,
        bpfNs: health.bpfNs,
        firstSampleMs: this.times.firstSampleMs,
      },
      attach: this.capture?.attach ?? [],
      stopReason,
      badFiles: health.badFiles,
      unnamedFiles: health.unnamedFiles,
      runtimes: health.runtimes,
      tracers: this.progress().map((one, i) => {
        const summary = running[i]?.summary?.();
        return summary === undefined ? one : { ...one, summary };
      }),
      top,
    };
  }

  /** In the words of the first tracer, which is the one that was asked for first of all. */
  whyEmpty(exited: boolean): ErrorReport {
    const { target } = this.options;
    const first = this.capture?.running[0];
    if (!first) return errorReport('NOTHING_RECORDED_QUIET', this.tracers.map(({ tracer }) => tracer.unit).join(', '));
    return first.whyEmpty({
      target,
      exited,
      spentMs: this.targets?.spentMs('pids' in target && target.startAtExec) ?? { user: 0, kernel: 0, children: 0 },
      counters: this.capture?.counters() ?? { taken: 0, lost: 0 },
    });
  }
}
