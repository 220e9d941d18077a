// Keeps the kernel's unwind tables current while a recording runs: which files the traced processes have mapped, their
// tables (fileTables.ts), named to the walker; given back when nobody needs them. Until a process's tables are there it is
// unwound by frame pointers. The engine tells it of processes and stacks as they arrive. The first process's files are looked
// at before sampling begins: starting a thread and making tables takes longer than loading the programs that want them.

import type { StackRecord } from '../../abi/records';
import type { Code } from '../../process/processes';
import type { ProcessTable } from '../../process/table';
import type { ProcessRecord } from '../../process/types';
import type { ProcessRuntimes, RuntimeCode } from '../../runtimes/processRuntimes';
import { type CodeMapping, type CodeTable, type PlacedCode, placeCode } from './code';
import { FileTables, type Subject, type Table, type TableParts } from './fileTables';
import type { PagePool } from './pages';
import { type CodeTargets, PublishedCode } from './published';
import { TablePlacer } from './tables';

const TIDY_INTERVAL_MS = 1_000;

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
  published: PublishedCode;
}

export class UnwindLoader {
  private readonly tables: FileTables;
  private walker: Walker | null = null;
  /** Processes whose code is to be shown anew. */
  private readonly changed = new Set<number>();
  private publishing: NodeJS.Immediate | null = null;
  private closed = false;
  private tidiedAtMs = 0;

  constructor(
    private readonly processes: ProcessTable,
    private readonly runtimes: ProcessRuntimes,
    parts: Omit<TableParts, 'reserveId' | 'refuse' | 'recognized'>,
  ) {
    const { files } = processes;
    this.tables = new FileTables(
      {
        ...parts,
        reserveId: files.reserveId,
        refuse: (file, why) => files.refuse(file, why),
        recognized: (subject, recognized) => runtimes.recognized(subject, recognized),
      },
      {
        settled: (table) => {
          this.usersHaveChanged(table);
          this.publishSoon();
        },
        unloaded: (table) => {
          this.usersHaveChanged(table);
          this.publishChanged();
        },
      },
    );
    files.addReader(this.tables);
    processes.onCodeFound((pid) => this.changed.add(pid));
    runtimes.onRangesChanged((pid) => this.changed.add(pid));
  }

  /** Has the tables made of what the process has mapped by now. */
  prepare(pid: number): void {
    for (const code of this.processes.codeOf(pid)) {
      const subject = subjectOf(code);
      if (subject) this.tables.want(subject);
    }
    this.tables.loadMore();
  }

  /** From now on tables go to `pool`, and the walker hears of them by `targets`. */
  attach(targets: CodeTargets, pool: PagePool): void {
    this.walker = { pool, published: new PublishedCode(targets) };
    this.tables.attach(new TablePlacer(pool));
  }

  /** Its code is known by now, and not shown yet. */
  addProcess(pid: number): void {
    this.changed.add(pid);
  }

  /** The process table knows of it already. */
  process(record: ProcessRecord): void {
    const { pid } = record;
    switch (record.kind) {
      case 'fork':
        if (!this.walker?.published.inherit(pid, record.parentPid)) this.changed.add(pid);
        return;
      case 'exec':
        this.walker?.published.withdraw(pid, false);
        this.changed.add(pid);
        return;
      case 'mmap':
        this.changed.add(pid);
        return;
      case 'refused':
      case 'exit':
        this.changed.delete(pid);
        this.walker?.published.letGo(pid);
    }
  }

  /** What is on the CPU is loaded first. */
  stack({ pid, user }: Pick<StackRecord, 'pid' | 'user'>): void {
    const now = performance.now();
    for (const frame of user) {
      const code = typeof frame === 'number' ? this.processes.codeAt(pid, frame) : null;
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
    this.tables.loadMore();
    const now = performance.now();
    if (now - this.tidiedAtMs < TIDY_INTERVAL_MS) return;
    this.tidiedAtMs = now;
    this.tidy(now);
  }

  state(): UnwindLoad {
    const { tables, rows, waiting } = this.tables.counts();
    const { heldBytes = 0, ceilingBytes = 0 } = this.walker?.pool ?? {};
    const { evicted } = this.tables;
    return { tables, rows, bytes: heldBytes, ceilingBytes, evicted, waiting: waiting + (this.publishing ? 1 : 0) };
  }

  // ---- for walks in user space (unwind/raw) ----

  codeOf(pid: number): readonly Code[] {
    return this.processes.codeOf(pid);
  }

  runtimeCodeOf(pid: number): readonly RuntimeCode[] {
    return this.runtimes.rangesOf(pid);
  }

  /** Has tables made of the code that has none. True where all are there, or known not to come. */
  areReady(code: readonly Code[]): boolean {
    let ready = true;
    for (const one of code) {
      const subject = subjectOf(one);
      const table = subject && this.tables.want(subject);
      if (table?.state !== 'waiting' && table?.state !== 'loading') continue;
      table.lastUsedMs = performance.now();
      ready = false;
    }
    if (!ready) this.tables.loadMore();
    return ready;
  }

  /** Null: code without a file, made at run time. */
  tableOf(code: Code): CodeTable | null {
    const subject = subjectOf(code);
    if (!subject) return null;
    const { placed, segments, baseAddress, state, keepsFramePointers } = this.tables.want(subject);
    return { state, keepsFramePointers, table: placed && { placed, segments, baseAddress } };
  }

  /** A copy of a page of tables. */
  readPage(page: number): Uint32Array {
    return this.walker?.pool.read(page) ?? new Uint32Array(0);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.publishing) clearImmediate(this.publishing);
    this.tables.close();
    this.processes.files.removeReader(this.tables);
    this.walker?.pool.close();
  }

  /** Tells the walker of the mappings of processes and of the tables there are; nothing of one that has no table. */
  private publishChanged(): void {
    if (!this.walker) return;
    const { pool, published } = this.walker;
    const placed: { pid: number; code: PlacedCode | null; ready: boolean }[] = [];
    for (const pid of this.changed)
      if (this.processes.isAlive(pid))
        placed.push({ pid, code: this.placeCodeOf(pid, pool), ready: this.areReady(this.processes.codeOf(pid)) });
    this.changed.clear();
    const shown = pool.commit();
    for (const { pid, code, ready } of placed) {
      if (code && shown) published.publish(pid, code, ready);
      else {
        code?.release();
        published.withdraw(pid, ready);
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
      const table = subject && this.tables.want(subject);
      if (table?.placed) loaded = true;
      const keepsFramePointers = table?.keepsFramePointers ?? false;
      mappings.push({ ...code, keepsFramePointers, table: table?.placed ? { ...table, placed: table.placed } : null });
    }
    return loaded ? placeCode(pool, mappings, this.runtimes.rangesOf(pid)) : null;
  }

  private usersHaveChanged(table: Table): void {
    for (const pid of this.processes.alive())
      if (this.processes.codeOf(pid).some((code) => subjectOf(code) === table.subject)) this.changed.add(pid);
  }

  private tidy(now: number): void {
    const used = new Set<Subject>();
    for (const pid of this.processes.alive())
      for (const code of this.processes.codeOf(pid)) {
        const subject = subjectOf(code);
        if (subject) used.add(subject);
      }
    this.tables.tidy(used, now);
    this.processes.files.closeUnusedSoon();
    this.walker?.pool.trim();
  }
}

function subjectOf(code: Code): Subject | null {
  if ('file' in code) return code.file;
  return 'image' in code ? code.image : null;
}
