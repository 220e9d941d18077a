// The unwind tables of files (and of the vdso), one each: made in the background, that with the most stacks first; put into the
// kernel's pages; taken back when nobody maps the file any more or when there is no room. Which processes map what is the
// loader's business.

import { OTHER_BUILD } from '../../elf/buildCheck';
import { openDebugFiles } from '../../elf/debugFiles';
import type { FileReader } from '../../process/fileStore';
import type { MappedFile } from '../../process/files';
import type { Image } from '../../process/images';
import { closeTouched } from '../../process/patience';
import type { RecognizedFile } from '../../runtimes/recognizedFiles';
import { TableCompiler } from './compiler';
import type { PlacedTable, TablePlacer } from './tables';
import type { LoadedTable, TableRequest } from './worker';

/** A file's table stays for the next process that maps it. */
const UNUSED_KEPT_MS = 10_000;
/** A table that had to make room is not loaded again sooner. */
const EVICTED_REST_MS = 30_000;
/** Asked for at the same time, so that the thread that makes them need not wait for us. */
const IN_FLIGHT_MAX = 4;
/** Of a file that cannot be read: nobody waits for its runtimes any longer. */
const NOTHING_RECOGNIZED: RecognizedFile = { images: [], segments: [] };

export type Subject = MappedFile | Image;

export interface Table {
  subject: Subject;
  name: string;
  state: 'waiting' | 'loading' | 'loaded' | 'failed' | 'evicted';
  placed: PlacedTable | null;
  segments: LoadedTable['table']['segments'];
  baseAddress: number;
  keepsFramePointers: boolean;
  /** Stacks seen in it. */
  hits: number;
  lastUsedMs: number;
}

/** Who shows tables to the walker. */
export interface TableUser {
  /** It can be shown from now on, or will never come. */
  settled(table: Table): void;
  /** Its place is taken from it when this returns: nobody may name it any more. */
  unloaded(table: Table): void;
}

export interface TableParts {
  cacheDir: string | null;
  /** The user's own, as openDebugFiles takes them. */
  debugFolders: readonly string[];
  reserveId: () => number;
  /** It is not the file that was mapped. */
  refuse: (file: MappedFile, why: string) => void;
  /** What the file holds of language runtimes. */
  recognized: (subject: Subject, recognized: RecognizedFile) => void;
  log: (level: 'debug' | 'warn', text: string) => void;
}

export class FileTables implements FileReader {
  evicted = 0;
  private readonly compiler: TableCompiler;
  private readonly tables = new Map<Subject, Table>();
  private onPlacer: (placer: TablePlacer) => void = () => {};
  private readonly untilPlacer = new Promise<TablePlacer>((resolve) => {
    this.onPlacer = resolve;
  });
  private inFlight = 0;
  private closed = false;

  constructor(
    private readonly parts: TableParts,
    private readonly user: TableUser,
  ) {
    this.compiler = new TableCompiler(parts.cacheDir);
  }

  /** From now on there is room to put them into. */
  attach(placer: TablePlacer): void {
    this.onPlacer(placer);
  }

  get(subject: Subject): Table | undefined {
    return this.tables.get(subject);
  }

  /** Wanted from now on, where it was not yet. */
  want(subject: Subject): Table {
    let table = this.tables.get(subject);
    if (!table) {
      table = {
        subject,
        name: 'path' in subject ? subject.path : '[vdso]',
        state: 'fd' in subject && subject.fd === null ? 'failed' : 'waiting',
        placed: null,
        segments: [],
        baseAddress: 0,
        keepsFramePointers: false,
        hits: 0,
        lastUsedMs: performance.now(),
      };
      this.tables.set(subject, table);
    }
    return table;
  }

  /** Those that are there, their rows, and those that are still to come. */
  counts(): { tables: number; rows: number; waiting: number } {
    let [tables, rows, waiting] = [0, 0, 0];
    for (const { placed, state } of this.tables.values()) {
      if (state === 'waiting' || state === 'loading') waiting++;
      if (!placed) continue;
      tables++;
      rows += placed.rowCount;
    }
    return { tables, rows, waiting };
  }

