// What a tracer is: something that a recording can be made of. Each is a folder and a line in the table (tracers.ts); progress,
// reasons for an empty recording, ring size, kept rights and the command line's options are asked of it there. The description is
// light, for whoever only reads arguments; what attaches is loaded by `start`.

import type { CapabilityName } from '../client/capabilities';
import type {
  ErrorReport,
  Metric,
  RecordingExtra,
  RecordSummary,
  RecordTarget,
  TargetKind,
  TimelineProfile,
} from '../protocol';
import type { KernelSession } from './kernelSession';
import type { CaptureCounters } from './types';

/** One option of a command, as --help tells of it. */
export interface CommandOption {
  /** Name of its value in the help; without one it is a switch. */
  value?: string;
  short?: string;
  repeatable?: boolean;
  help: string;
}

/** The values that the command line was given, by option; a switch has one empty text. */
export type GivenOptions = ReadonlyMap<string, readonly string[]>;

export interface Tracer<Options = unknown> {
  /** Names it on the command line, in the protocol and in files: lower case letters, digits and dashes. */
  readonly id: string;
  /** What it counts, in the plural, as progress and reports say it. */
  readonly unit: string;
  readonly help: string;
  /** What it can record. */
  readonly targets: readonly TargetKind[];
  /** Rights that it needs once the helper has dropped the others. */
  readonly capabilities: readonly CapabilityName[];
  /** Options of `record` that are its own, by their names without dashes. */
  readonly commandLine: Readonly<Record<string, CommandOption>>;
  /** Throws TracerError where a value makes no sense. */
  fromCommandLine(given: GivenOptions): Options;
  /** What a client sent, which may be anything. Throws TracerError. */
  check(options: unknown): Options;
  /** What its samples of stacks are counted in. None: it samples no stacks. */
  metrics(options: Options): Metric[];
  /** What it expects to send at the most, for the size of the ring. */
  ringBytesPerSecond(options: Options, cpus: number): number;
  /** Loads ahead what `start` needs. */
  preload(): Promise<unknown>;
  /** Attaches what its first record needs; the rest through `session.later`. Throws TracerError or BpfLoadError. */
  start(options: Options, session: KernelSession): Promise<RunningTracer>;
  /** For the command line's report: how much there is, e.g. `512 samples in 2.0 s at 99 Hz`. */
  headline(summary: RecordSummary, options: Options): string;
  /** Its part of that report, lines of text. */
  report(summary: RecordSummary, folder: string): string[];
  /** What follows the losses in the report. */
  remarks?(summary: RecordSummary, folder: string): string[];
}

/** A tracer whose options are checked. */
export interface ChosenTracer {
  readonly tracer: Tracer;
  readonly options: unknown;
}

/** What is known of a recording at its end, to explain why it holds nothing. */
export interface EndFacts {
  target: RecordTarget;
  exited: boolean;
  /** CPU time of the targets while they were recorded. */
  spentMs: { user: number; kernel: number; children: number };
  counters: Pick<CaptureCounters, 'taken' | 'lost' | 'refused'>;
}

export interface RunningTracer {
  /** Why it records nothing, while others of the same recording do; left out: it records. */
  readonly missing?: ErrorReport;
  /** `waiting`: met, and still to be counted. */
  progress(): { count: number; waiting?: number; lost: number };
  /** What it shows while it runs; left out: its count alone. */
  live?(): unknown;
  /** What it adds to the recording's file beside metrics, as JSON; undefined: nothing. */
  section(): unknown;
  /** What speedscope shows of it over time; left out or null: nothing. */
  timeline?(): TimelineProfile | null;
  /** What it adds to the summary; left out: nothing. */
  summary?(): unknown;
  /** What it tells in the file's head; left out: nothing. */
  head?(): Pick<RecordingExtra, 'frequencyHz' | 'kernelStacks'>;
  whyEmpty(facts: EndFacts): ErrorReport;
  /** Counting begins anew. */
  reset(): void;
  /** Nothing is met any more; what is in the ring is drained after this. */
  stop(): Promise<void> | void;
}
