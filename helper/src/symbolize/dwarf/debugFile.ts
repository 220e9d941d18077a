// The debug information of one file: its units, loaded when they are asked for and forgotten oldest first. One is the program or
// its debug file; others are split units (split.ts) and the supplementary file (dwz).

import { posix } from 'node:path';
import { FormatError } from '../../bytes/cursor';
import { Lender } from '../../bytes/source';
import type { LiveCode } from '../../elf/liveCode';
import { MAX_UNIT_BYTES } from '../limits';
import { AbbreviationTable } from './abbreviations';
import { sizeOfContested } from './contested';
import { type FunctionIndex, indexFunctions, sizeOfFunctions } from './functions';
import { type InlineCall, type InlineTree, readInlineCall, readInlines, sizeOfInlines } from './inlines';
import { type LineHeader, readLineEntry, readLineHeader } from './lineHeader';
import { findRow, type LineTable, readLineTable, sizeOfLineTable } from './lineProgram';
import { readOwnIndex } from './ownIndex';
import { textOf } from './strings';
import type { DwarfSections, StringRef, Unit, UnitHeader } from './types';
import { findUnits, indexUnits, orderByUnit, type UnitIndex, unitHolding, unitOffsets } from './unitIndex';
import { rangesOfUnit, readUnit, readUnitHeader } from './units';

/** A part of a unit that is read when it is asked for: undefined before, null where it cannot be read. */
type Lazy<T> = T | null | undefined;

export interface LoadedUnit {
  readonly unit: Unit;
  readonly abbreviations: AbbreviationTable;
  functions: Lazy<FunctionIndex>;
  /** Offsets of functions' entries that turned out to be of code that was thrown away. */
  readonly deadFunctions: Set<number>;
  /** By offset of the function's entry. */
  readonly inlines: Map<number, InlineTree | null>;
  /** By offset of the inlined call's entry. */
  readonly calls: Map<number, InlineCall | null>;
  lineHeader: Lazy<LineHeader>;
  lines: Lazy<LineTable>;
  readonly files: Map<number, SourceFile>;
  /** Whose line table numbers the files: for a split unit its skeleton. */
  readonly lineOwner: { file: DebugFile; unit: LoadedUnit } | null;
  sizeBytes: number;
}

export interface SourceFile {
  /** Absolute where the debug information allows. */
  path: string | null;
  /** Hex. */
  md5: string | null;
}

export interface SourcePlace extends SourceFile {
  line: number | null;
  column: number | null;
}

export interface DebugFileOptions {
  /** Where `DW_FORM_GNU_ref_alt` and the like lead. */
  alt: DebugFile | null;
  live: LiveCode;
  /** Something could not be read: a plain sentence. */
  report: (problem: string) => void;
  /** What the units that are loaded at once may hold in typed arrays. */
  budgetBytes: number;
  /** For a split file: the unit in the program that it completes. */
  skeleton: { file: DebugFile; unit: LoadedUnit } | null;
}

const UNIT_BYTES = 4_096;
/** With its place in the map. */
const CALL_BYTES = 96;
/** Tables that several units share (dwz, some linkers). */
const MAX_SHARED_TABLES = 16;
const MAX_KEPT_TEXTS = 8_192;
/** Of one unit, told apart from living ones by their names only: its functions are listed anew for each. */
const MAX_DEAD_FUNCTIONS = 256;

/** The bytes of the unit looked at last. */
const lender = new Lender(() => {
  lent = null;
});
let lent: { unit: LoadedUnit; bytes: Buffer } | null = null;

export class DebugFile {
  private readonly loaded = new Map<number, LoadedUnit>();
  private loadedBytes = 0;
  private readonly tables = new Map<string, AbbreviationTable>();
  private index: UnitIndex | null = null;
  private offsets: Float64Array | null = null;
  /** By offset in the section. */
  private readonly texts = {
    str: new Map<number, string | null>(),
    lineStr: new Map<number, string | null>(),
    alt: new Map<number, string | null>(),
  };

