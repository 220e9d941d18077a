// What a client asks of a recording: of what, by which tracers, and where it goes. Shapes alone; the helper checks them
// (params.ts, and each tracer its own options).

import type { ErrorReport } from './errors';

/** What is recorded. Processes are numbered as the helper's PID namespace does. */
export type RecordTarget =
  | {
      /** At least one, at most MAX_TARGETS. */
      pids: number[];
      /** Those that they start, too. */
      children: boolean;
      /** The process (one alone) waits in a held launcher: counting starts at its next exec. */
      startAtExec: boolean;
    }
  | { interface: string }
  /** Absolute path of a network namespace's file. */
  | { netns: string }
  | { everything: true; except: number[] };

export type TargetKind = 'processes' | 'interface' | 'netns' | 'everything';

export const MAX_TARGETS = 64;

export function targetKind(target: RecordTarget): TargetKind {
  if ('pids' in target) return 'processes';
  if ('interface' in target) return 'interface';
  return 'netns' in target ? 'netns' : 'everything';
}

/** Of processes: which; of everything else: none. */
export const targetPids = (target: RecordTarget): readonly number[] => ('pids' in target ? target.pids : []);

export const MAX_FRAMES_DEFAULT = 127;
/** EVENTS_MAX_USER_FRAMES of bpf/events.h. */
export const MAX_FRAMES_MOST = 1023;

/** CPU time by samples. */
export interface CpuOptions {
  /** Samples a second and CPU, 1..4999. */
  frequencyHz: number;
  /** Time in the kernel, too. */
  kernel: boolean;
  /** Deepest user stack, 1..MAX_FRAMES_MOST frames (MAX_FRAMES_DEFAULT); kernels without bpf_loop take no more than the default. */
  maxFrames?: number;
}

/** HTTP requests by route. */
export interface HttpOptions {
  /** Last numbers of addresses are left out. */
  truncateAddresses?: boolean;
  /** Which requests are counted; left out: all. */
  filter?: HttpFilter;
  /** Of TLS connections, whose plaintext is read; left out: auto. */
  plaintext?: 'auto' | 'all' | 'none';
  /** Folders, absolute, in whose sources the handlers of routes are looked for; left out: the processes' working directories. */
  sources?: string[];
  /** While it runs all rows are told, not only those with most requests. */
  allRowsLive?: boolean;
}

/** One of each kind must fit, where the kind is given. */
export interface HttpFilter {
  pids?: number[];
  /** The server's: of incoming requests the local one, of outgoing calls the peer's. */
  ports?: number[];
  methods?: string[];
  /** What the path begins with, as it was sent. */
  path?: string;
  minLatencyMs?: number;
}

/** Packets by flow. */
export interface FlowOptions {
  /** Where received packets are met: at TC, which disturbs nothing; or at XDP, generic or in the driver, which may reset its queues. */
  ingress?: 'tc' | 'generic' | 'native';
  /** What is counted, as the command line has it (helper/src/flow/filter.ts); one of them has to fit. */
  filter?: string[];
  /** One packet in so many, after the first ones of each direction; 0 or left out: each. */
  sampleEvery?: number;
}

/** Options of the tracers that this product's clients know by name. */
export interface TracerOptions {
  cpu: CpuOptions;
  http: HttpOptions;
  flows: FlowOptions;
}

/** By id: the tracers that record, with their options. At least one. */
export type ChosenTracers = { [Id in keyof TracerOptions]?: TracerOptions[Id] } & { [id: string]: unknown };

export interface RecordOptions {
  target: RecordTarget;
  tracers: ChosenTracers;
  /** null: until stopped or the processes exit. */
  durationMs: number | null;
  /** Absolute path of the speedscope file; written atomically, mode 0600, valid at every moment. */
  output: string;
  /** Name shown for the recording: the command or process name. */
  title: string;
  /** Confirmed by the user: the process belongs to somebody else. */
  anyUser: boolean;
  /** Test and diagnosis switch: features to do without, e.g. ['ringbuf', 'zerocopy']. */
  without: string[];
  /** Folders of the user's with debug files, absolute; see the helper's elf/debugFiles.ts for their layouts. */
  debugFileDirectories?: string[];
  /** debuginfod servers that the user allows to be asked (http or https). Default: none, and no network. */
  debuginfodUrls?: string[];
  /** When the user asked (epoch, ms; for the CLI its own execve): firstSampleMs counts from here. Default: record/start. */
  requestedAtMs?: number;
}

/** What one tracer of a recording has so far. */
export interface TracerProgress {
  id: string;
  /** What `count` counts, in the plural: samples, execs. */
  unit: string;
  count: number;
  /** Met, but not arrived. */
  lost: number;
  /** Why there is nothing of it, although others of the same recording could be attached. */
  missing?: ErrorReport;
  /** In progress alone: what the tracer shows while it runs. */
  live?: unknown;
}
