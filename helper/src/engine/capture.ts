// Starts and ends the sampling of a process: loads stack_tracer.o, attaches it, then everything that is not needed for
// the first sample. Called by the session (recordings.ts) through the type StartCapture; the records go to its sink.

import { CAPTURE_COUNTERS } from '../abi/events.gen';
import type { StackRecord } from '../abi/records';
import { ChunkMaps, chunkTemplate, hasMappableArrays } from '../bpf/chunkMaps';
import { onlineCpus, possibleCpuCount } from '../bpf/cpus';
import { kernelUnwindTables, useKernelUnwindTables } from '../bpf/kernelUnwind';
import { native } from '../bpf/libbpf';
import { explainLoadError } from '../bpf/loadError';
import { MappingRecords } from '../bpf/mappingRecords';
import {
  type LoadedTracer,
  loadKernelWalker,
  loadNativeWalker,
  loadTracer,
  type NativeWalker,
} from '../bpf/nativeWalker';
import { BpfLoadError, type BpfObject, type TracerSettings } from '../bpf/object';
import { canViewNativeMemory, hasRingBuffer, hasTaskPtRegs, pidNamespaceInode } from '../bpf/probe';
import { attachProcessWatch, type ProcessWatch } from '../bpf/processWatch';
import { PerfBufferSource, type RecordSource, RingSource } from '../bpf/recordSource';
import { SamplingEvents } from '../bpf/samplingEvents';
import { programRunTime } from '../health/bpfStats';
import { rightsBeyond } from '../process/callersRights';
import { type AttachStep, MAX_FRAMES_DEFAULT, tracerError } from '../protocol';
import { UnwindLoader } from '../unwind/load/loader';
import { CHUNK_PAGES, PagePool } from '../unwind/load/pages';
import { causeOfCut, isGuess, RawStacks } from '../unwind/raw/rawStacks';
import { CaptureStream, INTERVAL_MAX_MS, type StreamSink } from './captureStream';
import { descendants } from './descendants';
import { TargetMap } from './targetMap';
import type { Capture, CaptureCounters, CaptureOptions, CaptureSink, StartCapture } from './types';

const RING_MIN_BYTES = 1 << 20;
const RING_MAX_BYTES = 16 << 20;
/** Two seconds of samples at this mean size: longer than any pause of the helper. Deeper stacks take more. */
const bytesPerSample = ({ maxFrames = MAX_FRAMES_DEFAULT }: CaptureOptions): number =>
  2 * 256 * Math.max(1, maxFrames / MAX_FRAMES_DEFAULT);

/** And a quarter of a second of raw samples at this size, of which half a ring is used at the most. */
const RAW_BYTES_PER_SAMPLE = 10_240;
const RAW_SECONDS = 0.25;
const RAW_RING_MOST_BYTES = 4 << 20;
/** After a recording's end its last samples wait for their tables no longer. */
const TABLES_AT_END_MS = 3_000;
const TABLES_AT_END_POLL_MS = 5;

/** Kernel memory for unwind tables; a Chromium with all its libraries takes some 30 MB. */
const UNWIND_CEILING_BYTES = 128 << 20;

/** CPUs come and go: in virtual machines, in sleep states, by the administrator. */
const CPU_CHECK_INTERVAL_MS = 1000;

/** Bytes of the ring: a power of two. `largering` in `without` makes it one page, so that tests see it overflow. */
function ringBytes(options: CaptureOptions, cpus: number): number {
  if (options.without.includes('largering')) return native().system.pageBytes;
  const raw = 2 * RAW_SECONDS * RAW_BYTES_PER_SAMPLE * options.frequencyHz * cpus;
  const wanted = options.frequencyHz * cpus * bytesPerSample(options) + Math.min(raw, RAW_RING_MOST_BYTES);
  return Math.min(RING_MAX_BYTES, Math.max(RING_MIN_BYTES, 2 ** Math.ceil(Math.log2(wanted))));
}

export const startCapture: StartCapture = async (options, sink) => {
  const capture = new StackCapture(options, sink);
  try {
    capture.attachSampling();
    await capture.attachRest();
    return capture;
  } catch (error) {
    capture.close();
    throw error;
  }
};

