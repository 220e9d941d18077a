// All that one program or library can tell about its addresses: the tables of the runtime that it is compiled for first (they are
// what the runtime itself believes), then the symbol table for the function and DWARF for the line. One object per mapped file.

import { closeSync } from 'node:fs';
import { messageOf } from '../bytes/cursor';
import { orderOf } from '../bytes/order';
import type { Spill } from '../elf/contents';
import { FileFunctions } from '../elf/fileFunctions';
import { LiveCode } from '../elf/liveCode';
import type { ElfFile } from '../elf/parser';
import { PltStubs } from '../elf/plt';
import { isTrampolineAt } from '../elf/signalTrampolines';
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
  private compiled: { runtime: RuntimeId; names: CompiledNames } | null = null;
  private dwarf: DwarfResolver | null = null;
  /** By linkage name: names come again and again, and demangling takes longer than finding them. */
  private readonly displayNames = new Map<string, DisplayName>();

  private readonly stubs: PltStubs;
  private readonly functions: FileFunctions;

  private constructor(
    readonly elf: ElfFile,
    debug: ElfFile | null,
    private readonly spill: Spill,
  ) {
    this.stubs = new PltStubs(elf);
    this.functions = FileFunctions.read(elf, debug, (what, read) => this.attempt(what, read));
  }

  /** `further`: how to open what the debug information leaves to other files; null: it is done without. */
  static async open(
    elf: ElfFile,
    debug: ElfFile | null,
    spill: Spill,
    further: FurtherFiles | null = null,
  ): Promise<FileSymbols> {
    const symbols = new FileSymbols(elf, debug, spill);
    if (elf.damage) symbols.report(elf.damage);
    symbols.compiled = symbols.attempt("runtime's line table", () => {
      const found = compiledFileOf(elf);
      const names = found?.file.names();
      return found && names ? { runtime: found.runtime, names } : null;
    });
    try {
      await symbols.functions.addMiniDebug(spill);
    } catch (error) {
      symbols.report(messageOf(error));
    }
    const hasSections = elf.sections.length > 0;
    const live = new LiveCode(elf, debug && !hasSections ? debug : elf, symbols.functions);
    for (const file of debug ? [debug, elf] : [elf]) {
      if (symbols.dwarf || symbols.compiled) break;
      try {
        symbols.dwarf = await DwarfResolver.open(file, {
          live,
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
    return 65_536 + this.functions.sizeBytes + this.spill.memoryBytes + (this.dwarf?.sizeBytes ?? 0);
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
    const address = this.addressOf(fileOffset);
    return this.placesAt(this.isBeforeTrampoline(fileOffset, address) ? address + 1 : address);
  }

  /**
   * Of return addresses the byte before is asked about. The one that a signal handler returns to is no return address, which walks
   * by unwind tables tell and those by frame pointers cannot: the byte before its trampoline is padding or another function's.
   */
  private isBeforeTrampoline(fileOffset: number, address: number): boolean {
    if (address === NO_ADDRESS) return false;
    const end = this.functions.boundsOf(address)?.end;
    if (end && end > address + 1) return false;
    return this.attempt('code', () => isTrampolineAt(this.elf, fileOffset + 1)) ?? false;
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
    if (place.name === null) place.address = this.functions.frameStart(address) ?? address;
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

  /** Returns the function's first address. */
  private fromSymbols(address: number, place: Place): number | null {
    let found = this.functions.find(address);
    // A symbol without a size holds up to the next one, but not the functions without a symbol between.
    if (found?.sizeBytes === 0 && (this.functions.frameStart(address) ?? 0) > found.start) found = null;
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
  const isLines = ({ type, name }: { type: number; name: string }) =>
    type !== SHT_NOBITS && (name === '.debug_line' || name === '.zdebug_line');
  return elf.sections.some(isLines) || compiledFileOf(elf) !== null;
}
