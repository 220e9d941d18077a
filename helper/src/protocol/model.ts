// The nouns that helper, command line, extension and webview share: processes, health, the machine check, and what is told
// of a recording. Shapes. Shares are fractions 0..1; every number's unit is in its name.

import type { TracerProgress } from './recordOptions';

// ---- processes -------------------------------------------------------------------------------------------------

export type Runtime =
  | 'native'
  | 'go'
  | 'rust'
  | 'python'
  | 'node'
  | 'jvm'
  | 'dotnet'
  | 'ruby'
  | 'php'
  | 'perl'
  | 'bun'
  | 'deno'
  | 'pypy'
  | 'unknown';

/** A language runtime that the helper has a plug-in for, or will have. */
export type RuntimeId = Exclude<Runtime, 'native' | 'rust' | 'unknown'>;

/** Whose a function is. `runtime`: of the interpreter or the standard library. */
export type FrameOrigin = 'user' | 'library' | 'runtime' | 'kernel';

/** How far a runtime can be read in a process. */
export type RuntimeState =
  /** It is not set up yet, or still looked at. */
  | { status: 'waiting' }
  /** Its functions stand in stacks by name. */
  | { status: 'named' }
  /** It is there, but stacks show its native frames alone: why, and what can be done about it (null: nothing). Plain sentences. */
  | { status: 'nativeOnly'; reason: string; fix: string | null };

/** Processes of a recording with the same runtime in the same state. */
export type RuntimeReport = RuntimeState & {
  runtime: RuntimeId;
  version: string | null;
  processes: number;
  /** What went wrong with single frames or processes of this runtime, in plain words, and how often. */
  problems: { why: string; count: number }[];
};

export interface ProcessInfo {
  pid: number;
  ppid: number;
  uid: number;
  user: string;
  runtime: Runtime;
  /** Stacks of it show native frames alone: its runtime cannot be read yet, and it writes no perf map. Older helpers do not say. */
  nativeOnly?: boolean;
  /** Short name (comm). */
  name: string;
  /** Command line, arguments joined by single spaces. Empty for a kernel thread. */
  command: string;
  cwd: string | null;
  /** Container id (12 hex digits) with the engine before it where it is known: `docker:3f2a…`. */
  container: string | null;
  listeningPorts: number[];
  /** Controlling terminal's device number, 0 for none: groups a terminal's children. */
  tty: number;
  startTimeMs: number;
}

// ---- health and attach ladder -----------------------------------------------------------------------------------

/** One rung taken or refused, e.g. {what: 'sampling', taken: 'perf_event cpu-clock', refused: [...]}. */
export interface AttachStep {
  what: string;
  /** The rung in use, null where none could be attached. */
  taken: string | null;
  refused: { rung: string; why: string }[];
}

/** Reasons why a walk ended before its thread's entry. */
export type TruncationReason =
  | 'noFramePointer'
  | 'tooDeep'
  | 'badAddress'
  | 'noUnwindInfo'
  | 'unreadableStack'
  | 'unexpressible'
  | 'code32Bit'
  /** Its tables were still being made, and it could not be kept until then. */
  | 'tablesNotReady'
  /** Through code made at run time, which nothing describes. */
  | 'jitCode'
  /** Through a file whose unwind information was taken out. */
  | 'stripped'
  /** Through a file that could not be opened or read. */
  | 'unreadableFile'
  | 'unknown';

/** What a recording lacks besides lost samples and stacks that were cut off: all 0 in a good one. */
export interface Losses {
  /** Fork, exec and exit records without room: processes may be missing, or have another program's names. */
  processRecords: number;
  /** Records of mapped code without room, of any process of the machine: code may be without names. */
  mappingRecords: number;
  /** Samples in the kernel, where that was to be left out. */
  filteredSamples: number;
  /** Children that were not followed: too many processes at once. */
  unfollowedProcesses: number;
  /** Unwind tables that had to make room for others. */
  evictedTables: number;
  /** Looks into a runtime that a sample asked for and that its walker was not there for: the runtime's frames are missing. */
  skippedRuntimeWalks: number;
  /** Samples whose stack never came. */
  samplesWithoutStack: number;
  /** Processes that were started with rights that the caller has not (sudo, set-user-id), and the samples not taken of them. */
  refusedProcesses: number;
  refusedSamples: number;
}

