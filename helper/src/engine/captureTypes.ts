// What a recording asks of a capture: tracers that run together in one session of the kernel, from their start to their end.

import type { CallersRights } from '../process/callersRights';
import type { ProcessTable } from '../process/table';
import type { AttachStep, RecordTarget } from '../protocol';
import type { ProcessRuntimes } from '../runtimes/processRuntimes';
import type { ChosenTracer, RunningTracer } from './tracer';
import type { CaptureCounters, CaptureSink } from './types';

export interface CaptureOptions {
  target: RecordTarget;
  /** In the order in which they start. */
  tracers: readonly ChosenTracer[];
  /** Is kept current by the capture. */
  processes: ProcessTable;
  /** Of those processes: the capture tells it of files and of the kernel's side. Left out: one of the capture's own. */
  runtimes?: ProcessRuntimes;
  /** Whose processes are traced; null or left out: everybody's. */
  rights?: CallersRights | null;
  /** For unwind tables from run to run; null or left out: none. */
  cacheDir?: string | null;
  /** Where separate debug files may lie besides the system's places (RecordOptions). */
  debugFileDirectories?: string[];
  without: string[];
  /** /proc/kallsyms as root opened it, read by nobody else; left out or null: open it oneself. */
  kallsymsFd?: number | null;
}

export interface Capture {
  readonly attach: AttachStep[];
  /** `attach` is final: what is loaded while samples come already is there, or was refused. Never rejects. */
  readonly complete: Promise<void>;
  /** In the order of CaptureOptions.tracers. */
  readonly running: readonly RunningTracer[];
  /** A process's code changed in a way only user space knows (its perf map grew): old stacks no longer match. */
  bumpGeneration(pid: number): void;
  counters(): CaptureCounters;
  /** Drains what is left, then detaches and unloads everything; `atOnce`: without walking stacks that wait for tables. */
  stop(atOnce?: boolean): Promise<void>;
}

/** Attaches; samples may arrive before the promise resolves. Throws TracerError. */
export type StartCapture = (options: CaptureOptions, sink: CaptureSink) => Promise<Capture>;
