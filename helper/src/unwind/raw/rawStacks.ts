// Samples that were kept raw, from their arrival until their stacks are walked: as soon as the tables of their process's code
// are there. A process may execute another program or exit before that, so its code is kept as it was; for those who name
// addresses it then lives on under a number that no process has. Bounded in number, memory and time: what waits too long
// is walked with what there is, and says so.

import type { SampleRecord, StackId, StackRecord } from '../../abi/records';
import type { Code } from '../../process/processes';
import type { ProcessTable } from '../../process/table';
import { FIRST_FORMER_PID, type RawFrame } from '../../process/types';
import type { TruncationReason } from '../../protocol';
import type { ProcessRuntimes, RuntimeCode } from '../../runtimes/processRuntimes';
import { CodeRules, type CodeTables } from './codeRules';
import type { RawSample } from './rawSample';
import { type Arch, walkRaw } from './walk';

/** Copies held at a time: some seconds of a busy machine. */
const MAX_BYTES = 32 << 20;
const MAX_SAMPLES = 8_192;
/** Tables take some hundred milliseconds; a file of gigabytes must not hold samples back for ever. */
const MAX_WAIT_MS = 10_000;
/** Stack ids of BPF's are below; here they are counted. */
const FIRST_STACK_ID = 1n << 64n;
const MAX_KNOWN_STACKS = 20_000;

/** The tables, as the loader has them. */
export interface RawTables extends CodeTables {
  codeOf(pid: number): readonly Code[];
  /** What of it is made by runtimes, by address. */
  runtimeCodeOf(pid: number): readonly RuntimeCode[];
  /** Has tables made of the code that has none; are all there, or known not to come? */
  areReady(code: readonly Code[]): boolean;
}

export interface RawSink {
  stack(record: StackRecord): void;
  sample(record: SampleRecord): void;
}

/** Samples of one program that a process ran. */
interface Waiting {
  samples: RawSample[];
  /** As the process table knows it. */
  pid: number;
  sinceMs: number;
  /** Samples up to then are of this code. */
  untilNs: number;
}

export class RawStacks {
  private readonly running = new Map<number, Waiting>();
  private former: Waiting[] = [];
  private samples = 0;
  private bytes = 0;
  private lastPid = FIRST_FORMER_PID;
  private lastStackId = FIRST_STACK_ID;
  private readonly known = new Map<string, StackId>();

  constructor(
    private readonly arch: Arch,
    private readonly maxFrames: number,
    /** Null: there are none, and never will be. */
    private readonly tables: () => RawTables | null,
    private readonly processes: Pick<ProcessTable, 'record'>,
    private readonly runtimes: Pick<ProcessRuntimes, 'labelOf'>,
    private readonly sink: RawSink,
  ) {}

  /** Samples whose stacks are still to be walked. */
  get waiting(): number {
    return this.samples;
  }

  add(raw: RawSample): void {
    // Taken on its way out of a program that it has left by now.
    const left = this.former.find(
      ({ samples: [first], untilNs }) =>
        first.pid === raw.pid && first.generation === raw.generation && raw.timeNs <= untilNs,
    );
    let waiting = left ?? this.running.get(raw.pid);
    if (!waiting) {
      waiting = { samples: [], pid: raw.pid, sinceMs: performance.now(), untilNs: Number.POSITIVE_INFINITY };
      this.running.set(raw.pid, waiting);
    }
    waiting.samples.push(raw);
    this.samples++;
    this.bytes += raw.sizeBytes;
    if (this.samples > MAX_SAMPLES || this.bytes > MAX_BYTES) this.walkAll();
  }

  /** Before the process table hears of its exec or exit: the addresses of what waits are of the program so far. */
  beforeEnd(pid: number, timeNs: number): void {
    this.setApart(pid, timeNs, Number.POSITIVE_INFINITY);
  }

  /** Before the process table hears that other code takes the place of some of its code: libraries may take turns there. */
  beforeRemap(pid: number, timeNs: number): void {
    this.setApart(pid, timeNs, timeNs);
  }

