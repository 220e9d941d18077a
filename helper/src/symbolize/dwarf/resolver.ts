// Address -> the functions there and their source places, from DWARF. Reads the index of units at once and everything else
// only for units that are asked for. Called by fileSymbols.ts.

import { ownerAt } from '../bytes/intervals';
import { MAX_KEPT_DECLARATIONS, MAX_LOADED_UNITS_BYTES } from '../limits';
import { DebugFile, type LoadedUnit, type SourcePlace } from './debugFile';
import { type Declaration, readDeclaration } from './declarations';
import type { DwarfSections } from './types';

/** One function at an address: the innermost stands where the line table says, the others where they call the one before. */
export interface DwarfLevel extends SourcePlace {
  /** Null where only the line table knows the place. */
  declaration: Declaration | null;
  inlined: boolean;
}

const MAX_PROBLEMS = 4;
const NO_PLACE: SourcePlace = { path: null, md5: null, line: null, column: null };

export class DwarfResolver {
  /** A few; a broken file would have thousands. */
  readonly problems = new Set<string>();
  private readonly file: DebugFile;
  /** By file, then by offset of the entry. */
  private readonly declarations = new Map<DebugFile, Map<number, Declaration>>();
  private declarationCount = 0;

  private constructor(sections: DwarfSections, isCode: (address: number) => boolean) {
    this.file = new DebugFile(sections, {
      alt: null,
      isCode,
      report: (problem) => this.report(problem),
      budgetBytes: MAX_LOADED_UNITS_BYTES,
      skeleton: null,
    });
  }

  /** Null where there is no debug information. */
  static open(sections: DwarfSections, isCode: (address: number) => boolean): DwarfResolver | null {
    if (!sections.info || !sections.abbrev) return null;
    return new DwarfResolver(sections, isCode);
  }

  /** Of what it holds in typed arrays. */
  get sizeBytes(): number {
    return this.file.sizeBytes + this.declarationCount * 256;
  }

  line(address: number): SourcePlace | null {
    const unit = this.file.unitAt(address);
    return unit && this.file.lineAt(unit, address);
  }

  /** Innermost first; the last is the function that has the code, all before it were inlined. Empty: nothing is known. */
  levels(address: number): DwarfLevel[] {
    const unit = this.file.unitAt(address);
    if (!unit) return [];
    let place = this.file.lineAt(unit, address) ?? NO_PLACE;
    const { file } = this;
    const die = file.functionAt(unit, address);
    if (die === null) return place === NO_PLACE ? [] : [{ ...place, declaration: null, inlined: false }];
    const levels: DwarfLevel[] = [];
    const tree = file.inlinesOf(unit, die);
    if (tree)
      for (let call = ownerAt(tree.table, address); call >= 0; call = tree.parents[call]) {
        levels.push({ ...place, declaration: this.declaration(file, unit, tree.origins[call]), inlined: true });
        const line = tree.callLines[call] || null;
        const column = tree.callColumns[call] || null;
        place = line === null ? NO_PLACE : { ...file.file(unit, tree.callFiles[call]), line, column };
      }
    levels.push({ ...place, declaration: this.declaration(file, unit, die), inlined: false });
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

  private report(problem: string): void {
    if (this.problems.size < MAX_PROBLEMS) this.problems.add(problem);
  }
}

const NO_DECLARATION: Declaration = { linkageName: null, name: null, file: null, line: null };
