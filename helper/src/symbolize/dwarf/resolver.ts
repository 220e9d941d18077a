// Address -> the functions there and their source places, from DWARF. Reads the index of units at once and everything else
// only for units that are asked for. Called by fileSymbols.ts.

import type { Spill } from '../../elf/contents';
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
  isCode: (address: number) => boolean;
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
    const { isCode, opener, paths } = wanted;
    const common = { isCode, report, skeleton: null, budgetBytes: MAX_LOADED_UNITS_BYTES };
    const found = opener && (await openSupplement(elf, paths[0], opener, wanted.spill, report));
    const supplement =
      found?.sections.info && found.sections.abbrev
        ? { file: new DebugFile(found.sections, { ...common, alt: null }), close: found.close }
        : null;
    const file = new DebugFile(sections, { ...common, alt: supplement?.file ?? null });
    const split = opener && new SplitUnits(file, sections, opener, paths, isCode, report);
    return new DwarfResolver(file, split, supplement, problems);
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
    const unit = this.file.unitAt(address);
    return unit && this.file.lineAt(unit, address);
  }

  /** As DebugFile's. */
  orderOf(addresses: Float64Array): Uint32Array {
    return this.file.orderOf(addresses);
  }

  /** Innermost first; the last is the function that has the code, all before it were inlined. Empty: nothing is known. */
  levels(address: number): DwarfLevel[] {
    const found = this.file.unitAt(address);
    if (!found) return [];
    let place = this.file.lineAt(found, address) ?? NO_PLACE;
    const rest = found.unit.dwoName && this.split ? this.split.of(found) : null;
    const { file, unit } = rest ?? { file: this.file, unit: found };
    const die = file.functionAt(unit, address);
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

const NO_DECLARATION: Declaration = { linkageName: null, name: null, file: null, line: null };

function levelAt(
  { path, md5, line, column }: SourcePlace,
  declaration: Declaration | null,
  inlined: boolean,
): DwarfLevel {
  return { path, md5, line, column, declaration, inlined };
}
