// The language runtimes of one recording's processes: which are there, attached as soon as a file of theirs is recognized in a
// process, and let go with it. The engine tells it what files hold and lets it look after each drain; it tells BPF, unwinding and
// the naming of stacks what they need, and the recording how far each runtime can be read.

import { isDeepStrictEqual } from 'node:util';
import type { SampleLabel } from '../abi/records';
import type { ProcessTable } from '../process/table';
import { isFormerPid, type ProcessRecord } from '../process/types';
import type { ContextKind, RuntimeId, RuntimeReport } from '../protocol';
import { RUNTIMES } from '.';
import { AttachedRuntime, Problems } from './attachedRuntime';
import { ProcessMemory } from './processMemory';
import { type RecognizedFile, RecognizedFiles } from './recognizedFiles';
import type { MappedImage, MapValue, RuntimePlugin, RuntimeRange } from './types';

/** How often runtimes that are not set up yet are looked at. */
const REFRESH_INTERVAL_MS = 50;

/** Versions and reasons are few; those of a hostile target may be many. */
const MAX_REPORTS = 64;

/** BPF's side of it. */
export interface RuntimeKernel {
  /** Loads the plug-in's programs where it has some; null: they are there. Else why not, as a plain sentence. */
  load(plugin: RuntimePlugin): string | null;
  set(pid: number, runtime: number, values: readonly MapValue[]): void;
  delete(pid: number, runtime: number, maps: readonly string[]): void;
}

/** Code of a runtime, and RuntimePlugin's number. */
export type RuntimeCode = RuntimeRange & { runtime: number };

interface Known {
  runtimes: Map<RuntimeId, AttachedRuntime>;
  /** Of each runtime: the maps that BPF was told of. */
  maps: Map<RuntimeId, string[]>;
  /** Their code, by address. */
  ranges: RuntimeCode[];
  /** Something of its code or of a runtime's state is other than when it was looked at. */
  changed: boolean;
  /** All its files were looked into, and no runtime is still waited for. */
  settled: boolean;
}

export class ProcessRuntimes {
  private readonly known = new Map<number, Known>();
  private readonly files = new RecognizedFiles();
  private readonly problems = new Map<RuntimeId, Problems>();
  private readonly byNumber = new Map<number, RuntimePlugin>();
  private readonly refusedByKernel = new Map<RuntimeId, string | null>();
  private readonly rangesListeners: ((pid: number) => void)[] = [];
  /** Of processes that are not known any more. */
  private readonly past = new Map<string, RuntimeReport>();
  private readonly settledListeners: ((pid: number) => void)[] = [];
  private kernel: RuntimeKernel | null = null;
  /** Nothing will be recognized any more. */
  private isOver = false;
  private refreshedAtMs = 0;

  constructor(
    private readonly processes: ProcessTable,
    private readonly plugins: readonly RuntimePlugin[] = RUNTIMES,
  ) {
    for (const plugin of plugins) this.byNumber.set(plugin.number, plugin);
    processes.onRecord((record) => this.process(record));
    processes.onCodeFound((pid) => this.changedIn(pid));
    processes.onForgotten((pid) => this.letGo(pid));
  }

  // ---- for the engine ----

  /** What a mapped file holds, once a file. */
  recognized(file: object, recognized: RecognizedFile): void {
    if (this.files.knows(file)) return;
    this.files.add(file, recognized);
    if (recognized.images.length === 0) {
      for (const known of this.known.values()) if (!known.settled) known.changed = true;
      return;
    }
    for (const pid of this.processes.alive()) this.changedIn(pid);
    this.update();
  }

  /** From now on BPF can be told. */
  connect(kernel: RuntimeKernel): void {
    this.kernel = kernel;
    for (const known of this.known.values()) known.changed = true;
    this.update();
  }

  /** BPF is not there any more; what is known stays, for names that are still to come. */
  disconnect(): void {
    this.kernel = null;
    this.isOver = true;
    for (const [pid, known] of this.known) this.settle(pid, known);
  }

