// Keeps the kernel's unwind tables current while a recording runs: which files the traced processes have mapped, their
// tables made in the background (what is on the CPU first), put into pages, named to the walker; given back when nobody
// needs them. Until a process's tables are there it is unwound by frame pointers. Called by engine/capture.ts, which tells
// of processes and stacks as they arrive. The first process's files are looked at before sampling begins: starting a thread
// and making tables takes longer than loading the programs that want them.

import { closeSync } from 'node:fs';
import type { StackRecord } from '../../abi/records';
import { openDebugFiles } from '../../elf/debugFiles';
import { closeFile, type MappedFile } from '../../process/files';
import type { Image } from '../../process/images';
import { type Code, Processes } from '../../process/processes';
import type { ProcessRecord } from '../../process/types';
import type { GoroutineLayout } from '../goroutines';
import { type CodeMapping, type PlacedCode, placeCode } from './code';
import { TableCompiler } from './compiler';
import type { PagePool } from './pages';
import { type CodeTargets, PublishedCode } from './published';
import { type PlacedTable, TablePlacer } from './tables';
import type { LoadedTable, TableRequest } from './worker';

/** A file's table stays for the next process that maps it. */
const UNUSED_KEPT_MS = 10_000;
/** A table that had to make room is not loaded again sooner. */
const EVICTED_REST_MS = 30_000;
const TIDY_INTERVAL_MS = 1_000;
/** Asked for at the same time, so that the thread that makes them need not wait for us. */
const IN_FLIGHT_MAX = 4;

type Subject = MappedFile | Image;

interface Table {
  subject: Subject;
  name: string;
  state: 'waiting' | 'loading' | 'loaded' | 'failed' | 'evicted';
  placed: PlacedTable | null;
  segments: LoadedTable['table']['segments'];
  baseAddress: number;
  isGo: boolean;
  goroutines: GoroutineLayout | null;
  /** Stacks seen in it. */
  hits: number;
  lastUsedMs: number;
}

export interface UnwindLoad {
  tables: number;
  rows: number;
  /** Kernel memory of all pages. */
  bytes: number;
  ceilingBytes: number;
  evicted: number;
  /** Tables that are still to be made, or to be shown to the walker. */
  waiting: number;
}

/** The kernel's side of it. */
interface Walker {
  pool: PagePool;
  placer: TablePlacer;
  published: PublishedCode;
}

export class UnwindLoader {
  private readonly processes = new Processes();
  private readonly compiler: TableCompiler;
  private readonly tables = new Map<Subject, Table>();
  private walker: Walker | null = null;
  private onWalker: (walker: Walker) => void = () => {};
  private readonly untilWalker = new Promise<Walker>((resolve) => {
    this.onWalker = resolve;
  });
  private readonly changed = new Set<number>();
  private readonly alive = new Set<number>();
  private inFlight = 0;
  private publishing: NodeJS.Immediate | null = null;
  private closed = false;
  private evicted = 0;
  private tidiedAtMs = 0;

  constructor(
    cacheDir: string | null,
    /** The user's own, as openDebugFiles takes them. */
    private readonly debugFolders: readonly string[],
    private readonly log: (level: 'debug' | 'warn', text: string) => void,
  ) {
    this.compiler = new TableCompiler(cacheDir);
  }

  /** Has the tables made of what the process has mapped by now. */
  prepare(pid: number): void {
    for (const code of this.processes.add(pid).maps.all) {
      const subject = subjectOf(code);
      if (subject) this.tableOf(subject);
    }
    this.loadMore();
  }

  /** From now on tables go to `pool`, and the walker hears of them by `targets`. Processes that were prepared are added anew. */
  attach(targets: CodeTargets, pool: PagePool): void {
    this.walker = { pool, placer: new TablePlacer(pool), published: new PublishedCode(targets) };
    this.onWalker(this.walker);
  }

  addProcess(pid: number): void {
    if (this.alive.has(pid)) return;
    this.alive.add(pid);
    // Read again where it was prepared: what was mapped before mapping records arrived.
    this.processes.executed(pid);
    this.changed.add(pid);
  }

