// The files, vdso images and file systems that the helper has open for its recordings: each once, however many process tables
// and readers need it. What nobody needs any more is closed a while later, after every reader has let go of it. One for a
// helper.

import { closeFile, type MappedFile, MappedFiles } from './files';
import { GeneratedCode } from './generatedCode';
import { Images } from './images';
import type { TextReader } from './movedText';
import { closeTouched } from './patience';
import { Roots } from './roots';

const CLOSE_UNUSED_DELAY_MS = 1_000;

/** Something else than a mapped file that readers know by a number of ours: what names generated code. */
export interface OpenHandle {
  readonly id: number;
  readonly fd: number;
}

/** Whoever has processes: its files stay open. */
export interface FileHolder {
  readonly isEmpty: boolean;
  usedFiles(): Iterable<MappedFile>;
  /** What is mapped as the first is in truth the second. */
  replaceFile(file: MappedFile, by: MappedFile): void;
}

/** Whoever reads what is open, in threads of its own or for tables that it keeps. */
export interface FileReader {
  /** Has it still to do with it? Asked by the number. */
  needs(id: number): boolean;
  /** These are closed next. */
  forget?(files: readonly MappedFile[], others: readonly OpenHandle[]): Promise<void>;
  /** No process is known any more. */
  nobodyLeft?(): void;
}

export class FileStore {
  readonly files = new MappedFiles();
  readonly images = new Images();
  readonly roots = new Roots();
  /** Who reads files in a worker; null: nobody does, so code that has moved to memory of no file is not recognized. */
  textReader: TextReader | null = null;
  /** Perf maps that were not believed, and why. */
  readonly distrusted = new Map<string, string>();
  readonly reserveId = (): number => this.files.reserveId();
  readonly generated = new GeneratedCode(this.reserveId, this.distrusted);
  private readonly holders = new Set<FileHolder>();
  private readonly readers = new Set<FileReader>();
  private closing: NodeJS.Timeout | null = null;

  addHolder(holder: FileHolder): void {
    this.holders.add(holder);
  }

  removeHolder(holder: FileHolder): void {
    this.holders.delete(holder);
    this.closeUnusedSoon();
  }

  addReader(reader: FileReader): void {
    this.readers.add(reader);
  }

  removeReader(reader: FileReader): void {
    this.readers.delete(reader);
  }

  /**
   * It is not the file that was mapped, but another one of its name: that one is looked for by its build-id. Later mappings
   * are opened anew.
   */
  refuse(file: MappedFile, why: string): void {
    const better = this.files.refuse(file, why);
    if (better) for (const holder of this.holders) holder.replaceFile(file, better);
  }

  /** Something may have become unused. */
  closeUnusedSoon(): void {
    if (this.closing) return;
    this.closing = setTimeout(() => {
      this.closing = null;
      void this.closeUnused();
      if (this.hasUnused) this.closeUnusedSoon();
    }, CLOSE_UNUSED_DELAY_MS);
    this.closing.unref();
  }

  /** Of the process itself: nobody reads any more. */
  async close(): Promise<void> {
    this.holders.clear();
    await this.closeUnused();
    if (this.closing) clearTimeout(this.closing);
    this.closing = null;
  }

  private get isEmpty(): boolean {
    return [...this.holders].every((holder) => holder.isEmpty);
  }

  private get hasUnused(): boolean {
    return this.isEmpty && (this.files.all.length > 0 || this.generated.hasOpen);
  }

  private async closeUnused(): Promise<void> {
    const readers = [...this.readers];
    const isNeeded = (id: number) => readers.some((reader) => reader.needs(id));
    const used = new Set<MappedFile>();
    for (const holder of this.holders) for (const file of holder.usedFiles()) used.add(file);
    for (const file of this.files.all) if (isNeeded(file.id)) used.add(file);
    const nobody = this.isEmpty;
    if (nobody) {
      for (const reader of readers) reader.nobodyLeft?.();
      this.roots.close();
    }
    const files = this.files.takeUnused(used, nobody ? 0 : undefined);
    const others = this.generated.takeUnused(isNeeded);
    await Promise.all(readers.map((reader) => reader.forget?.(files, others)));
    for (const { fd } of others) closeTouched(fd);
    for (const file of files) closeFile(file);
  }
}
