// Address -> the functions there and their source places, from DWARF. Reads the index of units at once and everything else only for
// units that are asked for.

import type { Spill } from '../../elf/contents';
import type { LiveCode } from '../../elf/liveCode';
import type { ElfFile } from '../../elf/parser';
import { MAX_KEPT_DECLARATIONS, MAX_LOADED_UNITS_BYTES } from '../limits';
import { DebugFile, type LoadedUnit, type SourcePlace } from './debugFile';
import { type Declaration, readDeclaration } from './declarations';
import type { ElfOpener } from './opener';
import { readSections } from './sections';
import { SplitUnits } from './split';
import { openSupplement } from './supplement';

/** One function at an address: the innermost stands where the line table says, the others where they call the one before. */
export interface DwarfLevel extends SourcePlace {
  /** Null where only the line table knows the place. */
  declaration: Declaration | null;
  inlined: boolean;
}

export interface DwarfOptions {
  live: LiveCode;
  /** Null: no further files are looked for. */
  opener: ElfOpener | null;
  /** Of the file with the debug information, then of the program where that is another one. */
  paths: string[];
  spill: Spill;
}

/** A few; a broken file would have thousands. */
const MAX_PROBLEMS = 4;
const NO_PLACE: SourcePlace = { path: null, md5: null, line: null, column: null };

export class DwarfResolver {
  /** By file, then by offset of the entry. */
  private readonly declarations = new Map<DebugFile, Map<number, Declaration>>();
  private declarationCount = 0;

  private constructor(
    private readonly file: DebugFile,
    private readonly split: SplitUnits | null,
    private readonly supplement: { file: DebugFile; close: () => void } | null,
    private readonly live: LiveCode,
    readonly problems: Set<string>,
  ) {}

  /** Null where there is no debug information. Rejects with FormatError where its sections cannot be read. */
  static async open(elf: ElfFile, wanted: DwarfOptions): Promise<DwarfResolver | null> {
    const sections = await readSections(elf, wanted.spill);
    if (!sections.info || !sections.abbrev) return null;
    const problems = new Set<string>();
    const report = (problem: string) => {
      if (problems.size < MAX_PROBLEMS) problems.add(problem);
    };
    const { live, opener, paths } = wanted;
    const common = { live, report, skeleton: null, budgetBytes: MAX_LOADED_UNITS_BYTES };
    const found = opener && (await openSupplement(elf, paths[0], opener, wanted.spill, report));
    const supplement =
      found?.sections.info && found.sections.abbrev
        ? { file: new DebugFile(found.sections, { ...common, alt: null }), close: found.close }
        : null;
    const file = new DebugFile(sections, { ...common, alt: supplement?.file ?? null });
    const split = opener && new SplitUnits(file, sections, opener, paths, live, report);
    return new DwarfResolver(file, split, supplement, live, problems);
  }

  /** Closes the further files that it has opened. */
  close(): void {
    this.split?.close();
    this.supplement?.close();
  }

  /** Of what it holds in typed arrays. */
  get sizeBytes(): number {
    const others = (this.split?.sizeBytes ?? 0) + (this.supplement?.file.sizeBytes ?? 0);
    return this.file.sizeBytes + others + this.declarationCount * 256;
  }

  line(address: number): SourcePlace | null {
    const found = this.find(address);
    return found && this.lineAt(found, address);
  }

  /** As DebugFile's. */
  orderOf(addresses: Float64Array): Uint32Array {
    return this.file.orderOf(addresses);
  }