  process(record: ProcessRecord): void {
    const { pid } = record;
    switch (record.kind) {
      case 'fork':
        this.alive.add(pid);
        this.processes.forked(pid, record.parentPid);
        if (!this.walker?.published.inherit(pid, record.parentPid)) this.changed.add(pid);
        return;
      case 'exec':
        this.alive.add(pid);
        this.walker?.published.withdraw(pid);
        this.processes.executed(pid);
        this.changed.add(pid);
        return;
      case 'mmap':
        if (!this.alive.has(pid)) return;
        this.processes.mapped(pid, record.mapping);
        this.changed.add(pid);
        return;
      case 'refused':
      case 'exit':
        this.alive.delete(pid);
        this.changed.delete(pid);
        this.walker?.published.letGo(pid);
        this.processes.release(pid);
    }
  }

  /** What is on the CPU is loaded first. */
  stack({ pid, user }: StackRecord): void {
    const now = performance.now();
    for (let i = 0; i < user.length; i++) {
      const code = this.processes.codeAt(pid, user[i]);
      const subject = code && subjectOf(code);
      const table = subject && this.tables.get(subject);
      if (!table) continue;
      table.hits++;
      table.lastUsedMs = now;
    }
  }

  /** After each drain of the kernel's records. */
  update(): void {
    if (this.closed) return;
    this.publishChanged();
    this.loadMore();
    const now = performance.now();
    if (now - this.tidiedAtMs < TIDY_INTERVAL_MS) return;
    this.tidiedAtMs = now;
    void this.tidy(now);
  }

  state(): UnwindLoad {
    let [tables, rows, waiting] = [0, 0, 0];
    for (const { placed, state } of this.tables.values()) {
      if (state === 'waiting' || state === 'loading') waiting++;
      if (!placed) continue;
      tables++;
      rows += placed.rowCount;
    }
    if (this.publishing) waiting++;
    const { heldBytes = 0, ceilingBytes = 0 } = this.walker?.pool ?? {};
    return { tables, rows, bytes: heldBytes, ceilingBytes, evicted: this.evicted, waiting };
  }

  close(): void {
    this.closed = true;
    if (this.publishing) clearImmediate(this.publishing);
    this.compiler.close();
    this.processes.releaseAll();
    const { files, jit } = this.processes.takeUnused(() => false);
    for (const file of files) closeFile(file);
    for (const { fd } of jit) closeSync(fd);
    this.walker?.pool.close();
  }

  /** Tells the walker of the mappings of processes and of the tables there are; nothing of one that has no table. */
  private publishChanged(): void {
    if (!this.walker) return;
    const { pool, published } = this.walker;
    const placed: { pid: number; code: PlacedCode | null }[] = [];
    for (const pid of this.changed) if (this.alive.has(pid)) placed.push({ pid, code: this.placeCodeOf(pid, pool) });
    this.changed.clear();
    const shown = pool.commit();
    for (const { pid, code } of placed) {
      if (code && shown) published.publish(pid, code);
      else {
        code?.release();
        published.withdraw(pid);
      }
    }
  }

  /** When all that waits in the event loop has been looked at: tables come in numbers, and showing them takes its time. */
  private publishSoon(): void {
    this.publishing ??= setImmediate(() => {
      this.publishing = null;
      this.publishChanged();
    });
  }

  private placeCodeOf(pid: number, pool: PagePool): PlacedCode | null {
    const mappings: CodeMapping[] = [];
    let loaded = false;
    for (const code of this.processes.codeOf(pid)) {
      const subject = subjectOf(code);
      const table = subject && this.tableOf(subject);
      if (table?.placed) loaded = true;
      const isGo = table?.isGo ?? false;
      const goroutines = table?.goroutines ?? null;
      mappings.push({ ...code, isGo, goroutines, table: table?.placed ? { ...table, placed: table.placed } : null });
    }
    return loaded ? placeCode(pool, mappings) : null;
  }

  private tableOf(subject: Subject): Table {
    let table = this.tables.get(subject);
    if (!table) {
      table = {
        subject,
        name: 'path' in subject ? subject.path : '[vdso]',
        state: 'fd' in subject && subject.fd === null ? 'failed' : 'waiting',
        placed: null,
        segments: [],
        baseAddress: 0,
        isGo: false,
        goroutines: null,
        hits: 0,
        lastUsedMs: performance.now(),
      };
      this.tables.set(subject, table);
    }
    return table;
  }