  private setApart(pid: number, timeNs: number, untilNs: number): void {
    // The same addresses may be other code from now on.
    this.known.clear();
    const waiting = this.running.get(pid);
    if (!waiting) return;
    this.running.delete(pid);
    if (this.isDue(waiting)) {
      this.walk(waiting);
      return;
    }
    const former = ++this.lastPid;
    this.processes.record({ kind: 'fork', timeNs, pid: former, parentPid: pid });
    this.former.push({ ...waiting, pid: former, untilNs });
  }

  /** To be called when tables may have come: walks what can be walked. */
  update(): void {
    if (this.samples === 0) return;
    for (const [pid, waiting] of this.running)
      if (this.isDue(waiting)) {
        this.running.delete(pid);
        this.walk(waiting);
      }
    this.former = this.former.filter((waiting) => {
      if (!this.isDue(waiting)) return true;
      this.walkFormer(waiting);
      return false;
    });
  }

  /** With what tables there are. */
  walkAll(): void {
    for (const waiting of this.running.values()) this.walk(waiting);
    this.running.clear();
    for (const waiting of this.former) this.walkFormer(waiting);
    this.former = [];
  }

  /** Without walking: the recording is given up. */
  forget(): void {
    for (const { samples } of [...this.running.values(), ...this.former]) for (const raw of samples) raw.wipe();
    this.running.clear();
    this.former = [];
    this.samples = 0;
    this.bytes = 0;
  }

  private isDue({ pid, sinceMs }: Waiting): boolean {
    const tables = this.tables();
    return !tables || tables.areReady(tables.codeOf(pid)) || performance.now() - sinceMs > MAX_WAIT_MS;
  }

  private walkFormer(waiting: Waiting): void {
    this.walk(waiting);
    this.processes.record({ kind: 'exit', timeNs: waiting.samples.at(-1)?.timeNs ?? 0, pid: waiting.pid });
  }

  private walk({ samples, pid }: Waiting): void {
    const tables = this.tables();
    const code = tables?.codeOf(pid) ?? [];
    const rules = new CodeRules(code, tables, tables?.runtimeCodeOf(pid));
    for (const raw of samples) {
      this.samples--;
      this.bytes -= raw.sizeBytes;
      const { timeNs, tid, cpu, threadName } = raw;
      const stackId = this.send(raw, pid, rules, tables !== null);
      const label = this.runtimes.labelOf(pid, raw.runtimeWords);
      this.sink.sample({ stackId, timeNs, pid: raw.pid, tid, cpu, metric: 'cpu', value: 1, label, threadName });
      raw.wipe();
    }
  }

  /** Hands the stack over where it is a new one. */
  private send(raw: RawSample, pid: number, rules: CodeRules, hasTables: boolean): StackId {
    const { frames, exact: exactFrames, end, firstGuess, missing } = walkRaw(this.arch, raw, rules, this.maxFrames);
    let truncated: TruncationReason | null = end;
    if (end !== null && isGuess(end)) {
      if (missing !== null && raw.isBeyondCopy(missing)) truncated = 'tablesNotReady';
      if (firstGuess !== null) truncated = (hasTables ? rules.causeAt(firstGuess) : 'noFramePointer') ?? truncated;
    }
    const key = `${pid} ${raw.generation} ${truncated} ${frames.join()} ${exactFrames.join()} ${raw.kernel.join()}`;
    let stackId = this.known.get(key);
    if (stackId === undefined) {
      if (this.known.size >= MAX_KNOWN_STACKS) this.known.clear();
      stackId = ++this.lastStackId;
      this.known.set(key, stackId);
      const { generation, kernel } = raw;
      const exact = [...raw.exactKernel, ...exactFrames.map((i) => kernel.length + i)];
      this.sink.stack({ stackId, pid, generation, kernel, user: frames, exact, truncated });
    }
    return stackId;
  }
}

/** Ends of walks that went astray, perhaps: the others say their cause themselves. */
const GUESSES = new Set<TruncationReason>([
  'noUnwindInfo',
  'noFramePointer',
  'badAddress',
  'unreadableStack',
  'unknown',
]);

export function isGuess(end: TruncationReason): boolean {
  return GUESSES.has(end);
}

/** Why a stack that BPF walked could not be followed to its end; null: not for want of a rule. */
export function causeOfCut(tables: RawTables | null, pid: number, user: readonly RawFrame[]): TruncationReason | null {
  return tables && new CodeRules(tables.codeOf(pid), tables, tables.runtimeCodeOf(pid)).causeOf(user);
}