  /** `sections.info` and `.abbrev` are there. */
  constructor(
    readonly sections: DwarfSections,
    private readonly options: DebugFileOptions,
  ) {}

  get alt(): DebugFile | null {
    return this.options.alt;
  }

  /** In typed arrays. */
  get sizeBytes(): number {
    if (!this.index) return this.loadedBytes;
    const { table, offsets, contested } = this.index;
    return table.starts.length * 12 + offsets.length * 8 + sizeOfContested(contested) + this.loadedBytes;
  }

  /** Offsets of the units that say that they hold the code at an address; more than one where some of it was thrown away. */
  unitsAt(address: number): number[] {
    this.index ??= this.indexUnits();
    return findUnits(this.index, address);
  }

  /** In which order to ask about addresses, so that no unit is read twice. */
  orderOf(addresses: Float64Array): Uint32Array {
    this.index ??= this.indexUnits();
    return orderByUnit(this.index, addresses);
  }

  /** Of all units but type units, rising. */
  unitOffsets(): Float64Array {
    this.offsets ??= this.index?.offsets ?? unitOffsets(this.sections.info!).offsets;
    return this.offsets;
  }

  /** The unit that an entry of .debug_info lies in. */
  unitHolding(dieOffset: number): LoadedUnit | null {
    const offset = unitHolding(this.unitOffsets(), dieOffset);
    return offset === null ? null : this.load(offset);
  }

  load(offset: number): LoadedUnit | null {
    const known = this.loaded.get(offset);
    if (known) {
      this.loaded.delete(offset);
      this.loaded.set(offset, known);
      return known;
    }
    const loaded = this.guard(() => {
      const { unit, abbreviations } = this.read(offset);
      return this.makeUnit(unit, abbreviations);
    });
    if (!loaded) return null;
    this.loaded.set(offset, loaded);
    this.account(loaded, UNIT_BYTES + loaded.abbreviations.sizeBytes);
    return loaded;
  }

  /** The function that holds the address: offset of its entry. */
  functionAt(loaded: LoadedUnit, address: number): number | null {
    if (loaded.functions === undefined) this.readFunctions(loaded, false);
    let found = loaded.functions ? findIn(loaded.functions, address) : null;
    if (found === null && loaded.functions?.isShallow) {
      this.readFunctions(loaded, true);
      found = loaded.functions ? findIn(loaded.functions, address) : null;
    }
    return found;
  }

  /** A function that was found has another name than the code has: it was thrown away. False: there are too many such. */
  forgetFunction(loaded: LoadedUnit, dieOffset: number): boolean {
    if (loaded.deadFunctions.size >= MAX_DEAD_FUNCTIONS) return false;
    loaded.deadFunctions.add(dieOffset);
    loaded.functions = undefined;
    return true;
  }

  inlinesOf(loaded: LoadedUnit, dieOffset: number): InlineTree | null {
    let tree = loaded.inlines.get(dieOffset);
    if (tree === undefined) {
      tree = this.guard(() => readInlines(this.bytesOf(loaded), dieOffset, this.contextOf(loaded)));
      loaded.inlines.set(dieOffset, tree);
      this.account(loaded, sizeOfInlines(tree));
    }
    return tree;
  }

  /** A call of such a tree. */
  inlineCall(loaded: LoadedUnit, dieOffset: number): InlineCall | null {
    let call = loaded.calls.get(dieOffset);
    if (call === undefined) {
      call = this.guard(() => readInlineCall(this.bytesOf(loaded), dieOffset, this.contextOf(loaded)));
      loaded.calls.set(dieOffset, call);
      this.account(loaded, CALL_BYTES);
    }
    return call;
  }

