// The recording file, specified: `*.speedscope.json`, valid against speedscope's own schema, with all that is ours in one extra
// key, `ebpfTracer`. Readers take this version and older ones (upgradeRecording.ts), and refuse newer ones.
//
// Versions of `ebpfTracer.formatVersion`:
//   1  CPU samples of one process, all counts in samples, goroutines by a key of their own
//   2  a recording is a set of metrics: counts, lines, threads and execution contexts are kept for each of them

import type { ErrorReport } from './errors';
import type { AttachStep, ContextKind, FrameOrigin, Health, RuntimeId, StopReason, TruncationReason } from './model';
import type { TracerProgress } from './recordOptions';

/** A whole recording file, as far as this product reads it. speedscope's schema is the authority for the rest. */
export interface RecordingFile {
  $schema: 'https://www.speedscope.app/file-format-schema.json';
  shared: { frames: SpeedscopeFrame[] };
  profiles: SampledProfile[];
  name?: string;
  activeProfileIndex?: number;
  exporter?: string;
  ebpfTracer?: RecordingExtra;
}

export interface SpeedscopeFrame {
  name: string;
  file?: string;
  line?: number;
  col?: number;
}

export interface SampledProfile {
  type: 'sampled';
  name: string;
  unit: 'nanoseconds' | 'microseconds' | 'milliseconds' | 'seconds' | 'bytes' | 'none';
  startValue: number;
  endValue: number;
  /** Each a stack of frame indexes, outermost first. */
  samples: number[][];
  /** In `unit`. In our files a figure of the profile's metric times its period, see Metric. */
  weights: number[];
}

export type MetricUnit = 'nanoseconds' | 'bytes' | 'count';

/**
 * What is counted. A *figure* of a metric with a period is a number of samples, each of which stands for `period` of the unit; of
 * a metric without one it is a number of the unit itself, and was measured: it has no sampling error.
 */
export interface Metric {
  /** `cpu`, `off-cpu`, …: names it in files, on the command line and in the page. */
  id: string;
  unit: MetricUnit;
  period: number | null;
}

/** Figures by execution context, largest first. */
export interface ContextFigures {
  kind: ContextKind;
  top: {
    pid: number;
    id: number;
    /** What the program calls it; left out: nothing, or an old version. */
    name?: string;
    figure: number;
    /** Node of lineTree, figure that ended there, node, figure, … Nothing where lineTree is left out, less than all past a size limit. */
    nodes: number[];
  }[];
  /** Of those that are not in `top`. */
  otherFigure: number;
  /** How many there were. Left out by old versions. */
  seen?: number;
}

/** One line's figures: self = on top of the stack, total = anywhere in it, once a sample. */
export interface LineCount {
  file: string;
  line: number;
  self: number;
  total: number;
}

/** When, by whom and where each sample of a metric's merged profile was taken, in its order. */
export interface SampleTimes {
  /** Microseconds: of the first after the recording's start, of each other after the one before. In buckets: of a bucket's first. */
  afterUs: number[];
  /** Index of `threads`. */
  thread: number[];
  /** Node of lineTree. Left out with it. */
  node?: number[];
}

/** All that was counted of one metric. */
export interface MetricFigures extends Metric {
  /** Samples, or events where the metric has no period. */
  samples: number;
  /** Sum of all figures; the same as `samples` where the metric has a period. */
  total: number;
  /** Samples whose user stack reached its thread's entry, and the others by reason. */
  wholeStacks: number;
  truncated: Partial<Record<TruncationReason, number>>;
  /** Frames in all kept samples, and how many of them have a name. */
  frames: number;
  symbolizedFrames: number;
  /** By index of `threads`. */
  threads: number[];
  contexts: ContextFigures[];
  lines: LineCount[];
  /** By index of `shared.frames`: executed lines of this function with figures. */
  functionLines: [line: number, self: number, total: number][][];
  /** By node of lineTree: what ended there. Left out with lineTree. */
  treeSelf?: number[];
  /** Left out by old versions, and where the merged profile is not sample by sample. */
  timeline?: SampleTimes;
  /** Set once time order was given up within buckets of this length, so that a long recording stays small. */
  timeBucketMs?: number;
}

