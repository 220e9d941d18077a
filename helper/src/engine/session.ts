// A recording's session in the kernel: loads objects with the maps that they share, reads the one ring, hands its records out by
// kind, and takes everything away again. It knows no tracer: those ask it for what they need (kernelSession.ts).

import { possibleCpuCount } from '../bpf/cpus';
import { native } from '../bpf/libbpf';
import { MappingRecords } from '../bpf/mappingRecords';
import { BpfObject, type TracerSettings } from '../bpf/object';
import { canViewNativeMemory, hasRingBuffer, hasTaskPtRegs, pidNamespaceInode } from '../bpf/probe';
import type { RecordSource } from '../bpf/recordSource';
import { programRunTime } from '../health/bpfStats';
import type { CallersRights } from '../process/callersRights';
import type { ProcessTable } from '../process/table';
import type { ProcessRecord } from '../process/types';
import { type AttachStep, MAX_FRAMES_DEFAULT, type RecordTarget } from '../protocol';
import { CaptureStream } from './captureStream';
import { CpuWatch } from './cpuWatch';
import { FollowedProcesses } from './followedProcesses';
import { type KernelCounters, NO_COUNTS, readKernelCounters } from './kernelCounters';
import type { CpuUser, KernelSession, SessionTargets, StackOptions } from './kernelSession';
import { RecordKinds, type TakeRecord } from './recordKinds';
import { openRing, planRing, prepareRing, RECORDS_MAP, type RingPlan, ringStep } from './ring';
import { StackEngine, type StackFiles } from './stackEngine';
import type { TargetMap } from './targetMap';
import type { CaptureSink } from './types';

export interface SessionOptions {
  target: RecordTarget;
  rights: CallersRights | null;
  stackFiles: StackFiles;
  /** Is kept current by the session. */
  processes: ProcessTable;
  /** What all tracers together expect to send. */
  ringBytesPerSecond: (cpus: number) => number;
  without: readonly string[];
}

