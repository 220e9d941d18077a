// From the kernel's buffers to the sink, on a timer: BPF records and perf's mapping records put in one order of time.
// Called by capture.ts.
//
// Order: the ring's end is fixed first, then the mapping records are read, then the ring up to that end. Whatever a
// sample needs to be understood (its process's fork, exec, mappings) happened before it, so it is then at hand, and
// goes to the sink first.

import { decodeProcess, decodeStack, kindOf, SampleDecoder, timeNsOf } from '../abi/decode';
import { EVENT_KIND } from '../abi/events.gen';
import type { Words } from '../abi/words';
import type { MappingRecords } from '../bpf/mappingRecords';
import type { RecordSource } from '../bpf/recordSource';
import type { ProcessTable } from '../process/table';
import type { ProcessRecord } from '../process/types';
import { RawSample } from '../unwind/raw/rawSample';
import type { TargetMap } from './targetMap';
import type { CaptureSink } from './types';

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

export interface StreamSink extends CaptureSink {
  /** A sample whose stack is still to be walked. */
  raw(sample: RawSample): void;
  /** Before the process table hears of it. */
  before(record: ProcessRecord): void;
}

/** arm64 signs return addresses. */
const SIGNED_ADDRESSES = process.arch === 'arm64';

export class CaptureStream {
  private readonly samples = new SampleDecoder();
  private mappings: ProcessRecord[] = [];
  private nextMapping = 0;
  private timer: NodeJS.Timeout | null = null;
  private intervalMs = INTERVAL_START_MS;
  private lastFill = 0;
  /** In the last drain. */
  private processesChanged = false;
  private stopped = false;

  constructor(
    private readonly source: RecordSource,
    private readonly mappingRecords: MappingRecords,
    private readonly targets: TargetMap,
    private readonly processes: ProcessTable,
    private readonly sink: StreamSink,
    private readonly intervalMaxMs: number,
    /** After each drain: what else wants a regular look, without a timer of its own. */
    private readonly afterDrain: () => void,
    /** Has a process rights that the caller has not, so that nothing may be told of it? */
    private readonly isRefused: (pid: number) => boolean,
  ) {
    processes.onForgotten((pid) => {
      if (!this.stopped) targets.deleteExited(pid);
    });
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
        this.sink.failed(error instanceof Error ? error : new Error(String(error)));
      }
    }, this.intervalMs);
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private tick(): void {
    this.lastFill = this.source.fill();
    const fill = Math.max(this.lastFill, this.mappingRecords.fill());
    this.processesChanged = false;
    this.drain();
    this.afterDrain();
    const next = this.processesChanged
      ? Math.min(this.intervalMs, INTERVAL_START_MS)
      : this.intervalMs * Math.min(INTERVAL_GROWTH, WANTED_FILL / fill);
    this.intervalMs = Math.max(INTERVAL_MIN_MS, Math.min(this.intervalMaxMs, next));
  }

  /** Hands all that waits to the sink. */
  drain(): void {
    this.source.snapshot();
    this.mappings = this.mappingRecords.drain(this.mayBeTarget);
    this.nextMapping = 0;
    this.source.drain(this.onRecord);
    this.deliverMappings(Number.POSITIVE_INFINITY);
    for (const pid of this.processes.takeRemapped()) this.targets.bumpGeneration(pid);
  }

  // A child's mappings can be read before its fork record is: which pids are ours is only known in order of time.
  private readonly mayBeTarget = (pid: number): boolean => pid > 0;

  private readonly onRecord = (words: Words, at: number): void => {
    const timeNs = timeNsOf(words, at);
    this.deliverMappings(timeNs);
    const kind = kindOf(words, at);
    if (kind === EVENT_KIND.EVENT_SAMPLE) this.sink.sample(this.samples.decode(words, at));
    else if (kind === EVENT_KIND.EVENT_STACK) {
      const stack = decodeStack(words, at);
      this.mustBeKnown(stack.pid, timeNs);
      this.sink.stack(stack);
    } else if (kind === EVENT_KIND.EVENT_RAW_SAMPLE) {
      const raw = new RawSample(words, at, SIGNED_ADDRESSES);
      this.mustBeKnown(raw.pid, timeNs);
      this.sink.raw(raw);
    } else this.onProcess(words, at);
  };

  /** It is not where its fork record found no room. */
  private mustBeKnown(pid: number, timeNs: number): void {
    if (!this.processes.isKnown(pid)) this.deliver({ kind: 'fork', timeNs, pid, parentPid: 0 });
  }

  private onProcess(words: Words, at: number): void {
    const event = decodeProcess(words, at);
    if (!event) return;
    this.processesChanged = true;
    const { kind, timeNs, pid, parentPid, name } = event;
    if (kind === 'fork') this.deliver({ kind, timeNs, pid, parentPid });
    else if (kind === 'exit') this.deliver({ kind, timeNs, pid });
    else if (kind === 'refused') this.refuse(pid, timeNs);
    else if (!this.mappingRecords.active) this.deliver({ kind, timeNs, pid, name });
    // Else perf's record of the exec has told it already, before the new program's mappings: the tracepoint fires after.
  }

  private deliverMappings(untilNs: number): void {
    for (; this.nextMapping < this.mappings.length; this.nextMapping++) {
      const record = this.mappings[this.nextMapping];
      if (record.timeNs > untilNs) return;
      if (!this.processes.isAlive(record.pid)) continue;
      this.processesChanged = true;
      // Perf tells of a program before BPF says that it is another user's.
      if (record.kind === 'exec' && this.isRefused(record.pid)) {
        this.refuse(record.pid, record.timeNs);
        continue;
      }
      this.deliver(record);
    }
  }

  /** What of its mappings is still to come is then not kept. */
  private refuse(pid: number, timeNs: number): void {
    if (this.processes.isAlive(pid)) this.deliver({ kind: 'refused', timeNs, pid });
  }

  private deliver(record: ProcessRecord): void {
    this.sink.before(record);
    this.processes.record(record);
    this.sink.process(record);
  }
}
