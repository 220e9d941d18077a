// Tells code that is in the program from code that the linker threw away. What describes the latter stays in the debug
// information, and says that it lies at 0 or 1 (bfd, lld, mold), at -1 or -2 (lld on demand), or at its offset in the section that
// was thrown away (gold, and lists that begin at such a base). Where living code lies there too (libraries whose code stands beside
// the headers, programs linked at 0), the address alone tells nothing: the symbols, or the unwind information where there are
// none, say which functions begin and end there, and the names say which of two functions of one size it is.
// Values: LLD's "Discarded sections" (-z dead-reloc-in-nonalloc); binutils' bfd/reloc.c, _bfd_clear_contents.

import { flatten, IntervalList, type IntervalTable, ownerAt } from '../bytes/intervals';
import { MAX_SECTIONS } from './limits';
import type { ElfFile } from './parser';
import { SHF_ALLOC, SHF_EXECINSTR } from './types';

/** Linkers write one of these, whatever was there. */
const LAST_TOMBSTONE = 1;

/** One piece of a function, of a unit with any number of them, or a sequence of rows of a line table. */
export type Described = 'function' | 'unit' | 'lines';

export interface FunctionBounds {
  start: number;
  /** First address behind; null: not known. */
  end: number | null;
}

export interface KnownFunctions {
  /** The innermost function around an address; null where nothing is known. */
  boundsOf(address: number): FunctionBounds | null;
  /** All names that the linker has for functions which begin there; null: not known. */
  namesAt(start: number): string[] | null;
}

export class LiveCode {
  private readonly sections: Pick<ElfFile['sections'][number], 'address' | 'sizeBytes'>[];
  private readonly table: IntervalTable;

  /** `withSections`: the program, or its debug file where the program has no section table. */
  constructor(
    private readonly elf: Pick<ElfFile, 'isCode'>,
    withSections: Pick<ElfFile, 'sections'>,
    private readonly functions: KnownFunctions,
  ) {
    const list = new IntervalList(MAX_SECTIONS + 1);
    this.sections = withSections.sections.filter((s) => s.flags & SHF_ALLOC && s.flags & SHF_EXECINSTR);
    this.sections.forEach(({ address, sizeBytes }, i) => {
      list.add(address, address + sizeBytes, i);
    });
    this.table = flatten(list);
  }

  /** May what describes the code from `low` up to `high` be about code that is in the program? */
  isLive(low: number, high: number, what: Described): boolean {
    if (!this.isWithinSection(low, high)) return false;
    const first = this.functions.boundsOf(low);
    if (!first) {
      if (low <= LAST_TOMBSTONE) return false;
      // No function begins here, but another one begins further on and does not end in time.
      const last = this.functions.boundsOf(high - 1);
      return !last || last.start <= low || last.end === null || last.end <= high;
    }
    if (first.end === null) return true;
    // Nothing begins in the middle of a function, but GCC has no line for the first instructions of what it puts apart (`foo.cold`).
    if (first.start < low && what !== 'lines') return false;
    if (first.end === high) return true;
    if (what === 'function' || first.end > high) return false;
    const last = this.functions.boundsOf(high - 1);
    return !last || last.end === null || last.end <= high;
  }

  /** Could code of this address have been thrown away, whatever else is known? Then only names can tell. */
  isTombstone(low: number): boolean {
    return low <= LAST_TOMBSTONE;
  }

  /** May a function of these names (as the linker and as the source have it) be the one that begins at `start`? */
  isNamed(start: number, linkageName: string | null, name: string | null): boolean {
    const known = this.functions.namesAt(start);
    if (!known || known.length === 0) return true;
    if (linkageName !== null) {
      const wanted = withoutSuffix(linkageName);
      return known.some((symbol) => withoutSuffix(symbol) === wanted);
    }
    // Local functions of C++ and the like have no linkage name, but theirs is a part of the mangled one.
    if (name === null || !/^\w+$/.test(name)) return true;
    return known.some((symbol) => symbol.toLowerCase().includes(name.toLowerCase()));
  }

  /** First address of the function around an address, as it is known. */
  startOf(address: number): number | null {
    return this.functions.boundsOf(address)?.start ?? null;
  }

  private isWithinSection(low: number, high: number): boolean {
    if (!(high > low) || !this.elf.isCode(low)) return false;
    if (this.sections.length === 0) return true;
    const section = this.sections[ownerAt(this.table, low)];
    return section !== undefined && high <= section.address + section.sizeBytes;
  }
}

/** Of `foo.isra.0`, `foo@@VERS_1` what the compiler was told. */
function withoutSuffix(symbol: string): string {
  return symbol.replace(/(?!^)[.@].*$/, '');
}