/** Once around. */
const eventLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Session implements KernelSession {
  readonly attach: AttachStep[] = [];
  /** `attach` is final. Never rejects. */
  complete: Promise<void> = Promise.resolve();
  readonly target: RecordTarget;
  readonly targets: SessionTargets;
  /** Null where no tracer samples stacks. */
  stackEngine: StackEngine | null = null;
  private readonly stackFiles: StackFiles;
  readonly processes: ProcessTable;
  readonly without: ReadonlySet<string>;
  readonly possibleCpus = possibleCpuCount();
  readonly useRingBuffer: boolean;
  private readonly settings: TracerSettings;
  private readonly ring: RingPlan;
  private readonly mappings: MappingRecords;
  private mappingsRefused: string[] = [];
  private readonly kinds = new RecordKinds();
  private readonly objects: BpfObject[] = [];
  private readonly counted: { object: BpfObject; program: string }[] = [];
  private readonly processTakers: ((record: ProcessRecord) => void)[] = [];
  private readonly earlyTakers: ((record: ProcessRecord) => void)[] = [];
  private readonly laterActions: (() => void | Promise<void>)[] = [];
  private readonly besideActions: { what: string; action: () => Promise<void> }[] = [];
  private readonly regularActions: (() => void)[] = [];
  private readonly cpus = new CpuWatch();
  private readonly followed: FollowedProcesses;
  private source: RecordSource | null = null;
  private stream: CaptureStream | null = null;
  private closed = false;
  private lastCounters: KernelCounters = NO_COUNTS;

  constructor(
    options: SessionOptions,
    /** Told of processes after the tracers. */
    readonly sink: CaptureSink,
  ) {
    const { target, rights } = options;
    this.target = target;
    this.targets =
      'pids' in target
        ? { pids: target.pids, children: target.children, startAtExec: target.startAtExec, rights }
        : { pids: [], children: false, startAtExec: false, rights };
    this.stackFiles = options.stackFiles;
    this.processes = options.processes;
    this.without = new Set(options.without);
    native();
    this.useRingBuffer = !this.without.has('ringbuf') && hasRingBuffer();
    const zeroCopy = !this.without.has('zerocopy') && canViewNativeMemory();
    const machine = { useRingBuffer: this.useRingBuffer, zeroCopy, cpus: this.possibleCpus };
    this.ring = planRing(options.ringBytesPerSecond(this.possibleCpus), options.without, machine);
    this.mappings = new MappingRecords(zeroCopy);
    this.settings = {
      useRingBuffer: this.useRingBuffer,
      keepRaw: false,
      countKernel: true,
      useTaskPtRegs: !this.without.has('task_pt_regs') && hasTaskPtRegs(),
      followChildren: this.targets.children,
      pidNsInode: pidNamespaceInode(),
      maxFrames: MAX_FRAMES_DEFAULT,
      rights: this.targets.rights,
    };
    this.followed = new FollowedProcesses(this, (record) => this.tell(record));
  }

  // ---- objects ----

  load(name: string, setUp: (object: BpfObject) => void = () => {}, settings: Partial<TracerSettings> = {}): BpfObject {
    const object = new BpfObject(name);
    try {
      object.configure({ ...this.settings, ...settings });
      setUp(object);
      prepareRing(object, this.ring);
      object.shareMaps(this.objects);
      object.load();
    } catch (error) {
      object.close();
      throw error;
    }
    this.objects.push(object);
    this.followed.look(object);
    if (!this.stream && object.hasMap(RECORDS_MAP)) this.open(object);
    return object;
  }

  unload(object: BpfObject): void {
    object.detachAll();
    const at = this.objects.indexOf(object);
    // The ring is read through the first one.
    if (at > 0) this.objects.splice(at, 1)[0].close();
  }

  /** Of the map with this name in any loaded object; null: none has it. */
  mapFd(name: string): number | null {
    return this.objects.find((object) => object.hasMap(name))?.mapFd(name) ?? null;
  }

  countRunTime(object: BpfObject, program: string): void {
    this.counted.push({ object, program });
  }

  /** Mapping records before any others: the code that a record tells of is then always known. */
  private open(object: BpfObject): void {
    this.source = openRing(object, this.ring);
    this.stream = new CaptureStream({
      source: this.source,
      mappings: this.mappings,
      targets: () => this.followed.map,
      processes: this.processes,
      kinds: this.kinds,
      before: (record) => {
        for (const take of this.earlyTakers) take(record);
      },
      process: (record) => this.tell(record),
      failed: (error) => this.sink.failed(error),
      intervalMaxMs: this.ring.intervalMaxMs,
      afterDrain: () => this.afterDrain(),
      isRefused: this.followed.isRefused,
    });
    this.mappingsRefused = this.openMappings();
    this.onCpus({
      online: (cpu) => void (this.mappings.active && this.mappings.addCpu(cpu)),
      offline: (cpu) => this.mappings.removeCpu(cpu),
    });
    this.stream.start();
  }

  private openMappings(): string[] {
    if (this.without.has('mmaprecords')) return ['switched off'];
    const refused = new Set<string>();
    for (let cpu = 0; cpu < this.possibleCpus; cpu++) {
      const why = this.mappings.addCpu(cpu);
      if (why !== null && why !== 'ENODEV') refused.add(why);
    }
    return [...refused];
  }

  stacks(options: StackOptions): StackEngine {
    this.stackEngine ??= new StackEngine(this, options, this.stackFiles);
    return this.stackEngine;
  }

  // ---- records and processes ----

  on(kind: number, take: TakeRecord): void {
    this.kinds.on(kind, take);
  }

  onProcess(take: (record: ProcessRecord) => void): void {
    this.processTakers.push(take);
  }

  beforeProcess(take: (record: ProcessRecord) => void): void {
    this.earlyTakers.push(take);
  }

  onAdopted(take: (pid: number) => void): void {
    this.followed.onAdopted(take);
  }

  meet(pid: number, timeNs: number): void {
    this.stream?.meet(pid, timeNs);
  }

  bumpGeneration(pid: number): void {
    if (!this.closed) this.followed.map?.bumpGeneration(pid);
  }

  private tell(record: ProcessRecord): void {
    for (const take of this.processTakers) take(record);
    this.sink.process(record);
  }

  get targetMap(): TargetMap | null {
    return this.followed.map;
  }

  // ---- what comes after the first records ----

  later(action: () => void | Promise<void>): void {
    this.laterActions.push(action);
  }

  beside(what: string, action: () => Promise<void>): void {
    this.besideActions.push({ what, action });
  }

  /** Once all tracers have started. Throws TracerError where a held command could not be followed. */
  async attachRest(): Promise<void> {
    this.attach.push(ringStep(this.ring, [...this.without]), this.mappings.step(this.mappingsRefused));
    this.followed.addDescendants();
    for (const action of this.laterActions) {
      await action();
      await eventLoop();
    }
    if (this.targets.pids.length > 0) {
      this.followed.watch();
      // Those that came since.
      this.followed.addDescendants();
      await eventLoop();
    }
    this.complete = Promise.all(
      this.besideActions.map(({ what, action }) =>
        action().catch((error) => this.log('warn', `${what}: ${error instanceof Error ? error.message : error}`)),
      ),
    ).then(() => {});
  }

  regularly(action: () => void): void {
    this.regularActions.push(action);
  }

  onCpus(user: CpuUser): void {
    this.cpus.add(user);
  }

  private afterDrain(): void {
    for (const action of this.regularActions) action();
    this.cpus.update();
  }

  // ---- what is told of it ----

  report(step: AttachStep): void {
    this.attach.push(step);
  }

  log(level: 'debug' | 'warn', text: string): void {
    this.sink.log?.(level, text);
  }

  counters(): KernelCounters {
    const fd = this.closed ? null : this.mapFd('counters');
    if (fd !== null) this.lastCounters = readKernelCounters(fd, this.possibleCpus) ?? this.lastCounters;
    return this.lastCounters;
  }

  get ringFill(): number {
    return this.stream?.ringFill ?? 0;
  }

  get lostMappings(): number {
    return this.mappings.lost;
  }

  /** Met at the start with rights that the caller has not. */
  get refusedAtStart(): number {
    return this.followed.refusedAtStart;
  }

  runTimeNs(): number | null {
    if (this.closed) return null;
    return programRunTime(this.counted.map(({ object, program }) => object.programFd(program)))?.runTimeNs ?? null;
  }

  // ---- the end ----

  /** The last drain; no record comes after it. */
  drain(): void {
    this.stream?.stop();
    this.stream?.drain();
  }

  close(): void {
    if (this.closed) return;
    this.counters();
    this.closed = true;
    this.stream?.stop();
    this.stackEngine?.close();
    this.mappings.close();
    this.source?.close();
    this.source = null;
    for (const object of this.objects.splice(0).reverse()) object.close();
  }
}
