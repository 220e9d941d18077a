// Which functions a program or library has: from its symbol tables, and, for code that no symbol names, from the bounds that its
// unwind information has. Names and debug information both go by them.

import { cstringAt } from '../bytes/source';
import type { Spill } from './contents';
import { FrameHeader } from './frameHeader';
import type { FunctionBounds, KnownFunctions } from './liveCode';
import { miniDebugFile } from './miniDebug';
import type { ElfFile } from './parser';
import { findFunction, type NamedFunctions, nameOffsetsAt, readFunctions } from './symbols';

export interface FoundSymbol {
  start: number;
  /** 0: unknown. */
  sizeBytes: number;
  linkageName: string;
}

/** Runs what may throw FormatError; null where it did, which is reported. */
export type Attempt = <T>(what: string, read: () => T) => T | null;

export class FileFunctions implements KnownFunctions {
  /** Two where a stripped program has .gnu_debugdata, which leaves out what .dynsym names. */
  private readonly tables: NamedFunctions[] = [];
  /** Undefined: not looked for yet, since only code without a symbol needs it. */
  private frames: FrameHeader | null | undefined;

  private constructor(
    private readonly elf: ElfFile,
    private readonly attempt: Attempt,
  ) {}

  /** By the best symbol table there is. */
  static read(elf: ElfFile, debug: ElfFile | null, attempt: Attempt): FileFunctions {
    const functions = new FileFunctions(elf, attempt);
    for (const file of debug ? [debug, elf] : [elf]) {
      const read = attempt('symbol table', () => readFunctions(file));
      if (!read) continue;
      functions.tables.push(read);
      break;
    }
    return functions;
  }

  /** Adds what .gnu_debugdata names, where the symbol table has exported functions only. Rejects with FormatError. */
  async addMiniDebug(spill: Spill): Promise<void> {
    if (this.tables[0]?.isWhole) return;
    const mini = await miniDebugFile(this.elf);
    const read = mini && readFunctions(mini.file);
    if (!mini || !read) return;
    this.tables.push(read);
    spill.memoryBytes += mini.sizeBytes;
  }

  /** In typed arrays. */
  get sizeBytes(): number {
    return this.tables.reduce((sum, { table }) => sum + table.starts.length * 16 + table.aliasStarts.length * 12, 0);
  }

  /** Of the functions that hold the address, the one that starts last; one of known size before one of unknown. */
  find(address: number): FoundSymbol | null {
    const best = this.findEntry(address);
    return (
      best && {
        start: best.start,
        sizeBytes: best.sizeBytes,
        linkageName: cstringAt(best.names, best.nameOffset, true),
      }
    );
  }

  boundsOf(address: number): FunctionBounds | null {
    const found = this.findEntry(address);
    if (found) return { start: found.start, end: found.sizeBytes === 0 ? null : found.start + found.sizeBytes };
    return this.tables[0]?.isWhole ? null : this.frameBounds(address);
  }

  namesAt(start: number): string[] | null {
    if (!this.tables[0]?.isWhole) return null;
    return this.tables.flatMap(({ table, names }) =>
      nameOffsetsAt(table, start).map((offset) => cstringAt(names, offset, true)),
    );
  }

  /** First address of the function around `address`, as its unwind information has it. */
  frameStart(address: number): number | null {
    return this.frameBounds(address)?.start ?? null;
  }

  private frameBounds(address: number): { start: number; end: number } | null {
    return this.attempt('bounds of functions', () => {
      if (this.frames === undefined) {
        this.frames = null;
        this.frames = FrameHeader.of(this.elf);
      }
      return this.frames?.boundsOf(address) ?? null;
    });
  }

  private findEntry(address: number) {
    let best: { start: number; sizeBytes: number; names: NamedFunctions['names']; nameOffset: number } | null = null;
    for (const { table, names } of this.tables) {
      const found = findFunction(table, address);
      if (found < 0) continue;
      const [start, sizeBytes] = [table.starts[found], table.sizesBytes[found]];
      if (best && (best.sizeBytes > 0 === sizeBytes > 0 ? best.start >= start : best.sizeBytes > 0)) continue;
      best = { start, sizeBytes, names, nameOffset: table.nameOffsets[found] };
    }
    return best;
  }
}