  /** Innermost first; the last is the function that has the code, all before it were inlined. Empty: nothing is known. */
  levels(address: number): DwarfLevel[] {
    const found = this.find(address);
    if (!found) return [];
    let place = this.lineAt(found, address) ?? NO_PLACE;
    const { file, unit, die } = found;
    if (die === null) return place === NO_PLACE ? [] : [levelAt(place, null, false)];
    const levels: DwarfLevel[] = [];
    const tree = file.inlinesOf(unit, die);
    if (tree)
      for (let call = tree.code.ownerAt(address); call >= 0; call = tree.parents[call]) {
        const hit = file.inlineCall(unit, tree.dies[call]);
        if (!hit) break;
        const { origin, file: fileNumber, line, column } = hit;
        levels.push(levelAt(place, this.declaration(file, unit, origin), true));
        if (line === 0) place = NO_PLACE;
        else {
          const { path, md5 } = file.file(unit, fileNumber);
          place = { path, md5, line, column: column || null };
        }
      }
    levels.push(levelAt(place, this.declaration(file, unit, die), false));
    return levels;
  }

  /** The unit that has the code, of several the one with a function there; what was thrown away is none. */
  private find(address: number): FoundCode | null {
    let first: FoundCode | null = null;
    for (const offset of this.file.unitsAt(address)) {
      const lines = this.file.load(offset);
      if (!lines) continue;
      const rest = lines.unit.dwoName && this.split ? this.split.of(lines) : null;
      const { file, unit } = rest ?? { file: this.file, unit: lines };
      const found = { lines, file, unit, die: this.functionAt(file, unit, address) };
      if (found.die !== null) return found;
      // Rows that belong to no function of such a unit are those of what was thrown away.
      if (!unit.functions?.hasDeadCode) first ??= found;
    }
    return first;
  }

  private functionAt(file: DebugFile, unit: LoadedUnit, address: number): number | null {
    for (;;) {
      const die = file.functionAt(unit, address);
      if (die === null || !unit.functions?.hasDeadCode) return die;
      const start = this.live.startOf(address);
      const declaration = this.declaration(file, unit, die);
      if (start === null || !declaration || this.live.isNamed(start, declaration.linkageName, declaration.name))
        return die;
      if (!file.forgetFunction(unit, die)) return null;
    }
  }

  private lineAt(found: FoundCode, address: number): SourcePlace | null {
    return this.file.lineAt(found.lines, address, found.unit.functions?.hasDeadCode ? this.beginOf(found) : null);
  }

  /** Where a function's lines begin: at its declaration; where only line tables are there, at the first call inlined into it. */
  private beginOf({ file, unit, die }: FoundCode): { file: string | null; line: number | null } | null {
    if (die === null) return null;
    const declaration = this.declaration(file, unit, die);
    if (declaration && declaration.line !== null) return declaration;
    const tree = file.inlinesOf(unit, die);
    const first = tree && file.inlineCall(unit, tree.dies[0]);
    return first && { file: file.file(unit, first.file).path, line: first.line };
  }

  private declaration(file: DebugFile, unit: LoadedUnit, reference: number): Declaration | null {
    let found = this.declarations.get(file)?.get(reference);
    if (!found) {
      found = file.guard(() => readDeclaration(file, unit, reference)) ?? NO_DECLARATION;
      if (this.declarationCount >= MAX_KEPT_DECLARATIONS) {
        this.declarations.clear();
        this.declarationCount = 0;
      }
      const known = this.declarations.get(file) ?? new Map<number, Declaration>();
      this.declarations.set(file, known.set(reference, found));
      this.declarationCount++;
    }
    return found === NO_DECLARATION ? null : found;
  }
}

/** What is known of the code at an address. */
interface FoundCode {
  /** The unit whose line table has the code; it is the same as `unit`, or that one's skeleton. */
  lines: LoadedUnit;
  file: DebugFile;
  unit: LoadedUnit;
  /** Entry of the function; null where there is none. */
  die: number | null;
}

const NO_DECLARATION: Declaration = { linkageName: null, name: null, file: null, line: null };

function levelAt(
  { path, md5, line, column }: SourcePlace,
  declaration: Declaration | null,
  inlined: boolean,
): DwarfLevel {
  return { path, md5, line, column, declaration, inlined };
}
