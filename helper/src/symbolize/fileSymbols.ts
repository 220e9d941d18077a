// All that one program or library can tell about its addresses: the tables of the runtime that it is compiled for first (they are
// what the runtime itself believes), then the symbol table for the function and DWARF for the line. One object per mapped file.

import { closeSync } from 'node:fs';
import { messageOf } from '../bytes/cursor';
import { orderOf } from '../bytes/order';
import { cstringAt } from '../bytes/source';
import type { Spill } from '../elf/contents';
import { FrameHeader } from '../elf/frameHeader';
import { miniDebugFile } from '../elf/miniDebug';
import type { ElfFile } from '../elf/parser';
import { PltStubs } from '../elf/plt';
import { findFunction, type NamedFunctions, readFunctions } from '../elf/symbols';
import { SHT_NOBITS } from '../elf/types';
import type { RuntimeId } from '../protocol';
import { compiledFileOf } from '../runtimes';
import type { CompiledNames } from '../runtimes/types';
import { type DisplayName, displayName, isLeftMangled } from './demangle/demangle';
import type { ElfOpener } from './dwarf/opener';
import { DwarfResolver } from './dwarf/resolver';
import { nowhere, type Place } from './place';

/** Of an offset that the file maps nowhere. */
const NO_ADDRESS = -1;
const MAX_PROBLEMS = 4;
const MAX_KEPT_NAMES = 8_192;
const PLT = '@plt';

export interface FurtherFiles {
  opener: ElfOpener;
  /** Of the program, and of its debug file, in the program's file system. */
  path: string;
  debugPaths: string[];
}

export class FileSymbols {
  readonly problems = new Set<string>();
  /** Two where a stripped program has .gnu_debugdata, which leaves out what .dynsym names. */
  private readonly functions: NamedFunctions[] = [];
  private compiled: { runtime: RuntimeId; names: CompiledNames } | null = null;
  private dwarf: DwarfResolver | null = null;
  /** By linkage name: names come again and again, and demangling takes longer than finding them. */
  private readonly displayNames = new Map<string, DisplayName>();

  private readonly stubs: PltStubs;
  /** Undefined: not looked for yet, since only code without a symbol needs it. */
  private frames: FrameHeader | null | undefined;

  private constructor(
    readonly elf: ElfFile,
    private readonly spill: Spill,
  ) {
    this.stubs = new PltStubs(elf);
  }

  /** `further`: how to open what the debug information leaves to other files; null: it is done without. */
  static async open(
    elf: ElfFile,
    debug: ElfFile | null,
    spill: Spill,
    further: FurtherFiles | null = null,
  ): Promise<FileSymbols> {
    const symbols = new FileSymbols(elf, spill);
    if (elf.damage) symbols.report(elf.damage);
    symbols.compiled = symbols.attempt("runtime's line table", () => {
      const found = compiledFileOf(elf);
      const names = found?.file.names();
      return found && names ? { runtime: found.runtime, names } : null;
    });
    await symbols.readSymbols(debug);
    for (const file of debug ? [debug, elf] : [elf]) {
      if (symbols.dwarf || symbols.compiled) break;
      try {
        symbols.dwarf = await DwarfResolver.open(file, {
          isCode: (address) => elf.isCode(address),
          opener: further?.opener ?? null,
          paths: further ? (file === debug ? [...further.debugPaths, further.path] : [further.path]) : [],
          spill,
        });
      } catch (error) {
        symbols.report(`debug information: ${messageOf(error)}`);
      }
    }
    return symbols;
  }

  /** In typed arrays and buffers. */
  get sizeBytes(): number {
    const count = this.functions.reduce((sum, { table }) => sum + table.starts.length, 0);
    return 65_536 + count * 16 + this.spill.memoryBytes + (this.dwarf?.sizeBytes ?? 0);
  }

  /**
   * In which order to ask about addresses: neighbours share what is read for them. A unit's code is not in one place:
   * linkers put what is rarely run apart (`.text.unlikely`).
   */
  orderOf(addresses: Float64Array): Uint32Array {
    return this.attempt('debug information', () => this.dwarf?.orderOf(addresses)) ?? orderOf(addresses);
  }

  /** `fileOffset` as it is mapped. Innermost function first; at least one entry, without a name where nothing is known. */
  placesOf(fileOffset: number): Place[] {
    return this.placesAt(this.addressOf(fileOffset));
  }

  /** Virtual address, or NO_ADDRESS. */
  addressOf(fileOffset: number): number {
    return this.elf.addressOf(fileOffset) ?? NO_ADDRESS;
  }

  /** As `placesOf`, by virtual address. */
  placesAt(address: number): Place[] {
    if (address === NO_ADDRESS) return [nowhere(null)];
    const place = nowhere(address);
    const compiled =
      this.attempt("runtime's inline tree", () => this.fromCompiler(address, true)) ??
      this.attempt("runtime's line table", () => this.fromCompiler(address, false)) ??
      [];
    if (compiled.length > 0) return compiled;
    const start = this.attempt('symbol table', () => this.fromSymbols(address, place));
    const inlined = this.attempt('debug information', () => this.fromDwarf(address, start, place));
    for (const problem of this.dwarf?.problems ?? []) this.report(problem);
    // A function without a name is called by its start, wherever in it the address is.
    if (place.name === null) place.address = this.boundsStart(address) ?? address;
    return inlined ? [...inlined, place] : [place];
  }