  loadMore(): void {
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

  /** Lets go of tables whose file is not in `used`, and has not been for a while. */
  tidy(used: ReadonlySet<Subject>, nowMs: number): void {
    for (const [subject, table] of this.tables) {
      if (used.has(subject)) {
        if (table.state === 'evicted' && nowMs - table.lastUsedMs > EVICTED_REST_MS) table.state = 'waiting';
        continue;
      }
      if (table.state === 'loading' || nowMs - table.lastUsedMs < UNUSED_KEPT_MS) continue;
      table.placed?.release();
      this.tables.delete(subject);
    }
  }

  close(): void {
    this.closed = true;
    this.compiler.close();
    this.tables.clear();
  }

  /** As long as its table is here, its file stays open. */
  needs(id: number): boolean {
    for (const subject of this.tables.keys()) if (subject.id === id) return true;
    return false;
  }

  private nextWaiting(): Table | null {
    let best: Table | null = null;
    for (const table of this.tables.values())
      if (table.state === 'waiting' && (!best || table.hits > best.hits)) best = table;
    return best;
  }

  private async load(table: Table): Promise<void> {
    table.state = 'loading';
    const { subject } = table;
    try {
      const from =
        'bytes' in subject
          ? { bytes: subject.bytes }
          : {
              fileId: subject.id,
              fd: subject.fd ?? -1,
              sizeBytes: subject.sizeBytes,
              expectedBuildId: subject.expectedBuildId,
            };
      const loaded = await this.completed(subject, from, await this.compiler.request(from));
      void this.recognize(table, from);
      this.keep(table, loaded, await this.untilPlacer);
    } catch (error) {
      table.state = 'failed';
      const why = error instanceof Error ? error.message : String(error);
      this.parts.log('debug', `unwind table of ${table.name}: ${why}`);
      if ('path' in subject && why === OTHER_BUILD) this.parts.refuse(subject, why);
      if (this.closed) return;
      this.parts.recognized(subject, NOTHING_RECOGNIZED);
      this.user.settled(table);
    }
  }

  private async recognize({ subject, name }: Table, from: TableRequest['from']): Promise<void> {
    if (this.closed) return;
    try {
      const { recognized, problems } = await this.compiler.recognize(from);
      for (const problem of problems) this.parts.log('debug', `runtimes of ${name}: ${problem}`);
      if (!this.closed) this.parts.recognized(subject, recognized);
    } catch (error) {
      this.parts.log('debug', `runtimes of ${name}: ${error instanceof Error ? error.message : String(error)}`);
      if (!this.closed) this.parts.recognized(subject, NOTHING_RECOGNIZED);
    }
  }

  /** Where the file leaves code open that its debug file may know, with that. */
  private async completed(subject: Subject, from: TableRequest['from'], own: LoadedTable): Promise<LoadedTable> {
    if (!own.wants || !('path' in subject) || this.closed) return own;
    const found = openDebugFiles(subject, own.wants, this.parts.reserveId, this.parts.debugFolders);
    if (found.length === 0) return own;
    try {
      return await this.compiler.request(from, found);
    } finally {
      for (const { fd } of found) closeTouched(fd);
    }
  }

  private keep(table: Table, { table: compiled }: LoadedTable, placer: TablePlacer): void {
    if (this.closed) return;
    const { log } = this.parts;
    for (const problem of compiled.problems) log('debug', `unwind table of ${table.name}: ${problem}`);
    let placed = placer.place(compiled);
    while (!placed && this.evictOne(table)) placed = placer.place(compiled);
    if (!placed) {
      table.state = 'failed';
      log('warn', `no room for the unwind table of ${table.name}`);
      this.user.settled(table);
      return;
    }
    Object.assign(table, { state: 'loaded', placed, keepsFramePointers: compiled.keepsFramePointers });
    table.segments = compiled.segments;
    table.baseAddress = compiled.baseAddress;
    this.user.settled(table);
  }

  /** Takes back the table that was on stacks the longest ago. */
  private evictOne(spare: Table): boolean {
    let oldest: Table | null = null;
    for (const table of this.tables.values())
      if (table.placed && table !== spare && (!oldest || table.lastUsedMs < oldest.lastUsedMs)) oldest = table;
    if (!oldest) return false;
    this.evicted++;
    const { placed } = oldest;
    Object.assign(oldest, { state: 'evicted', placed: null, lastUsedMs: performance.now() });
    // First nobody names it any more.
    this.user.unloaded(oldest);
    placed?.release();
    return true;
  }
}