  /** What the line table says of the address. `declared`: where the function there is, if that is known. */
  lineAt(
    loaded: LoadedUnit,
    address: number,
    declared: { file: string | null; line: number | null } | null,
  ): SourcePlace | null {
    const table = this.linesOf(loaded);
    const isFile = (number: number) => this.file(loaded, number).path === declared?.file;
    const known = declared && declared.line !== null ? { line: declared.line, isFile } : null;
    const row = table ? findRow(table, address, known) : -1;
    if (!table || row < 0) return null;
    const { path, md5 } = this.file(loaded, table.files[row]);
    return { path, md5, line: table.lines[row] || null, column: table.columns[row] || null };
  }

  /** A source file by the number that the unit's line table gives it. */
  file(loaded: LoadedUnit, number: number): SourceFile {
    if (loaded.lineOwner) return loaded.lineOwner.file.file(loaded.lineOwner.unit, number);
    let found = loaded.files.get(number);
    if (!found) {
      found = this.guard(() => this.readFile(loaded, number)) ?? { path: null, md5: null };
      loaded.files.set(number, found);
      this.account(loaded, 128);
    }
    return found;
  }

  /** Throws FormatError. */
  text(ref: StringRef | null, { unit }: LoadedUnit): string | null {
    if (!ref || !('section' in ref)) return textOf(ref, this.sections, unit);
    // Units share their strings, of which one file has few that are asked for.
    const known = this.texts[ref.section];
    let text = known.get(ref.offset);
    if (text === undefined) {
      text = textOf(ref, this.sections, unit, this.options.alt?.sections);
      if (known.size >= MAX_KEPT_TEXTS) known.clear();
      known.set(ref.offset, text);
    }
    return text;
  }