  /** To be called after each drain. */
  update(): void {
    const now = performance.now();
    const refresh = now - this.refreshedAtMs >= REFRESH_INTERVAL_MS;
    if (refresh) this.refreshedAtMs = now;
    for (const pid of this.processes.alive()) {
      if (isFormerPid(pid)) continue;
      const known = this.known.get(pid) ?? this.begin(pid);
      if (refresh)
        for (const runtime of known.runtimes.values()) if (runtime.state.status === 'waiting') runtime.refresh();
      if (known.changed) this.look(pid, known);
    }
  }

  /** Calls `listener` with each process whose rangesOf() are others than before. */
  onRangesChanged(listener: (pid: number) => void): void {
    this.rangesListeners.push(listener);
  }

  /**
   * Could a runtime still be found in it? Stacks that are named before that are to be named again when `onSettled` says so.
   */
  isSettled(pid: number): boolean {
    return this.isOver || (this.known.get(pid)?.settled ?? false);
  }

  onSettled(listener: (pid: number) => void): void {
    this.settledListeners.push(listener);
  }

  /** By address. */
  rangesOf(pid: number): readonly RuntimeCode[] {
    return this.known.get(pid)?.ranges ?? [];
  }

  // ---- for stacks ----

  /** What a thread worked for whose sample was kept raw, by the words that came with it. */
  labelOf(pid: number, words: readonly number[]): SampleLabel | null {
    for (const runtime of this.runtimesOf(pid)) {
      const label = runtime.rawLabel(words);
      if (label) return label;
    }
    return null;
  }

  contextName(pid: number, kind: ContextKind, id: number): string | null {
    for (const runtime of this.runtimesOf(pid)) {
      const name = runtime.contextName(kind, id);
      if (name !== null) return name;
    }
    return null;
  }

  runtimesOf(pid: number): AttachedRuntime[] {
    return [...(this.known.get(pid)?.runtimes.values() ?? [])];
  }

  /** Whose frame words have this number. */
  runtimeOf(pid: number, number: number): AttachedRuntime | null {
    const plugin = this.byNumber.get(number);
    return (plugin && this.known.get(pid)?.runtimes.get(plugin.id)) ?? null;
  }

  // ---- for the recording ----

  /** How far each runtime is read, over all processes so far. */
  reports(): RuntimeReport[] {
    const rows = new Map([...this.past].map(([key, row]) => [key, { ...row }]));
    for (const [pid, { runtimes }] of this.known) if (!isFormerPid(pid)) countStates(rows, runtimes.values());
    return [...rows.values()].map((row) => ({ ...row, problems: this.problemsOf(row.runtime) }));
  }

  close(): void {
    this.kernel = null;
    for (const pid of [...this.known.keys()]) this.letGo(pid);
  }

  // ---- parts ----

  private process(record: ProcessRecord): void {
    const { pid } = record;
    switch (record.kind) {
      case 'fork': {
        const parent = this.known.get(record.parentPid);
        if (isFormerPid(pid) && parent) this.keepFormer(pid, parent);
        // BPF walks it by its parent's data already: its first stacks may come in this very drain.
        else if (parent && !this.known.has(pid)) this.look(pid, this.begin(pid));
        return;
      }
      case 'exec':
        this.letGo(pid);
        return;
      case 'mmap':
        this.changedIn(pid);
        return;
      // Names of its last stacks are still to come: it is let go when the process table forgets it.
      case 'refused':
      case 'exit':
        this.untell(pid);
    }
  }

  /** A program that was left before its last stacks were walked. */
  private keepFormer(pid: number, { runtimes }: Known): void {
    for (const runtime of runtimes.values()) runtime.users++;
    this.known.set(pid, { runtimes: new Map(runtimes), maps: new Map(), ranges: [], changed: false, settled: true });
  }

  private begin(pid: number): Known {
    const known: Known = { runtimes: new Map(), maps: new Map(), ranges: [], changed: true, settled: false };
    this.known.set(pid, known);
    return known;
  }

  private changedIn(pid: number): void {
    const known = this.known.get(pid);
    if (known) known.changed = true;
  }