  close(): void {
    this.dwarf?.close();
    for (const fd of this.spill.descriptors.splice(0)) closeSync(fd);
  }

  private fromCompiler(address: number, withInlined: boolean): Place[] {
    if (!this.compiled) return [];
    const { runtime, names } = this.compiled;
    return names.placesAt(address, withInlined).map((found) => ({ ...nowhere(address), ...found, runtime }));
  }

  /** The best table there is; where it names exported functions only, .gnu_debugdata's besides. */
  private async readSymbols(debug: ElfFile | null): Promise<void> {
    for (const file of debug ? [debug, this.elf] : [this.elf]) {
      const read = this.attempt('symbol table', () => readFunctions(file));
      if (!read) continue;
      this.functions.push(read);
      break;
    }
    if (this.functions[0]?.isWhole) return;
    try {
      const mini = await miniDebugFile(this.elf);
      const read = mini && readFunctions(mini.file);
      if (!mini || !read) return;
      this.functions.push(read);
      this.spill.memoryBytes += mini.sizeBytes;
    } catch (error) {
      this.report(messageOf(error));
    }
  }

  /** Of the functions that hold the address, the one that starts last; one of known size before one of unknown. */
  private findSymbol(address: number): { start: number; sizeBytes: number; linkageName: string } | null {
    let best: { start: number; sizeBytes: number; linkageName: string } | null = null;
    for (const { table, names } of this.functions) {
      const found = findFunction(table, address);
      if (found < 0) continue;
      const [start, sizeBytes] = [table.starts[found], table.sizesBytes[found]];
      if (best && (best.sizeBytes > 0 === sizeBytes > 0 ? best.start >= start : best.sizeBytes > 0)) continue;
      best = { start, sizeBytes, linkageName: cstringAt(names, table.nameOffsets[found], true) };
    }
    return best;
  }

  /** First address of the function around `address`, as its unwind information has it. */
  private boundsStart(address: number): number | null {
    return this.attempt('bounds of functions', () => {
      if (this.frames === undefined) {
        this.frames = null;
        this.frames = FrameHeader.of(this.elf);
      }
      return this.frames?.startOf(address) ?? null;
    });
  }

  /** Returns the function's first address. */
  private fromSymbols(address: number, place: Place): number | null {
    let found = this.findSymbol(address);
    // A symbol without a size holds up to the next one, but not the functions without a symbol between.
    if (found?.sizeBytes === 0 && (this.boundsStart(address) ?? 0) > found.start) found = null;
    // .init and the like end just before the stubs, without a size.
    const stub = !found || found.sizeBytes === 0 ? this.stubs.find(address) : null;
    if (stub) {
      const target = displayName(stub.name.slice(0, -PLT.length));
      place.name = target.name + PLT;
      place.fullName = target.fullName && target.fullName + PLT;
      place.linkageName = stub.name;
      return stub.start;
    }
    if (!found) return null;
    if (found.linkageName !== '') this.setName(place, found.linkageName);
    return found.start;
  }

  /** Completes `place`, the function itself; returns what was inlined there, innermost first. */
  private fromDwarf(address: number, functionStart: number | null, place: Place): Place[] {
    const inlined: Place[] = [];
    for (const { path, line, column, md5, declaration, inlined: isInlined } of this.dwarf?.levels(address) ?? []) {
      const here = isInlined ? nowhere(address, true) : place;
      if (isInlined) inlined.push(here);
      if (line !== null) {
        here.file = path;
        here.line = line;
        here.column = column;
        here.sourceMd5 = md5;
      }
      if (!declaration) continue;
      const linkageName = declaration.linkageName ?? declaration.name;
      if (here.name === null && linkageName !== null) this.setName(here, linkageName);
      if (declaration.name !== null && here.linkageName !== null && isLeftMangled(here.linkageName, here.name ?? '')) {
        here.name = declaration.name;
        here.fullName = here.linkageName;
      }
      here.functionFile = declaration.file;
      here.functionLine = declaration.line;
    }
    if (place.functionLine === null && functionStart !== null) {
      const first = this.dwarf?.line(functionStart);
      place.functionFile = first?.path ?? null;
      place.functionLine = first?.line ?? null;
    }
    return inlined;
  }

  private setName(place: Place, linkageName: string): void {
    let name = this.displayNames.get(linkageName);
    if (!name) {
      name = displayName(linkageName);
      if (this.displayNames.size >= MAX_KEPT_NAMES) this.displayNames.clear();
      this.displayNames.set(linkageName, name);
    }
    place.linkageName = linkageName;
    place.name = name.name;
    place.fullName = name.fullName;
  }

  private attempt<T>(what: string, read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      this.report(`${what}: ${messageOf(error)}`);
      return null;
    }
  }

  private report(problem: string): void {
    if (this.problems.size < MAX_PROBLEMS) this.problems.add(problem);
  }
}

export function hasLineTable(elf: ElfFile): boolean {
  return elf.sections.some(
    (s) =>
      s.type !== SHT_NOBITS && (s.name === '.debug_line' || s.name === '.zdebug_line' || s.name.endsWith('.gopclntab')),
  );
}