  /** A broken unit costs its own names; what was wrong is kept for `badFiles`. */
  guard<T>(read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.options.report(error.message);
      return null;
    }
  }

  private read(offset: number): { unit: Unit; abbreviations: AbbreviationTable } {
    const header = readUnitHeader(this.sections.info!, offset);
    const abbreviations = this.tableOf(header);
    const unit = readUnit(header, this.sections, abbreviations, this.options.skeleton?.unit.unit ?? null);
    return { unit, abbreviations };
  }

  private makeUnit(unit: Unit, abbreviations: AbbreviationTable): LoadedUnit {
    return {
      unit,
      abbreviations,
      functions: undefined,
      deadFunctions: new Set(),
      inlines: new Map(),
      calls: new Map(),
      lineHeader: undefined,
      lines: undefined,
      files: new Map(),
      lineOwner: this.options.skeleton,
      sizeBytes: 0,
    };
  }

  private tableOf(header: UnitHeader): AbbreviationTable {
    const key = `${header.abbrevOffset} ${header.version} ${header.addressBytes} ${header.offsetBytes}`;
    let table = this.tables.get(key);
    if (!table) {
      table = new AbbreviationTable(this.sections.abbrev!, header.abbrevOffset, header);
      if (this.tables.size >= MAX_SHARED_TABLES) this.tables.delete(this.tables.keys().next().value as string);
      this.tables.set(key, table);
    }
    return table;
  }

  private indexUnits(): UnitIndex {
    const index = indexUnits(
      this.sections.info!,
      {
        unit: (offset) => this.read(offset).unit,
        ranges: (unit, sink) => rangesOfUnit(unit, this.sections, sink),
        isLive: (low, high) => this.options.live.isLive(low, high, 'unit'),
        rangesByLines: (offset, sink) => {
          const loaded = this.load(offset);
          const table = loaded && this.linesOf(loaded);
          table?.sequences.forEach((low, high) => {
            sink.range(low, high);
          });
        },
      },
      (onRange) => readOwnIndex(this.sections, onRange),
    );
    if (index.damage) this.options.report(index.damage);
    return index;
  }

  private readFunctions(loaded: LoadedUnit, deep: boolean): void {
    loaded.functions = this.guard(() =>
      indexFunctions(this.bytesOf(loaded), this.contextOf(loaded), deep, this.options.live, loaded.deadFunctions),
    );
    if (loaded.functions?.damage) this.options.report(loaded.functions.damage);
    this.account(loaded, loaded.functions ? sizeOfFunctions(loaded.functions) : 0);
  }

  private linesOf(loaded: LoadedUnit): LineTable | null {
    if (loaded.lines === undefined) {
      const header = this.lineHeaderOf(loaded);
      const table = header && this.guard(() => readLineTable(this.sections.line!, header, this.options.live));
      if (table?.damage) this.options.report(table.damage);
      loaded.lines = table;
      this.account(loaded, table ? sizeOfLineTable(table) : 0);
    }
    return loaded.lines;
  }

  private lineHeaderOf(loaded: LoadedUnit): LineHeader | null {
    if (loaded.lineHeader === undefined) {
      const { line } = this.sections;
      const { stmtList, addressBytes } = loaded.unit;
      loaded.lineHeader = null;
      if (line && stmtList !== null && stmtList < line.sizeBytes)
        loaded.lineHeader = this.guard(() => readLineHeader(line, stmtList, addressBytes));
      this.account(loaded, loaded.lineHeader ? loaded.lineHeader.files.at.length * 8 : 0);
    }
    return loaded.lineHeader;
  }

  private readFile(loaded: LoadedUnit, number: number): SourceFile | null {
    const header = this.lineHeaderOf(loaded);
    const entry = header && readLineEntry(this.sections.line!, header, header.files, number);
    const name = entry && this.text(entry.name, loaded);
    if (!name) return null;
    return { path: this.pathOf(loaded, header, name, entry.folder), md5: entry.md5 };
  }

  private pathOf(loaded: LoadedUnit, header: LineHeader, name: string, folderNumber: number): string {
    if (name.startsWith('/')) return posix.normalize(name);
    const folderEntry = readLineEntry(this.sections.line!, header, header.folders, folderNumber);
    const folder = this.text(folderEntry?.name ?? null, loaded) ?? '';
    const compDir = this.text(loaded.unit.compDir, loaded) ?? '';
    // Distributions map their build folder to `.`, in both: then a folder counts from the root of the source, as does compDir.
    const fromRoot = !compDir.startsWith('/') && compDir.startsWith('.');
    if (fromRoot && name.startsWith('./')) return posix.normalize(name);
    // From DWARF 5 on, folder 0 is compDir itself.
    const isCompDir = folderNumber === 0 && header.version >= 5;
    const isWhole = isCompDir || folder.startsWith('/') || (fromRoot && /^\.(\/|$)/.test(folder));
    return posix.join(isWhole ? '' : compDir, folder, name);
  }

  private contextOf({ unit, abbreviations }: LoadedUnit) {
    return { unit, sections: this.sections, abbreviations };
  }

  /** The unit's bytes where they are in memory anyway. */
  bytesAtHand(loaded: LoadedUnit): Buffer | null {
    return lent?.unit === loaded ? lent.bytes : null;
  }

  /** From its first entry on; until the next unit is asked for. */
  private bytesOf(loaded: LoadedUnit): Buffer {
    if (lent?.unit !== loaded) {
      const { firstDie, end } = loaded.unit;
      if (end - firstDie > MAX_UNIT_BYTES) throw new FormatError(`unit of ${end - firstDie} bytes`);
      lent = null;
      lent = { unit: loaded, bytes: this.sections.info!.borrow(firstDie, end - firstDie, lender) };
    }
    return lent.bytes;
  }

  /** Forgets the units used longest ago; the one in use is the youngest and stays. */
  private account(loaded: LoadedUnit, bytes: number): void {
    loaded.sizeBytes += bytes;
    if (this.loaded.get(loaded.unit.offset) !== loaded) return;
    this.loadedBytes += bytes;
    for (const [offset, unit] of this.loaded) {
      if (this.loadedBytes <= this.options.budgetBytes || this.loaded.size <= 2) return;
      if (unit === loaded) continue;
      this.loaded.delete(offset);
      this.loadedBytes -= unit.sizeBytes;
    }
  }
}

function findIn({ code, dies }: FunctionIndex, address: number): number | null {
  const owner = code.ownerAt(address);
  return owner < 0 ? null : dies[owner];
}