export interface UnnamedFile {
  path: string;
  /** Of the recording, 0..1: samples in functions of it without a name. */
  share: number;
  /** What would name them: a package with debug symbols, a debuginfod server; null: it was built on this machine. */
  from: { package: string | null; server: string | null } | null;
}

export interface Health {
  samples: number;
  /** Samples the kernel took for us that did not arrive (ring full). */
  lost: number;
  /** Recordings of older versions do not know. */
  losses?: Losses;
  /** Samples whose user stack is not whole, by reason. */
  truncated: Partial<Record<TruncationReason, number>>;
  /** Fill of the ring when it was last drained, 0..1. */
  ringFill: number;
  helperCpuMs: number;
  helperRssBytes: number;
  /** Run time of all our BPF programs so far, from bpf_stats; null where the kernel does not count it. */
  bpfNs: number | null;
  /** Files whose symbols could not be read, and why. A bad file costs only its own names. */
  badFiles: { path: string; why: string }[];
  /** Files that have functions without names, those with most samples first; at the end of a recording, older ones do not know. */
  unnamedFiles?: UnnamedFile[];
  /** Language runtimes of the targets. Recordings of older versions do not know. */
  runtimes?: RuntimeReport[];
}

// ---- check ----------------------------------------------------------------------------------------------------

export interface CheckItem {
  id: string;
  title: string;
  status: 'ok' | 'degraded' | 'missing' | 'unknown';
  detail: string;
  fix: string | null;
}
export interface CheckReport {
  kernel: string;
  arch: string;
  items: CheckItem[];
  attach: AttachStep[];
}

// ---- recording -------------------------------------------------------------------------------------------------

/** `running`: it goes on, or its helper died before it could say how it ended. */
export type StopReason = 'running' | 'stopped' | 'duration' | 'exited' | 'helperDied' | 'diskFull' | 'error';

/** What an execution context is: what a thread works for while it does not work for itself. */
export const CONTEXT_KINDS = ['goroutine', 'task'] as const;
export type ContextKind = (typeof CONTEXT_KINDS)[number];

/** A key for each kind of execution context that there was: the kind's name in the plural. */
export type ContextSummaries = { [Kind in ContextKind as `${Kind}s`]?: ContextSummary };

export interface FunctionCount {
  name: string;
  file: string | null;
  /** First line of the function where it is known. */
  line: number | null;
  /** Whose it is; left out: not known, or not asked for. */
  origin?: FrameOrigin;
  self: number;
  total: number;
}

/** What `record --json` prints. */
export interface RecordSummary extends ContextSummaries {
  samples: number;
  lost: number;
  losses?: Losses;
  wholeStacks: number;
  truncated: Partial<Record<TruncationReason, number>>;
  symbolizedFrames: number;
  frames: number;
  durationMs: number;
  output: string;
  helper: { cpuMs: number; rssBytes: number; bpfNs: number | null; firstSampleMs: number | null };
  attach: AttachStep[];
  stopReason?: StopReason;
  /** As in Health. */
  badFiles?: Health['badFiles'];
  unnamedFiles?: UnnamedFile[];
  /** What each tracer found, and what it sums up beside the samples. */
  tracers?: (TracerProgress & { summary?: unknown })[];
  runtimes?: RuntimeReport[];
  top: FunctionCount[];
}

/** Of one kind of execution context: how many had a sample, and the one with the most (`share` of all samples, 0..1). */
export interface ContextSummary {
  seen: number;
  /** `name`: where it has one besides its id. */
  busiest: { pid: number; id: number; name?: string; share: number };
}