  /** That with the most stacks first. */
  private loadMore(): void {
    while (this.inFlight < IN_FLIGHT_MAX && !this.closed) {
      const next = this.nextWaiting();
      if (!next) return;
      this.inFlight++;
      void this.load(next).finally(() => {
        this.inFlight--;
        this.loadMore();
      });
    }
  }

  private async load(table: Table): Promise<void> {
    table.state = 'loading';
    const { subject } = table;
    try {
      const from =
        'bytes' in subject
          ? { bytes: subject.bytes }
          : { fileId: subject.id, fd: subject.fd ?? -1, sizeBytes: subject.sizeBytes };
      const loaded = await this.completed(subject, from, await this.compiler.request(from));
      this.keep(table, loaded, await this.untilWalker);
    } catch (error) {
      table.state = 'failed';
      this.log('debug', `unwind table of ${table.name}: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Where the file leaves code open that its debug file may know, with that. */
  private async completed(subject: Subject, from: TableRequest['from'], own: LoadedTable): Promise<LoadedTable> {
    if (!own.wants || !('path' in subject) || this.closed) return own;
    const found = openDebugFiles(subject, own.wants, () => this.processes.files.reserveId(), this.debugFolders);
    if (found.length === 0) return own;
    try {
      return await this.compiler.request(from, found);
    } finally {
      for (const { fd } of found) closeSync(fd);
    }
  }

  private nextWaiting(): Table | null {
    let best: Table | null = null;
    for (const table of this.tables.values())
      if (table.state === 'waiting' && (!best || table.hits > best.hits)) best = table;
    return best;
  }

  private keep(table: Table, { table: compiled, isGo, goroutines }: LoadedTable, { placer }: Walker): void {
    if (this.closed) return;
    for (const problem of compiled.problems) this.log('debug', `unwind table of ${table.name}: ${problem}`);
    let placed = placer.place(compiled);
    while (!placed && this.evictOne(table)) placed = placer.place(compiled);
    if (!placed) {
      table.state = 'failed';
      this.log('warn', `no room for the unwind table of ${table.name}`);
      return;
    }
    Object.assign(table, { state: 'loaded', placed, isGo, goroutines });
    table.segments = compiled.segments;
    table.baseAddress = compiled.baseAddress;
    this.usersHaveChanged(table);
    this.publishSoon();
  }

  private usersHaveChanged(table: Table): void {
    for (const pid of this.alive)
      if (this.processes.codeOf(pid).some((code) => subjectOf(code) === table.subject)) this.changed.add(pid);
  }

  /** Takes back the table that was on stacks the longest ago. */
  private evictOne(spare: Table): boolean {
    let oldest: Table | null = null;
    for (const table of this.tables.values())
      if (table.placed && table !== spare && (!oldest || table.lastUsedMs < oldest.lastUsedMs)) oldest = table;
    if (!oldest) return false;
    this.evicted++;
    this.unload(oldest, 'evicted');
    return true;
  }

  private unload(table: Table, state: Table['state']): void {
    const { placed } = table;
    Object.assign(table, { state, placed: null, lastUsedMs: performance.now() });
    // First nobody names it any more.
    this.usersHaveChanged(table);
    this.publishChanged();
    placed?.release();
  }

  private async tidy(now: number): Promise<void> {
    const used = new Set<Subject>();
    for (const pid of this.alive)
      for (const code of this.processes.codeOf(pid)) {
        const subject = subjectOf(code);
        if (subject) used.add(subject);
      }
    for (const [subject, table] of this.tables) {
      if (used.has(subject)) {
        if (table.state === 'evicted' && now - table.lastUsedMs > EVICTED_REST_MS) table.state = 'waiting';
        continue;
      }
      if (table.state === 'loading' || now - table.lastUsedMs < UNUSED_KEPT_MS) continue;
      table.placed?.release();
      this.tables.delete(subject);
    }
    const { files, jit } = this.processes.takeUnused((id) =>
      [...this.tables.keys()].some((subject) => subject.id === id),
    );
    for (const file of files) closeFile(file);
    for (const { fd } of jit) closeSync(fd);
    this.walker?.pool.trim();
  }
}

function subjectOf(code: Code): Subject | null {
  if ('file' in code) return code.file;
  return 'image' in code ? code.image : null;
}
