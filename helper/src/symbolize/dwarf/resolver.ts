// Address -> source line and declaration, from DWARF. Reads the list of units at once and everything else only for units
// that are asked for; what it holds is counted and forgotten oldest first. Called by fileSymbols.ts.

import { posix } from 'node:path';
import { FormatError } from '../bytes/cursor';
import type { ElfFile } from '../elf/parser';
import { AbbreviationTable } from './abbreviations';
import { completeDeclaration, type FunctionIndex, findFunctionDie, indexFunctions, readDeclaration } from './functions';
import { findRow, type LineTable, readLineTable, sizeOfLineTable } from './lineProgram';
import { textOf } from './strings';
import type { DwarfSections, Range, SourceLine, StringRef, Unit } from './types';
import { addRanges, findUnit, indexUnits, readUnit, readUnitHeader, type UnitIndex } from './units';

interface LoadedUnit {
  unit: Unit;
  abbreviations: AbbreviationTable;
  /** Null: not read yet, or cannot be. */
  lines: LineTable | null;
  linesTried: boolean;
  functions: FunctionIndex | null;
  functionsTried: boolean;
  paths: Map<number, string | null>;
}

export interface DwarfFunction {
  linkageName: string | null;
  name: string | null;
  file: string | null;
  line: number | null;
}

const MAX_PROBLEMS = 4;
/** More than these are not looked through for the code that their line tables cover. */
const MAX_UNITS_WITHOUT_RANGES = 4_096;
/** What the units that are loaded at once may hold in typed arrays. */
const LOADED_UNITS_BYTES = 24 * 1024 * 1024;

export class DwarfResolver {
  private readonly loaded = new Map<number, LoadedUnit>();
  private loadedBytes = 0;
  /** A few; a broken file would have thousands. */
  readonly problems = new Set<string>();

  private constructor(
    private readonly sections: DwarfSections,
    private index: UnitIndex,
    private readonly elf: ElfFile,
  ) {
    if (index.damage) this.report(index.damage);
  }

  /** Null where there is no debug information. */
  static open(sections: DwarfSections, elf: ElfFile): DwarfResolver | null {
    if (!sections.info || !sections.abbrev) return null;
    return new DwarfResolver(sections, indexUnits(sections), elf);
  }

  /** Of what it holds in typed arrays. */
  get sizeBytes(): number {
    return this.index.lows.length * 20 + this.index.offsets.length * 12 + this.loadedBytes;
  }

  line(address: number): SourceLine | null {
    const loaded = this.unitAt(address);
    const table = loaded && this.linesOf(loaded);
    if (!table) return null;
    const row = findRow(table, address);
    if (row < 0) return null;
    return {
      file: this.path(loaded, table.files[row]),
      line: table.lines[row] || null,
      column: table.columns[row] || null,
      md5: table.header.files[table.files[row]]?.md5 ?? null,
    };
  }

  /** The function that holds the address; null where only the line table knows the place. */
  function(address: number): DwarfFunction | null {
    const loaded = this.unitAt(address);
    const functions = loaded && this.functionsOf(loaded);
    if (!functions) return null;
    const found = findFunctionDie(functions, address);
    if (found < 0) return null;
    let declaring = loaded;
    const declaration = completeDeclaration(functions.dies[found], (offset) => {
      const owner = this.unitHolding(offset, loaded);
      if (!owner) return null;
      const read = this.guard(() => readDeclaration(offset, owner.unit, this.sections, owner.abbreviations));
      if (!read) return null;
      if (read.file !== null) declaring = owner;
      // Strings may be indexed from a base of their own unit's.
      const text = (ref: StringRef | null) => {
        const found = this.guard(() => textOf(ref, this.sections, owner.unit));
        return found === null ? null : { text: found };
      };
      return { ...read, linkageName: text(read.linkageName), name: text(read.name) };
    });
    if (!declaration) return null;
    return {
      linkageName: textOf(declaration.linkageName, this.sections, loaded.unit),
      name: textOf(declaration.name, this.sections, loaded.unit),
      file: declaration.file === null || !this.linesOf(declaring) ? null : this.path(declaring, declaration.file),
      line: declaration.line || null,
    };
  }

  private unitAt(address: number): LoadedUnit | null {
    let offset = findUnit(this.index, address);
    const { withoutRanges } = this.index;
    if (offset === null && withoutRanges.length > 0 && withoutRanges.length <= MAX_UNITS_WITHOUT_RANGES) {
      this.index = addRanges(this.index, (unit) => this.rangesByLines(unit));
      offset = findUnit(this.index, address);
    }
    return offset === null ? null : this.load(offset);
  }

