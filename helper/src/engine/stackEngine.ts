// Stacks of the targets, walked: loads the programs that walk them and the unwind tables that these want, takes the records of
// stacks and samples out of the ring, and hands them on whole. One a session, for all tracers that sample stacks.

import { decodeStack, SampleDecoder } from '../abi/decode';
import { EVENT_KIND } from '../abi/events.gen';
import type { SampleRecord, StackRecord } from '../abi/records';
import { ChunkMaps, chunkTemplate, hasMappableArrays } from '../bpf/chunkMaps';
import { kernelUnwindTables, useKernelUnwindTables } from '../bpf/kernelUnwind';
import {
  type LoadedTracer,
  loadEnding,
  loadKernelWalker,
  loadNativeWalker,
  loadRuntimeWalker,
  loadTracer,
  type NativeWalker,
  type WalkerObject,
} from '../bpf/nativeWalker';
import { BpfLoadError, type BpfObject } from '../bpf/object';
import type { AttachStep } from '../protocol';
import type { ProcessRuntimes } from '../runtimes/processRuntimes';
import { type UnwindLoad, UnwindLoader } from '../unwind/load/loader';
import { CHUNK_PAGES, PagePool } from '../unwind/load/pages';
import { RawSample } from '../unwind/raw/rawSample';
import { causeOfCut, isGuess, RawStacks } from '../unwind/raw/rawStacks';
import type { KernelSession, StackOptions, Stacks } from './kernelSession';
import { RuntimeMaps } from './runtimeMaps';

/** After a recording's end its last samples wait for their tables no longer. */
const TABLES_AT_END_MS = 3_000;
const TABLES_AT_END_POLL_MS = 5;

/** Kernel memory for unwind tables; a Chromium with all its libraries takes some 30 MB. */
const UNWIND_CEILING_BYTES = 128 << 20;

/** arm64 signs return addresses. */
const SIGNED_ADDRESSES = process.arch === 'arm64';

/** What the stacks of all tracers have in common. */
export interface StackFiles {
  /** For unwind tables from run to run; null: none. */
  cacheDir: string | null;
  /** Where separate debug files may lie besides the system's places. */
  debugFolders: string[];
  /** /proc/kallsyms as root opened it, read by nobody else; null: open it oneself. */
  kallsymsFd: number | null;
  /** Of the session's processes. */
  runtimes: ProcessRuntimes;
}

export class StackEngine implements Stacks {
  private readonly takers = new Map<string, (record: SampleRecord) => void>();
  private readonly samples = new SampleDecoder();
  private readonly mappableArrays: boolean;
  private readonly keepRaw: boolean;
  private readonly how: WalkerObject;
  private readonly raw: RawStacks;
  private unwind: UnwindLoader | null;
  private loaded: LoadedTracer | null = null;
  private walker: NativeWalker | null = null;
  private closed = false;

  /** First of all: a thread makes the tables while this one loads the programs. */
  constructor(
    private readonly session: KernelSession,
    private readonly options: StackOptions,
    private readonly files: StackFiles,
  ) {
    const { kernel, maxFrames } = options;
    const { processes } = session;
    this.mappableArrays = !session.without.has('mmaparrays') && hasMappableArrays();
    this.keepRaw = !session.without.has('rawsamples') && session.useRingBuffer;
    this.how = {
      settings: { keepRaw: this.keepRaw, maxFrames, countKernel: kernel },
      setUp: (object) => object.setInnerTemplate('unwind_chunks', chunkTemplate(CHUNK_PAGES, this.mappableArrays)),
    };
    this.unwind = this.prepareTables();
    const arch = process.arch === 'arm64' ? 'aarch64' : 'x86-64';
    this.raw = new RawStacks(arch, maxFrames, () => this.unwind, processes, files.runtimes, {
      stack: (record) => session.sink.stack(record),
      sample: (record) => this.sample(record),
    });
    this.listen();
  }

  /** The object whose programs sample. Throws BpfLoadError. */
  load(): BpfObject {
    this.loaded = loadTracer(this.session, this.how);
    for (const text of this.loaded.log) this.session.log('warn', text);
    return this.loaded.tracer;
  }

  /** Once samples come: everything that the first one does not need. */
  sampling(): void {
    const { session } = this;
    this.startLoadingTables();
    session.later(() => {
      session.report(this.rawStep());
      this.attachWalker();
    });
    session.beside('kernel stacks', () => this.walkKernelStacks());
  }

  /** Samples that wait until their stacks can be walked. */
  get waiting(): number {
    return this.raw.waiting;
  }

  /** null where only frame pointers are there. */
  unwinding(): UnwindLoad | null {
    return this.unwind?.state() ?? null;
  }

  onSample(metric: string, take: (record: SampleRecord) => void): void {
    this.takers.set(metric, take);
  }

  private sample(record: SampleRecord): void {
    this.takers.get(record.metric)?.(record);
  }

