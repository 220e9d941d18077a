// From the kernel's buffers to the sink, on a timer: BPF records and perf's mapping records put in one order of time.
//
// Order: the ring's end is fixed first, then the mapping records are read, then the ring up to that end. Whatever a
// sample needs to be understood (its process's fork, exec, mappings) happened before it, so it is then at hand, and
// goes to the sink first.

import { decodeProcess, kindOf, timeNsOf } from '../abi/decode';
import { EVENT_KIND } from '../abi/events.gen';
import type { Words } from '../abi/words';
import type { MappingRecords } from '../bpf/mappingRecords';
import type { RecordSource } from '../bpf/recordSource';
import type { ProcessTable } from '../process/table';
import type { ProcessRecord } from '../process/types';
import type { RecordKinds } from './recordKinds';
import type { TargetMap } from './targetMap';

/**
 * A wake-up of Node's event loop on a busy machine costs 0.3 ms, whatever there is to do: rarely where little comes, often
 * where a buffer could fill, and where processes come and go (their files are opened as their records arrive).
 */
const INTERVAL_MIN_MS = 5;
const INTERVAL_START_MS = 10;
export const INTERVAL_MAX_MS = 250;
const INTERVAL_GROWTH = 1.25;
/** Of the fullest buffer, to be found at a drain. */
const WANTED_FILL = 0.1;

export interface StreamParts {
  source: RecordSource;
  mappings: MappingRecords;
  /** null: no object asks for targets. */
  targets(): TargetMap | null;
  processes: ProcessTable;
  kinds: RecordKinds;
  /** Before the process table hears of it. */
  before(record: ProcessRecord): void;
  process(record: ProcessRecord): void;
  /** A drain failed; there are no more. */
  failed(error: Error): void;
  intervalMaxMs: number;
  /** After each drain: what else wants a regular look, without a timer of its own. */
  afterDrain(): void;
  /** Has a process rights that the caller has not, so that nothing may be told of it? */
  isRefused(pid: number): boolean;
}

const PROCESS_RECORDS = [EVENT_KIND.EVENT_FORK, EVENT_KIND.EVENT_EXEC, EVENT_KIND.EVENT_EXIT, EVENT_KIND.EVENT_REFUSED];

export class CaptureStream {
  private mappings: ProcessRecord[] = [];
  private nextMapping = 0;
  /**
   * By process whose exec perf told, when it did: the program is another user's, and BPF has yet to say from when on. Perf tells of an exec
   * before the new rights are taken (begin_new_exec() in fs/exec.c), BPF after: what is sampled in between is still the caller's.
   */
  private readonly refusing = new Map<number, number>();
  /** Those of the drain before. */
  private refusedLast: [pid: number, timeNs: number][] = [];
  private timer: NodeJS.Timeout | null = null;
  private intervalMs = INTERVAL_START_MS;
  private lastFill = 0;
  /** In the last drain. */
  private processesChanged = false;
  private stopped = false;

  constructor(private readonly parts: StreamParts) {
    const { processes, targets, kinds } = parts;
    processes.onForgotten((pid) => {
      if (!this.stopped) targets()?.deleteExited(pid);
    });
    for (const kind of PROCESS_RECORDS) kinds.on(kind, (words, at) => this.onProcess(words, at));
  }

  /** Fill of the buffer when it was last drained, 0..1. */
  get ringFill(): number {
    return this.lastFill;
  }

  start(): void {
    this.timer = setTimeout(() => {
      try {
        this.tick();
        this.start();
      } catch (error) {
        this.parts.failed(error instanceof Error ? error : new Error(String(error)));
      }
    }, this.intervalMs);
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private tick(): void {
    this.lastFill = this.parts.source.fill();
    const fill = Math.max(this.lastFill, this.parts.mappings.fill());
    this.processesChanged = false;
    this.drain();
    this.parts.afterDrain();
    const next = this.processesChanged
      ? Math.min(this.intervalMs, INTERVAL_START_MS)
      : this.intervalMs * Math.min(INTERVAL_GROWTH, WANTED_FILL / fill);
    this.intervalMs = Math.max(INTERVAL_MIN_MS, Math.min(this.parts.intervalMaxMs, next));
  }

  /** Hands all that waits to the sink. */
  drain(): void {
    this.parts.source.snapshot();
    this.mappings = this.parts.mappings.drain(this.mayBeTarget);
    this.nextMapping = 0;
    this.parts.source.drain(this.onRecord);
    this.deliverMappings(Number.POSITIVE_INFINITY);
    this.refuseUntold();
    for (const pid of this.parts.processes.takeRemapped()) this.parts.targets()?.bumpGeneration(pid);
  }

  // A child's mappings can be read before its fork record is: which pids are ours is only known in order of time.
  private readonly mayBeTarget = (pid: number): boolean => pid > 0;

  private readonly onRecord = (words: Words, at: number): void => {
    const timeNs = timeNsOf(words, at);
    this.deliverMappings(timeNs);
    this.parts.kinds.hand(kindOf(words, at), words, at, timeNs);
  };

  /** A record came of this process: it is known from now on, also where its fork record found no room. */
  meet(pid: number, timeNs: number): void {
    if (!this.parts.processes.isKnown(pid)) this.deliver({ kind: 'fork', timeNs, pid, parentPid: 0 });
  }

  private onProcess(words: Words, at: number): void {
    const event = decodeProcess(words, at);
    if (!event) return;
    this.processesChanged = true;
    const { kind, timeNs, pid, parentPid, name } = event;
    if (kind === 'fork') this.deliver({ kind, timeNs, pid, parentPid });
    else if (kind === 'exit') this.exited(pid, timeNs);
    else if (kind === 'refused') this.refuse(pid, timeNs);
    // BPF saw a program that is the caller's: it has hidden itself since.
    else if (this.refusing.has(pid)) this.refuse(pid, timeNs);
    else if (!this.parts.mappings.active) this.deliver({ kind, timeNs, pid, name });
    // Else perf's record of the exec has told it already, before the new program's mappings: the tracepoint fires after.
  }

  private deliverMappings(untilNs: number): void {
    for (; this.nextMapping < this.mappings.length; this.nextMapping++) {
      const record = this.mappings[this.nextMapping];
      if (record.timeNs > untilNs) return;
      if (!this.parts.processes.isAlive(record.pid)) continue;
      this.processesChanged = true;
      if (record.kind === 'exec' && this.parts.isRefused(record.pid)) this.refusing.set(record.pid, record.timeNs);
      // Of its program's mappings none is kept.
      if (this.refusing.has(record.pid)) continue;
      this.deliver(record);
    }
  }

  /** BPF's own record of it is in the ring by the next drain, unless there was no room for it. */
  private refuseUntold(): void {
    for (const [pid, timeNs] of this.refusedLast) if (this.refusing.get(pid) === timeNs) this.refuse(pid, timeNs);
    this.refusedLast = [...this.refusing];
  }

  private exited(pid: number, timeNs: number): void {
    this.refusing.delete(pid);
    this.deliver({ kind: 'exit', timeNs, pid });
  }

  /** What of its mappings is still to come is then not kept. */
  private refuse(pid: number, timeNs: number): void {
    this.refusing.delete(pid);
    if (this.parts.processes.isAlive(pid)) this.deliver({ kind: 'refused', timeNs, pid });
  }

  private deliver(record: ProcessRecord): void {
    this.parts.before(record);
    this.parts.processes.record(record);
    this.parts.process(record);
  }
}
