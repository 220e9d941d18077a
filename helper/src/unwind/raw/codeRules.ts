// The rules of a process's code as the kernel's pages hold them, for walks in user space: what bpf/lib/unwind_pages.bpf.h
// finds for the walk in BPF. And what kept a walk from going on at an address that has no rule.

import { MapsTable } from '../../process/mapsTable';
import type { Code } from '../../process/processes';
import type { RawFrame } from '../../process/types';
import type { TruncationReason } from '../../protocol';
import type { RuntimeCode } from '../../runtimes/processRuntimes';
import { type CodeTable, type Range, rangesOfMapping } from '../load/code';
import type { PlacedTable } from '../load/tables';
import {
  ROW_WORDS,
  UNWIND_GO,
  UNWIND_NONE,
  UNWIND_PAGE_PCS,
  UNWIND_PAGE_ROWS,
  UNWIND_PAGE_WIDE_RULES,
  UNWIND_RUNTIME,
  UNWIND_RUNTIME_SHIFT,
  WIDE_RULE_WORDS,
} from '../rows';
import type { Rules, WideRule } from './walk';

export interface CodeTables {
  /** Null: code without a file, made at run time. */
  tableOf(code: Code): CodeTable | null;
  /** A copy of a page of tables. */
  readPage(page: number): Uint32Array;
}

export class CodeRules implements Rules {
  private readonly code: MapsTable<Code>;
  private readonly ranges = new Map<Code, Range[]>();
  private readonly known = new Map<number, number>();
  /** Read once for all walks that follow each other. */
  private readonly pages = new Map<number, Uint32Array>();

  constructor(
    code: Iterable<Code>,
    /** Null: there are none. */
    private readonly tables: CodeTables | null,
    /** By address. */
    private readonly runtimes: readonly RuntimeCode[] = [],
  ) {
    this.code = MapsTable.of(code);
  }

  ruleAt(address: number): number {
    let rule = this.known.get(address);
    if (rule === undefined) {
      rule = this.lookUp(address);
      this.known.set(address, rule);
    }
    return rule;
  }

  wideRule(index: number): WideRule | null {
    const words = this.page(Math.floor(index / UNWIND_PAGE_WIDE_RULES));
    const at = (index % UNWIND_PAGE_WIDE_RULES) * WIDE_RULE_WORDS;
    const last = words[at + 3];
    return {
      cfaOffset: words[at] | 0,
      fpOffset: words[at + 1] | 0,
      raOffset: words[at + 2] | 0,
      cfaBase: last & 0xff,
      fpBase: (last >>> 8) & 0xff,
      raBase: (last >>> 16) & 0xff,
      cfaAddend: last >> 24,
    };
  }

  /** Why there is no rule at `address`; null: there is one, or no code that is known. */
  causeAt(address: number): TruncationReason | null {
    const code = this.code.find(address);
    if (!code || this.ruleAt(address) !== UNWIND_NONE) return null;
    const table = this.tables?.tableOf(code);
    if (!table) return 'jitCode';
    if (table.state === 'failed') return 'unreadableFile';
    if (table.state !== 'loaded') return 'tablesNotReady';
    return table.table?.placed.rowCount ? 'noUnwindInfo' : 'stripped';
  }

  /** The same for the first of a stack's addresses, innermost first, that has no rule: from there on it was guessed. */
  causeOf(user: readonly RawFrame[]): TruncationReason | null {
    for (const [i, address] of user.entries()) {
      if (typeof address !== 'number') continue;
      const cause = this.causeAt(i === 0 ? address : address - 1);
      if (cause) return cause;
    }
    return null;
  }

  private lookUp(address: number): number {
    const code = this.code.find(address);
    const rule = code ? this.ruleOfTable(code, address) : UNWIND_NONE;
    if (!code || rule !== UNWIND_NONE) return rule;
    const own = this.runtimes.find(({ start, end }) => start <= address && address < end);
    return own ? UNWIND_RUNTIME | (own.runtime << UNWIND_RUNTIME_SHIFT) : UNWIND_NONE;
  }

  private ruleOfTable(code: Code, address: number): number {
    const table = this.tables?.tableOf(code);
    if (!table) return UNWIND_NONE;
    let ranges = this.ranges.get(code);
    if (!ranges) {
      ranges = rangesOfMapping({ ...code, ...table });
      this.ranges.set(code, ranges);
    }
    const range = ranges.findLast(({ start }) => start <= address);
    const rule = range?.placed
      ? this.rowOf(range.placed, address - Number(BigInt.asIntN(64, range.base)))
      : UNWIND_NONE;
    return rule === UNWIND_NONE && table.keepsFramePointers ? UNWIND_GO : rule;
  }

  /** The rule at `pc` of a table: struct code_range and the pages below it. */
  private rowOf({ page, first, count, levels, indexCount }: PlacedTable, pc: number): number {
    if (count === 0 || pc < 0 || pc >= 2 ** 32) return UNWIND_NONE;
    let rowsAt = page;
    if (levels > 0) {
      const above = lastNotAbove(this.page(page), 1, 0, indexCount, pc);
      rowsAt = page + 1 + above;
      if (levels === 2)
        rowsAt =
          page + 1 + indexCount + above * UNWIND_PAGE_PCS + lastNotAbove(this.page(rowsAt), 1, 0, UNWIND_PAGE_PCS, pc);
    }
    const rows = this.page(rowsAt);
    const row = first + lastNotAbove(rows, ROW_WORDS, first, Math.min(count, UNWIND_PAGE_ROWS - first), pc);
    return rows[row * ROW_WORDS] <= pc ? rows[row * ROW_WORDS + 1] : UNWIND_NONE;
  }

  private page(number: number): Uint32Array {
    let words = this.pages.get(number);
    if (!words) {
      words = this.tables?.readPage(number) ?? new Uint32Array(0);
      this.pages.set(number, words);
    }
    return words;
  }
}

/** Of `count` sorted entries from `first` on, counted from there: the last that is not above `key`; 0 where all are. */
function lastNotAbove(words: Uint32Array, stride: number, first: number, count: number, key: number): number {
  let [found, left] = [0, count];
  while (left > 1) {
    const half = left >>> 1;
    if (words[(first + found + half) * stride] <= key) found += half;
    left -= half;
  }
  return found;
}
