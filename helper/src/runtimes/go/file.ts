// A file that Go's linker made, for those who unwind and name: its pclntab is found once, and asked for both.

import { FormatError } from '../../bytes/cursor';
import type { ElfFile } from '../../elf/parser';
import type { CompiledFile, CompiledNames, CompiledPlace, UnwindRowSink } from '../types';
import { findPclntab } from './pclntab/parser';
import { findGoPlaces } from './pclntab/resolver';
import type { Pclntab } from './pclntab/types';
import { shortGoName } from './shortName';
import { addGoRows } from './unwindRows';

const EM_AARCH64 = 183;

export class GoFile implements CompiledFile, CompiledNames {
  private constructor(
    private readonly elf: ElfFile,
    private readonly table: Pclntab | FormatError,
  ) {}

  /** Null: no Go program, or none whose table can be found. A damaged one is told of by whoever asks for more. */
  static open(elf: ElfFile): GoFile | null {
    try {
      const table = findPclntab(elf);
      return table && new GoFile(elf, table);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return new GoFile(elf, error);
    }
  }

  addUnwindRows(code: { baseAddress: number; endAddress: number }, rows: UnwindRowSink): void {
    addGoRows(this.sound(), code, rows, this.elf.source.read(18, 2).readUInt16LE() === EM_AARCH64);
  }

  names(): CompiledNames {
    this.sound();
    return this;
  }

  placesAt(address: number, withInlined: boolean): CompiledPlace[] {
    return findGoPlaces(this.sound(), address, withInlined).map((found): CompiledPlace => {
      const name = shortGoName(found.name);
      return {
        name,
        fullName: name === found.name ? null : found.name,
        linkageName: found.name,
        inlined: found.inlined,
        file: found.file,
        line: found.line,
        functionFile: found.startFile,
        functionLine: found.startLine,
      };
    });
  }

  private sound(): Pclntab {
    if (this.table instanceof FormatError) throw this.table;
    return this.table;
  }
}
