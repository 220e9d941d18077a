// Split debug information (-gsplit-dwarf): the program has a skeleton of each unit, the rest is in a .dwo file beside the object,
// or in one package for all (.dwp) beside the program. Only for units that have samples; a few files are kept open. DWARF 5, 3.1.2
// and 3.1.3; GNU's way before: the wiki page "DebugFission" of GCC.

import { posix } from 'node:path';
import type { LiveCode } from '../../elf/liveCode';
import { MAX_LOADED_UNITS_BYTES, MAX_OPEN_SPLIT_FILES } from '../limits';
import { DebugFile, type LoadedUnit } from './debugFile';
import type { ElfOpener, OpenedElf } from './opener';
import { DwarfPackage } from './package';
import { readSplitSections } from './sections';
import type { DwarfSections } from './types';

export interface CodeUnit {
  file: DebugFile;
  unit: LoadedUnit;
}

interface Opened {
  found: CodeUnit | null;
  opened: OpenedElf | null;
}

export class SplitUnits {
  /** By offset of the skeleton, last used last. */
  private readonly known = new Map<number, Opened>();
  /** Undefined: not looked for. */
  private package: { index: DwarfPackage; opened: OpenedElf } | null | undefined;

  constructor(
    private readonly program: DebugFile,
    private readonly sections: DwarfSections,
    private readonly opener: ElfOpener,
    /** The program, and the file with its debug information where that is another one. */
    private readonly paths: string[],
    private readonly live: LiveCode,
    private readonly report: (problem: string) => void,
  ) {}

  /** What completes the skeleton; null where it cannot be found. */
  of(skeleton: LoadedUnit): CodeUnit | null {
    const { offset } = skeleton.unit;
    let entry = this.known.get(offset);
    if (entry && entry.found?.unit.lineOwner?.unit !== skeleton && entry.found) {
      // The skeleton was forgotten and read again.
      this.drop(offset, entry);
      entry = undefined;
    }
    if (!entry) entry = this.program.guard(() => this.find(skeleton)) ?? { found: null, opened: null };
    this.known.delete(offset);
    this.known.set(offset, entry);
    for (const [oldest, old] of this.known) {
      if (this.known.size <= MAX_OPEN_SPLIT_FILES) break;
      this.drop(oldest, old);
    }
    return entry.found;
  }

  close(): void {
    for (const [offset, entry] of this.known) this.drop(offset, entry);
    this.package?.opened.close();
    this.package = null;
  }

  get sizeBytes(): number {
    let total = 0;
    for (const { found } of this.known.values()) total += found?.file.sizeBytes ?? 0;
    return total;
  }

  private drop(offset: number, { opened }: Opened): void {
    this.known.delete(offset);
    opened?.close();
  }

  private find(skeleton: LoadedUnit): Opened {
    const { dwoId } = skeleton.unit;
    const packed = dwoId === null ? null : this.openPackage()?.index.sectionsOf(dwoId);
    const fromPackage = packed ? this.unitIn(packed, skeleton) : null;
    if (fromPackage) return { found: fromPackage, opened: null };
    const name = this.program.text(skeleton.unit.dwoName, skeleton) ?? '';
    const compDir = this.program.text(skeleton.unit.compDir, skeleton) ?? '';
    let problem = `split debug information is missing: ${name}`;
    for (const path of this.candidates(name, compDir)) {
      const opened = this.opener.open(path);
      if (!opened) continue;
      const found = this.program.guard(() => this.unitIn(readSplitSections(opened.elf, this.sections), skeleton));
      if (found) return { found, opened };
      opened.close();
      problem = `${path} belongs to another build`;
    }
    this.report(problem);
    return { found: null, opened: null };
  }

  private candidates(name: string, compDir: string): Set<string> {
    const paths = new Set<string>();
    if (name === '') return paths;
    paths.add(posix.resolve('/', compDir, name));
    for (const path of this.paths) {
      const folder = posix.dirname(path);
      paths.add(posix.resolve(folder, name));
      paths.add(posix.join(folder, posix.basename(name)));
    }
    return paths;
  }

  private openPackage(): { index: DwarfPackage; opened: OpenedElf } | null {
    if (this.package !== undefined) return this.package;
    this.package = null;
    for (const path of this.paths) {
      const opened = this.opener.open(`${path}.dwp`);
      const index = opened && this.program.guard(() => DwarfPackage.open(opened.elf, this.sections));
      if (opened && index) {
        this.package = { index, opened };
        break;
      }
      opened?.close();
    }
    return this.package;
  }

  /** Null where the file has no unit of the skeleton's id. Throws FormatError. */
  private unitIn(sections: DwarfSections, skeleton: LoadedUnit): CodeUnit | null {
    if (!sections.info || !sections.abbrev) return null;
    const file = new DebugFile(sections, {
      alt: null,
      live: this.live,
      report: this.report,
      budgetBytes: MAX_LOADED_UNITS_BYTES / MAX_OPEN_SPLIT_FILES,
      skeleton: { file: this.program, unit: skeleton },
    });
    for (const offset of file.unitOffsets()) {
      const unit = file.load(offset);
      if (unit && unit.unit.dwoId === skeleton.unit.dwoId) return { file, unit };
    }
    return null;
  }
}