/** Once around. */
const eventLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class StackCapture implements Capture {
  readonly attach: AttachStep[] = [];
  complete: Promise<void> = Promise.resolve();
  private readonly loaded: LoadedTracer;
  private readonly tracer: BpfObject;
  private readonly events: SamplingEvents;
  private readonly settings: TracerSettings;
  private readonly ringBytes: number;
  private readonly zeroCopy: boolean;
  private readonly mappings: MappingRecords;
  private readonly cpuCount = possibleCpuCount();
  private lookedAtCpusMs = performance.now();
  private refusedAtStart = 0;
  private targets: TargetMap | null = null;
  private source: RecordSource | null = null;
  private stream: CaptureStream | null = null;
  private watch: ProcessWatch | null = null;
  private readonly mappableArrays: boolean;
  private kernelWalker: BpfObject | null = null;
  private walker: NativeWalker | null = null;
  private unwind: UnwindLoader | null = null;
  private readonly raw: RawStacks;
  private last: CaptureCounters = { lost: 0, ringFill: 0, bpfNs: null, taken: 0 };

  constructor(
    private readonly options: CaptureOptions,
    private readonly sink: CaptureSink,
  ) {
    const without = (feature: string) => options.without.includes(feature);
    native();
    const useRingBuffer = !without('ringbuf') && hasRingBuffer();
    this.settings = {
      useRingBuffer,
      keepRaw: !without('rawsamples') && useRingBuffer,
      countKernel: options.kernel,
      useTaskPtRegs: !without('task_pt_regs') && hasTaskPtRegs(),
      followChildren: options.children,
      pidNsInode: pidNamespaceInode(),
      maxFrames: options.maxFrames ?? MAX_FRAMES_DEFAULT,
      rights: options.rights ?? null,
    };
    this.ringBytes = ringBytes(options, this.cpuCount);
    this.zeroCopy = !without('zerocopy') && canViewNativeMemory();
    this.mappableArrays = !without('mmaparrays') && hasMappableArrays();
    this.mappings = new MappingRecords(this.zeroCopy);
    this.unwind = this.prepareTables();
    const arch = process.arch === 'arm64' ? 'aarch64' : 'x86-64';
    this.raw = new RawStacks(arch, this.settings.maxFrames, () => this.unwind, options.processes, sink);
    try {
      this.loaded = loadTracer(this.settings, (object) => this.prepareTracer(object), options.without);
    } catch (error) {
      this.unwind.close();
      throw this.explained(error);
    }
    this.tracer = this.loaded.tracer;
    for (const text of this.loaded.log) sink.log?.('warn', text);
    this.events = new SamplingEvents(this.tracer, 'sample_stack', options.frequencyHz, options.without);
  }

  private explained(error: unknown): Error {
    return explainLoadError(error, (level, text) => this.sink.log?.(level, text));
  }

  /** The shortest way to the first sample. */
  attachSampling(): void {
    this.source = this.openSource();
    this.targets = new TargetMap(this.tracer.mapFd('targets'), this.tracer.mapFd('targets_added'));
    this.targets.add(this.options.pid, this.options.startAtExec ? 'held' : 'active');
    // Half a ring of new stacks at the most.
    const halfFullMs =
      (1000 * this.ringBytes) / (this.options.frequencyHz * this.cpuCount * bytesPerSample(this.options));
    const intervalMaxMs = Math.min(INTERVAL_MAX_MS, halfFullMs);
    const { processes } = this.options;
    this.stream = new CaptureStream(
      this.source,
      this.mappings,
      this.targets,
      processes,
      this.ownSink(),
      intervalMaxMs,
      () => this.regularly(),
      this.isRefused,
    );
    processes.announce(this.options.pid);
    // Mapping records before samples: a sample's code is then always known.
    const refused = this.attachMappings();
    if (!this.events.attach()) {
      const why = this.events.step().refused.map(({ rung, why }) => `${rung}: ${why}`);
      throw tracerError('PERF_FORBIDDEN', why.join(', '));
    }
    this.stream.start();
    const buffer = this.settings.useRingBuffer ? 'BPF ring buffer' : 'perf buffers';
    this.attach.push(
      this.events.step(),
      {
        what: 'records',
        taken: `${buffer}, ${this.zeroCopy ? 'mapped' : 'copied'}`,
        refused: this.settings.useRingBuffer
          ? []
          : [
              {
                rung: 'BPF ring buffer',
                why: this.options.without.includes('ringbuf') ? 'switched off' : 'not in this kernel',
              },
            ],
      },
      this.mappings.step(refused),
      this.rawStep(),
    );
  }

  private rawStep(): AttachStep {
    const { keepRaw, useRingBuffer } = this.settings;
    const why = useRingBuffer ? 'switched off' : 'needs the BPF ring buffer';
    return {
      what: 'stacks before tables',
      taken: keepRaw ? 'kept, walked when the tables are there' : 'frame pointers',
      refused: keepRaw ? [] : [{ rung: 'kept, walked when the tables are there', why }],
    };
  }

  /**
   * What the first sample does not need. In between, the event loop takes what has come: samples, and tables, which are made
   * in a thread of their own meanwhile.
   */
  async attachRest(): Promise<void> {
    if (this.targets) this.startLoadingTables(this.targets);
    this.addDescendants();
    this.attachWalker();
    await eventLoop();
    this.attachWatch();
    // Those that came since.
    this.addDescendants();
    await eventLoop();
    this.complete = this.walkKernelStacks().catch((error) =>
      this.sink.log?.('warn', `kernel stacks: ${error instanceof Error ? error.message : error}`),
    );
  }

  private attachWatch(): void {
    this.watch = attachProcessWatch(
      this.settings,
      this.tracer,
      (object) => this.prepareEvents(object),
      this.options.without,
    );
    this.attach.push(this.watch.step);
    for (const text of this.watch.log) this.sink.log?.('warn', text);
    if (!this.watch.object && this.options.startAtExec)
      throw tracerError('KERNEL_NO_BPF', this.watch.step.refused.map(({ rung, why }) => `${rung}: ${why}`).join(', '));
  }

  /** Kernel stacks by our own walk; the kernel's serves until then. */
  private async walkKernelStacks(): Promise<void> {
    if (!this.options.kernel || !this.walker?.walks) return;
    const step: AttachStep = { what: 'kernel stacks', taken: "the kernel's walk", refused: [] };
    this.attach.push(step);
    const rung = "own walk by the kernel's tables";
    if (this.options.without.includes('kernelwalk')) {
      step.refused.push({ rung, why: 'switched off' });
      return;
    }
    const tables = await kernelUnwindTables(this.options.kallsymsFd ?? null);
    if (!this.targets) return;
    if (!tables) {
      step.refused.push({ rung, why: 'no ORC tables, or /proc/kallsyms does not tell where' });
      return;
    }
    try {
      this.kernelWalker = loadKernelWalker(this.tracer, this.settings, (object) => this.prepareEvents(object));
      useKernelUnwindTables(this.tracer.mapFd('kernel_unwind'), tables);
      step.taken = rung;
    } catch (error) {
      if (!(error instanceof BpfLoadError)) throw error;
      step.refused.push({ rung, why: error.message });
      this.sink.log?.('warn', [error.message, ...error.log].join('\n'));
    }
  }

  /** First of all: a thread makes the tables while this one loads the programs. */
  private prepareTables(): UnwindLoader {
    const { cacheDir, debugFileDirectories, pid, processes, startAtExec } = this.options;
    const unwind = new UnwindLoader(processes, {
      cacheDir: cacheDir ?? null,
      debugFolders: debugFileDirectories ?? [],
      log: (level, text) => this.sink.log?.(level, text),
    });
    // A held launcher's own code is of no interest.
    if (!startAtExec) {
      processes.add(pid);
      unwind.prepare(pid);
    }
    return unwind;
  }

  private startLoadingTables(targets: TargetMap): void {
    const chunks = new ChunkMaps(this.tracer.mapFd('unwind_chunks'), CHUNK_PAGES, this.mappableArrays);
    // Never told of tables, BPF sends every stack raw: so tests compare the two walks on equal stacks.
    const told = this.options.without.includes('publishedtables') ? { setCode: () => false } : targets;
    this.unwind?.attach(told, new PagePool(chunks, UNWIND_CEILING_BYTES));
    const { pid, processes, startAtExec } = this.options;
    if (!startAtExec) {
      processes.reread(pid);
      this.unwind?.addProcess(pid);
    }
    this.unwind?.update();
  }

  /** The walk by tables, where it was not loaded with sample_stack. */
  private attachWalker(): void {
    const prepare = (object: BpfObject) => this.prepareEvents(object);
    this.walker = loadNativeWalker(this.loaded, this.settings, prepare, this.options.without);
    this.attach.push(this.walker.step);
    for (const text of this.walker.log) this.sink.log?.('warn', text);
    if (this.walker.walks) return;
    this.unwind?.close();
    this.unwind = null;
  }

  /** The unwinder hears of everything that the session hears of. */
  private ownSink(): StreamSink {
    const { sink } = this;
    return {
      stack: (record) => {
        this.unwind?.stack(record);
        sink.stack(this.withCause(record));
      },
      sample: (record) => sink.sample(record),
      raw: (sample) => {
        this.unwind?.stack({ pid: sample.pid, user: [sample.instruction] });
        this.raw.add(sample);
        sink.taken?.(sample.timeNs);
      },
      before: (record) => {
        const { kind, pid, timeNs } = record;
        if (kind === 'exec' || kind === 'exit' || kind === 'refused') this.raw.beforeEnd(pid, timeNs);
        else if (kind === 'mmap' && this.options.processes.replacesCode(pid, record.mapping))
          this.raw.beforeRemap(pid, timeNs);
      },
      process: (record) => {
        this.unwind?.process(record);
        sink.process(record);
      },
      failed: (error) => sink.failed(error),
      log: (level, text) => sink.log?.(level, text),
    };
  }

  /** A stack that was cut where there is no rule says why there is none. */
  private withCause(record: StackRecord): StackRecord {
    const { truncated, pid, user } = record;
    if (truncated === 'tablesNotReady' && !this.unwind) return { ...record, truncated: 'noFramePointer' };
    const cause = truncated && isGuess(truncated) ? causeOfCut(this.unwind, pid, user) : null;
    return cause ? { ...record, truncated: cause } : record;
  }

  private prepareTracer(object: BpfObject): void {
    object.setInnerTemplate('unwind_chunks', chunkTemplate(CHUNK_PAGES, this.mappableArrays));
    this.prepareEvents(object);
  }

  private prepareEvents(object: BpfObject): void {
    if (this.settings.useRingBuffer) object.setMaxEntries('events', this.ringBytes);
    else object.usePerfBuffers('events', this.cpuCount);
  }

  private openSource(): RecordSource {
    const fd = this.tracer.mapFd('events');
    try {
      return this.settings.useRingBuffer
        ? new RingSource(fd, this.ringBytes, this.zeroCopy)
        : new PerfBufferSource(fd, Math.max(native().system.pageBytes, this.ringBytes / 8), this.zeroCopy);
    } catch (error) {
      throw tracerError('PERF_FORBIDDEN', `its buffer could not be mapped (${(error as Error).message})`);
    }
  }

  /** Has it rights that the caller has not? As BPF asks, where it could not yet. */
  private readonly isRefused = (pid: number): boolean => {
    const { rights } = this.options;
    return !!rights && rightsBeyond(pid, rights) !== null;
  };

  private attachMappings(): string[] {
    if (this.options.without.includes('mmaprecords')) return ['switched off'];
    const refused = new Set<string>();
    for (let cpu = 0; cpu < this.cpuCount; cpu++) {
      const why = this.mappings.addCpu(cpu);
      if (why !== null && why !== 'ENODEV') refused.add(why);
    }
    return [...refused];
  }

  /** Children that are there already; those to come are followed by BPF, once that is attached. */
  private addDescendants(): void {
    // A held launcher has none that count.
    if (!this.options.children || this.options.startAtExec) return;
    for (const { pid, parentPid } of descendants(this.options.pid)) {
      const refused = this.isRefused(pid);
      if (!this.targets?.add(pid, refused ? 'refused' : 'active')) continue;
      if (refused) {
        this.refusedAtStart++;
        continue;
      }
      this.options.processes.add(pid);
      this.unwind?.addProcess(pid);
      this.sink.process({ kind: 'fork', timeNs: Number(process.hrtime.bigint()), pid, parentPid });
    }
  }

  private regularly(): void {
    this.events.vary();
    this.unwind?.update();
    this.raw.update();
    const now = performance.now();
    if (now - this.lookedAtCpusMs < CPU_CHECK_INTERVAL_MS) return;
    this.lookedAtCpusMs = now;
    const online = new Set(onlineCpus());
    for (const cpu of this.events.cpus)
      if (!online.has(cpu)) {
        this.events.removeCpu(cpu);
        this.mappings.removeCpu(cpu);
      }
    const sampled = new Set(this.events.cpus);
    for (const cpu of online)
      if (!sampled.has(cpu)) {
        if (this.mappings.active) this.mappings.addCpu(cpu);
        this.events.addCpu(cpu);
      }
  }

  bumpGeneration(pid: number): void {
    this.targets?.bumpGeneration(pid);
  }

  counters(): CaptureCounters {
    if (!this.targets) return this.last;
    const value = Buffer.alloc(CAPTURE_COUNTERS.byteLength * this.cpuCount);
    const sums = {
      taken: 0,
      lost: 0,
      filtered: 0,
      unfollowed: 0,
      lostProcess: 0,
      refusedProcesses: 0,
      refusedSamples: 0,
    };
    const frames = { tableFrames: 0, tableMisses: 0, pointerFrames: 0 };
    const add = <Name extends keyof typeof CAPTURE_COUNTERS>(to: Partial<Record<Name, number>>, at: number) => {
      for (const name of Object.keys(to) as Name[])
        to[name] = (to[name] ?? 0) + Number(value.readBigUInt64LE(at + CAPTURE_COUNTERS[name]));
    };
    if (native().libbpf.lookup(this.tracer.mapFd('counters'), Buffer.alloc(4), value) >= 0)
      for (let at = 0; at < value.length; at += CAPTURE_COUNTERS.byteLength) {
        add(sums, at);
        add(frames, at);
      }
    const ringFill = this.stream?.ringFill ?? 0;
    const { tableFrames: byTable, tableMisses: missed, pointerFrames: byPointer } = frames;
    const { lostProcess: lostProcessRecords, refusedProcesses, refusedSamples, ...counted } = sums;
    this.last = {
      ...counted,
      lostProcessRecords,
      lostMappings: this.mappings.lost,
      refused: { processes: refusedProcesses + this.refusedAtStart, samples: refusedSamples },
      ringFill,
      bpfNs: this.runTimeNs(),
      waiting: this.raw.waiting,
      unwinding: this.unwind ? { ...this.unwind.state(), frames: { byTable, missed, byPointer } } : undefined,
    };
    return this.last;
  }

  private runTimeNs(): number | null {
    const programs = [this.tracer.programFd('sample_stack')];
    for (const program of this.watch?.object ? this.watch.programs : [])
      programs.push(this.watch?.object?.programFd(program) ?? -1);
    return programRunTime(programs)?.runTimeNs ?? null;
  }

  async stop(atOnce = false): Promise<void> {
    // The sink may end it from within a drain, at the target's exit: that drain ends first, then the memory goes.
    await null;
    if (!this.targets) return;
    for (const cpu of this.events.cpus) this.events.removeCpu(cpu);
    this.stream?.stop();
    this.stream?.drain();
    if (!atOnce) await this.walkLastStacks();
    this.counters();
    this.close();
  }

  /** A program may end before its tables are made. */
  private async walkLastStacks(): Promise<void> {
    const deadline = performance.now() + TABLES_AT_END_MS;
    this.raw.update();
    while (this.raw.waiting > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, TABLES_AT_END_POLL_MS));
      this.raw.update();
    }
    this.raw.walkAll();
  }

  close(): void {
    this.stream?.stop();
    this.raw?.forget();
    this.watch?.object?.close();
    this.unwind?.close();
    this.unwind = null;
    this.kernelWalker?.close();
    this.walker?.object?.close();
    this.mappings.close();
    this.source?.close();
    this.source = null;
    this.tracer.close();
    this.targets = null;
  }
}