/** What a tracer shows in speedscope as a profile over time, beside its section: stretches one after the other, from `startNs` on. */
export interface TimelineProfile {
  name: string;
  frames: SpeedscopeFrame[];
  /** CLOCK_MONOTONIC. */
  startNs: number;
  /** Each a stack of indexes of `frames`, outermost first; empty: nothing. */
  samples: number[][];
  weightsNs: number[];
}

/** The `ebpfTracer` key beside speedscope's own. */
export interface RecordingExtra {
  formatVersion: number;
  tracerVersion: string;
  title: string;
  /** The first of the recorded processes; 0 where none was asked for. */
  pid: number;
  command: string;
  /** Working directory of the target: relative source paths start here. */
  cwd: string | null;
  startedAt: string;
  durationMs: number;
  /** CLOCK_MONOTONIC, when counting began: times of samples count from here, those of sections may be this clock's. Old versions keep none. */
  beganNs?: number;
  /** false while it is being recorded, or when the helper died in mid-recording. */
  complete: boolean;
  stopReason: StopReason;
  kernel: string;
  arch: string;
  attach: AttachStep[];
  /** Of the samples of CPU time; left out where none were asked for. */
  frequencyHz?: number;
  kernelStacks?: boolean;
  children: boolean;
  lost: number;
  firstSampleMs: number | null;
  health: Health;
  errors: ErrorReport[];
  /** Who recorded. Left out by old versions: the tracer of CPU time alone. */
  tracers?: TracerProgress[];
  /** By a tracer's id: what it found beside metrics, in a shape of its own. */
  sections?: { [id: string]: unknown };
  /** At least one; the first is what is shown first. */
  metrics: MetricFigures[];
  /**
   * What each of speedscope's `profiles` is of: a metric, and a thread or (null) all of them. Profiles beyond these are timelines of
   * tracers, for speedscope itself: our readers have sections and leave them out.
   */
  profiles: { metric: number; thread: number | null }[];
  threads: { tid: number; pid: number; name: string }[];
  /** By index of `shared.frames`: what speedscope's frame has no place for. */
  frameDetails: {
    /** Mapped file's name (`libfoo.so`), `[kernel]`, `[anon]`. */
    module: string;
    /** `user`: compiled into a file. `interpreted`, `jit`: run by a language runtime, see FrameKind. */
    kind: 'user' | 'kernel' | 'interpreted' | 'jit' | 'unknown';
    /** Whose it is, by the path of its source or its file; left out: not known. Older versions do not say. */
    origin?: FrameOrigin;
    /** Whose tables named it; left out: debug information or a symbol table. */
    runtime?: RuntimeId;
    /** Was inlined into the frame it is called by; its name ends in INLINED_SUFFIX. */
    inlined?: boolean;
    /** Full names with parameters and type arguments, one a line, where they say more than the frame's name. */
    fullName?: string;
  }[];
  /**
   * All stacks once more as one call tree by executed line, which `shared.frames` (one per function) cannot hold: node i is
   * `frame[i]` of shared.frames at `line[i]` (0: unknown or in another file), called from node `parent[i]` (-1: none), always with a
   * smaller index. Left out past a size limit.
   */
  lineTree?: { parent: number[]; frame: number[]; line: number[] };
  /** Source files seen, for staleness checks: what the debug information knows of their contents. */
  sources: { file: string; md5: string | null; binaryMtimeMs: number | null }[];
}

/**
 * Ends the names of functions that have no code of their own where they stand (as in perf's output): a frame's name in the
 * graph, in tables and in folded stacks. pprof has a way of its own to say it.
 */
export const INLINED_SUFFIX = ' (inlined)';