  private rangesByLines(offset: number): Range[] {
    const loaded = this.load(offset);
    const table = loaded && this.linesOf(loaded);
    if (!table) return [];
    return Array.from(table.sequenceLows, (low, i) => ({ low, high: table.sequenceHighs[i] }));
  }

  private unitHolding(dieOffset: number, first: LoadedUnit): LoadedUnit | null {
    if (dieOffset >= first.unit.offset && dieOffset < first.unit.end) return first;
    const { offsets } = this.index;
    let low = 0;
    let high = offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (offsets[middle] > dieOffset) high = middle;
      else low = middle + 1;
    }
    return low === 0 ? null : this.load(offsets[low - 1]);
  }

  private load(offset: number): LoadedUnit | null {
    const known = this.loaded.get(offset);
    if (known) {
      this.loaded.delete(offset);
      this.loaded.set(offset, known);
      return known;
    }
    const made = this.guard(() => {
      const { header } = readUnitHeader(this.sections.info!, offset);
      const abbreviations = new AbbreviationTable(this.sections.abbrev!, header.abbrevOffset);
      const { unit } = readUnit(header, this.sections, abbreviations);
      return { unit, abbreviations };
    });
    if (!made) return null;
    const loaded: LoadedUnit = {
      ...made,
      lines: null,
      linesTried: false,
      functions: null,
      functionsTried: false,
      paths: new Map(),
    };
    this.loaded.set(offset, loaded);
    this.loadedBytes += sizeOf(loaded);
    return loaded;
  }

  private linesOf(loaded: LoadedUnit): LineTable | null {
    if (!loaded.linesTried) {
      loaded.linesTried = true;
      const { unit } = loaded;
      const { line } = this.sections;
      const offset = unit.stmtList;
      if (line && offset !== null && offset < line.sizeBytes) {
        loaded.lines = this.guard(() =>
          readLineTable(line, offset, unit.addressBytes, (address) => this.elf.isCode(address)),
        );
        if (loaded.lines?.damage) this.report(loaded.lines.damage);
        this.account(loaded.lines ? sizeOfLineTable(loaded.lines) : 0);
      }
    }
    return loaded.lines;
  }

  private functionsOf(loaded: LoadedUnit): FunctionIndex | null {
    if (!loaded.functionsTried) {
      loaded.functionsTried = true;
      loaded.functions = this.guard(() => indexFunctions(loaded.unit, this.sections, loaded.abbreviations));
      this.account((loaded.functions?.lows.length ?? 0) * 24);
    }
    return loaded.functions;
  }

  /** Forgets the units used longest ago; the one in use is the youngest and stays. */
  private account(bytes: number): void {
    this.loadedBytes += bytes;
    for (const [offset, unit] of this.loaded) {
      if (this.loadedBytes <= LOADED_UNITS_BYTES || this.loaded.size <= 2) return;
      this.loaded.delete(offset);
      this.loadedBytes -= sizeOf(unit);
    }
  }

  private path(loaded: LoadedUnit, file: number): string | null {
    let path = loaded.paths.get(file);
    if (path === undefined) {
      path = this.guard(() => this.readPath(loaded, file));
      loaded.paths.set(file, path);
    }
    return path;
  }

  private readPath(loaded: LoadedUnit, file: number): string | null {
    const { header } = loaded.lines!;
    const entry = header.files[file];
    const name = entry && textOf(entry.name, this.sections, loaded.unit);
    if (!name) return null;
    if (name.startsWith('/')) return posix.normalize(name);
    const folder = textOf(header.folders[entry.folder] ?? null, this.sections, loaded.unit) ?? '';
    const compDir = loaded.unit.compDir ?? '';
    // Distributions map their build folder to `.`, in both: then a folder counts from the root of the source, as does compDir.
    const fromRoot = !compDir.startsWith('/') && compDir.startsWith('.');
    if (fromRoot && name.startsWith('./')) return posix.normalize(name);
    const isWhole = folder.startsWith('/') || (fromRoot && /^\.(\/|$)/.test(folder));
    return posix.join(isWhole ? '' : compDir, folder, name);
  }

  /** A broken unit costs its own names; what was wrong is kept for `badFiles`. */
  private guard<T>(read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.report(error.message);
      return null;
    }
  }

  private report(problem: string): void {
    if (this.problems.size < MAX_PROBLEMS) this.problems.add(problem);
  }
}

function sizeOf(loaded: LoadedUnit): number {
  return 4_096 + (loaded.lines ? sizeOfLineTable(loaded.lines) : 0) + (loaded.functions?.lows.length ?? 0) * 24;
}