  private look(pid: number, known: Known): void {
    known.changed = false;
    for (const runtime of known.runtimes.values()) runtime.mappingsChanged();
    for (const mapped of this.files.imagesOf(this.processes.codeOf(pid))) {
      const plugin = this.plugins.find(({ id }) => id === mapped.image.runtime);
      if (plugin && !known.runtimes.has(plugin.id))
        known.runtimes.set(plugin.id, this.attach(pid, known, plugin, mapped));
    }
    for (const runtime of known.runtimes.values()) this.tell(pid, known, runtime);
    this.settle(pid, known);
    const ranges = rangesIn(known.runtimes.values());
    if (isDeepStrictEqual(ranges, known.ranges)) return;
    known.ranges = ranges;
    for (const listener of this.rangesListeners) listener(pid);
  }

  private settle(pid: number, known: Known): void {
    const before = known.settled;
    known.settled =
      this.isOver ||
      (this.processes.codeOf(pid).every((code) => !('file' in code) || this.files.knows(code.file)) &&
        [...known.runtimes.values()].every(({ state }) => state.status !== 'waiting'));
    if (known.settled && !before) for (const listener of this.settledListeners) listener(pid);
  }

  private attach(pid: number, known: Known, plugin: RuntimePlugin, mapped: MappedImage): AttachedRuntime {
    const problems = this.problems.get(plugin.id) ?? new Problems();
    this.problems.set(plugin.id, problems);
    const memory = new ProcessMemory(pid);
    const process = {
      pid,
      memory,
      code: () => this.processes.codeOf(pid),
      changed: () => {
        known.changed = true;
      },
      problem: (text: string) => problems.add(text),
    };
    return AttachedRuntime.attach(
      plugin,
      process,
      mapped,
      problems,
      () => memory.close(),
      () => this.processes.namesGeneratedCode(pid),
    );
  }

  private tell(pid: number, known: Known, runtime: AttachedRuntime): void {
    const { kernel } = this;
    const values = runtime.mapValues;
    if (!kernel) return;
    if (values.length > 0) runtime.kernelRefuses = this.loaded(kernel, runtime.plugin);
    const told = known.maps.get(runtime.id) ?? [];
    const wanted = runtime.kernelRefuses === null ? values : [];
    const names = wanted.map(({ map }) => map);
    const gone = told.filter((map) => !names.includes(map));
    if (gone.length > 0) kernel.delete(pid, runtime.plugin.number, gone);
    if (wanted.length > 0) kernel.set(pid, runtime.plugin.number, wanted);
    known.maps.set(runtime.id, names);
  }

  private loaded(kernel: RuntimeKernel, plugin: RuntimePlugin): string | null {
    let why = this.refusedByKernel.get(plugin.id);
    if (why === undefined) {
      why = kernel.load(plugin);
      this.refusedByKernel.set(plugin.id, why);
    }
    return why;
  }

  private untell(pid: number): void {
    const known = this.known.get(pid);
    if (!known) return;
    for (const [id, maps] of known.maps) {
      const plugin = known.runtimes.get(id)?.plugin;
      if (plugin && maps.length > 0) this.kernel?.delete(pid, plugin.number, maps);
    }
    known.maps.clear();
  }

  private letGo(pid: number): void {
    const known = this.known.get(pid);
    if (!known) return;
    this.untell(pid);
    this.known.delete(pid);
    if (!isFormerPid(pid)) countStates(this.past, known.runtimes.values());
    for (const runtime of known.runtimes.values()) runtime.letGo();
  }

  private problemsOf(id: RuntimeId): RuntimeReport['problems'] {
    return [...(this.problems.get(id)?.counts ?? [])].map(([why, count]) => ({ why, count }));
  }
}

function rangesIn(runtimes: Iterable<AttachedRuntime>): RuntimeCode[] {
  const found: RuntimeCode[] = [];
  for (const { plugin, ranges } of runtimes)
    for (const { start, end } of ranges) found.push({ start, end, runtime: plugin.number });
  return found.sort((a, b) => a.start - b.start);
}

function countStates(rows: Map<string, RuntimeReport>, runtimes: Iterable<AttachedRuntime>): void {
  for (const { id, version, state } of runtimes) {
    const key = JSON.stringify([id, version, state]);
    const row = rows.get(key);
    if (row) row.processes++;
    else if (rows.size < MAX_REPORTS) rows.set(key, { ...state, runtime: id, version, processes: 1, problems: [] });
  }
}