  private listen(): void {
    const { session } = this;
    session.on(EVENT_KIND.EVENT_SAMPLE, (words, at) => this.sample(this.samples.decode(words, at)));
    session.on(EVENT_KIND.EVENT_THREAD, (words, at) => this.samples.thread(words, at));
    session.on(EVENT_KIND.EVENT_STACK, (words, at, timeNs) => {
      const stack = decodeStack(words, at);
      session.meet(stack.pid, timeNs);
      this.unwind?.stack(stack);
      session.sink.stack(this.withCause(stack));
    });
    session.on(EVENT_KIND.EVENT_RAW_SAMPLE, (words, at, timeNs) => {
      const sample = new RawSample(words, at, SIGNED_ADDRESSES);
      session.meet(sample.pid, timeNs);
      this.unwind?.stack({ pid: sample.pid, user: [sample.instruction] });
      this.raw.add(sample);
      session.sink.taken(sample.timeNs);
    });
    session.beforeProcess((record) => {
      const { kind, pid, timeNs } = record;
      if (kind === 'exec' || kind === 'exit' || kind === 'refused') this.raw.beforeEnd(pid, timeNs);
      else if (kind === 'mmap' && session.processes.replacesCode(pid, record.mapping))
        this.raw.beforeRemap(pid, timeNs);
    });
    session.onProcess((record) => this.unwind?.process(record));
    session.onAdopted((pid) => this.unwind?.addProcess(pid));
    session.regularly(() => {
      this.files.runtimes.update();
      this.unwind?.update();
      this.raw.update();
    });
  }

  private prepareTables(): UnwindLoader {
    const { cacheDir, debugFolders, runtimes } = this.files;
    const { processes, targets, log } = this.session;
    const unwind = new UnwindLoader(processes, runtimes, { cacheDir, debugFolders, log: log.bind(this.session) });
    // A held launcher's own code is of no interest.
    if (!targets.startAtExec)
      for (const pid of targets.pids) {
        processes.add(pid);
        unwind.prepare(pid);
      }
    return unwind;
  }

  private startLoadingTables(): void {
    const { session, loaded } = this;
    const { targetMap, targets, processes } = session;
    if (!loaded || !targetMap) return;
    const chunks = new ChunkMaps(loaded.tracer.mapFd('unwind_chunks'), CHUNK_PAGES, this.mappableArrays);
    // Never told of tables, BPF sends every stack raw: so tests compare the two walks on equal stacks.
    const told = session.without.has('publishedtables') ? { setCode: () => false } : targetMap;
    this.unwind?.attach(told, new PagePool(chunks, UNWIND_CEILING_BYTES));
    if (!targets.startAtExec)
      for (const pid of targets.pids) {
        processes.reread(pid);
        this.unwind?.addProcess(pid);
      }
    this.unwind?.update();
  }

  private rawStep(): AttachStep {
    const rung = 'kept, walked when the tables are there';
    const why = this.session.useRingBuffer ? 'switched off' : 'needs the BPF ring buffer';
    return {
      what: 'stacks before tables',
      taken: this.keepRaw ? rung : 'frame pointers',
      refused: this.keepRaw ? [] : [{ rung, why }],
    };
  }

  /** The walk by tables, where it was not loaded with sample_stack. */
  private attachWalker(): void {
    if (!this.loaded) return;
    this.walker = loadNativeWalker(this.session, this.loaded, this.how);
    this.session.report(this.walker.step);
    for (const text of this.walker.log) this.session.log('warn', text);
    if (this.walker.walks) {
      this.files.runtimes.connect(new RuntimeMaps(this.session, this.runtimeWalkers()));
      return;
    }
    this.files.runtimes.disconnect();
    this.unwind?.close();
    this.unwind = null;
  }

  /** Walkers of runtimes are loaded when a process needs them; the first with what ends their samples. */
  private runtimeWalkers(): (object: string, runtime: number) => void {
    const { session, loaded, walker } = this;
    let ending = false;
    return (object, runtime) => {
      if (!loaded || !walker?.passes)
        throw new BpfLoadError('Loading it', 'the kernel has no tail calls beside functions', []);
      if (!ending) loadEnding(session, loaded, this.how);
      ending = true;
      loadRuntimeWalker(session, loaded, this.how, object, runtime);
    };
  }

  /** Kernel stacks by our own walk; the kernel's serves until then. */
  private async walkKernelStacks(): Promise<void> {
    const { session, options, loaded } = this;
    if (!options.kernel || !this.walker?.walks || !loaded) return;
    const step: AttachStep = { what: 'kernel stacks', taken: "the kernel's walk", refused: [] };
    session.report(step);
    const rung = "own walk by the kernel's tables";
    if (session.without.has('kernelwalk')) {
      step.refused.push({ rung, why: 'switched off' });
      return;
    }
    const tables = await kernelUnwindTables(this.files.kallsymsFd);
    if (this.closed) return;
    if (!tables) {
      step.refused.push({ rung, why: 'no ORC tables, or /proc/kallsyms does not tell where' });
      return;
    }
    try {
      loadKernelWalker(session, loaded, this.how);
      useKernelUnwindTables(loaded.tracer.mapFd('kernel_unwind'), tables);
      step.taken = rung;
    } catch (error) {
      if (!(error instanceof BpfLoadError)) throw error;
      step.refused.push({ rung, why: error.message });
      session.log('warn', [error.message, ...error.log].join('\n'));
    }
  }

  /** A stack that was cut where there is no rule says why there is none. */
  private withCause(record: StackRecord): StackRecord {
    const { truncated, pid, user } = record;
    if (truncated === 'tablesNotReady' && !this.unwind) return { ...record, truncated: 'noFramePointer' };
    const cause = truncated && isGuess(truncated) ? causeOfCut(this.unwind, pid, user) : null;
    return cause ? { ...record, truncated: cause } : record;
  }

  /** A program may end before its tables are made. */
  async walkLastStacks(): Promise<void> {
    const deadline = performance.now() + TABLES_AT_END_MS;
    this.raw.update();
    while (this.raw.waiting > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, TABLES_AT_END_POLL_MS));
      this.raw.update();
    }
    this.raw.walkAll();
  }

  /** Before the session's objects go. */
  close(): void {
    this.closed = true;
    this.files.runtimes.disconnect();
    this.raw.forget();
    this.unwind?.close();
    this.unwind = null;
  }
}
