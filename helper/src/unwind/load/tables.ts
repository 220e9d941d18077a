// Puts compiled tables into the kernel's pages: rows in pages of 512, over them the index that the walker descends
// (bpf/lib/unwind_pages.bpf.h). Tables of less than half a page share pages.

import {
  kindOf,
  ROW_WORDS,
  UNWIND_PAGE_BYTES,
  UNWIND_PAGE_PCS,
  UNWIND_PAGE_ROWS,
  UNWIND_PAGE_WIDE_RULES,
  UNWIND_WIDE,
  UNWIND_WIDE_SHIFT,
  wideIndexOf,
} from '../rows';
import type { UnwindTable } from '../table';
import type { PagePool } from './pages';

/** Where the rows of a table are: struct code_range without its address. */
export interface PlacedTable {
  page: number;
  first: number;
  count: number;
  levels: number;
  /** Entries of the topmost index page. */
  indexCount: number;
  rowCount: number;
  /** Kernel memory that is this table's alone or its share. */
  sizeBytes: number;
  /** Gives the pages back. */
  release(): void;
}

/** Tables up to this many rows are put together. */
const SHARED_MAX_ROWS = UNWIND_PAGE_ROWS / 2;
const UNUSED_PC = 0xffff_ffff;

interface SharedPage {
  page: number;
  filled: number;
  users: number;
}

export class TablePlacer {
  private open: SharedPage | null = null;

  constructor(private readonly pool: PagePool) {}

  /** Null where there is no room. An empty table takes none. */
  place(table: UnwindTable): PlacedTable | null {
    const wide = this.placeWideRules(table.wideRules);
    if (wide === null) return null;
    const rows = relocate(table.rows, wide.page);
    const placed = rows.length / ROW_WORDS <= SHARED_MAX_ROWS ? this.placeSmall(rows) : this.placeTree(rows);
    if (placed === null) {
      wide.release();
      return null;
    }
    return {
      ...placed,
      rowCount: rows.length / ROW_WORDS,
      sizeBytes: placed.sizeBytes + wide.sizeBytes,
      release: () => {
        placed.release();
        wide.release();
      },
    };
  }

  private placeWideRules(rules: Uint32Array): { page: number; sizeBytes: number; release(): void } | null {
    if (rules.length === 0) return { page: 0, sizeBytes: 0, release: () => {} };
    const pages = Math.ceil(rules.byteLength / UNWIND_PAGE_BYTES);
    const page = this.pool.take(pages);
    if (page === null) return null;
    this.pool.write(page, bytesOf(rules));
    return { page, sizeBytes: pages * UNWIND_PAGE_BYTES, release: () => this.pool.release(page, pages) };
  }

  private placeSmall(rows: Uint32Array): Omit<PlacedTable, 'rowCount'> | null {
    const count = rows.length / ROW_WORDS;
    if (count === 0) return { page: 0, first: 0, count: 0, levels: 0, indexCount: 0, sizeBytes: 0, release: () => {} };
    if (!this.open || this.open.filled + count > UNWIND_PAGE_ROWS) {
      const page = this.pool.take(1);
      if (page === null) return null;
      // Whoever closed it for others releases it with its last table.
      this.open = { page, filled: 0, users: 0 };
    }
    const shared = this.open;
    const first = shared.filled;
    this.pool.write(shared.page, bytesOf(rows), first * ROW_WORDS * 4);
    shared.filled += count;
    shared.users++;
    return {
      page: shared.page,
      first,
      count,
      levels: 0,
      indexCount: 0,
      sizeBytes: rows.byteLength,
      release: () => {
        if (--shared.users > 0) return;
        if (this.open === shared) this.open = null;
        this.pool.release(shared.page, 1);
      },
    };
  }

  /** `[index of indexes][indexes][rows]`, in consecutive pages. */
  private placeTree(rows: Uint32Array): Omit<PlacedTable, 'rowCount'> | null {
    const rowPages = Math.ceil(rows.length / (UNWIND_PAGE_ROWS * ROW_WORDS));
    const indexPages = rowPages > 1 ? Math.ceil(rowPages / UNWIND_PAGE_PCS) : 0;
    const levels = indexPages > 1 ? 2 : indexPages;
    const above = levels === 2 ? 1 + indexPages : indexPages;
    const pages = above + rowPages;
    const page = this.pool.take(pages);
    if (page === null) return null;
    const words = new Uint32Array((pages * UNWIND_PAGE_BYTES) / 4).fill(UNUSED_PC);
    const firstRows = above * UNWIND_PAGE_PCS;
    words.set(rows, firstRows);
    const firstIndex = levels === 2 ? UNWIND_PAGE_PCS : 0;
    for (let i = 0; i < rowPages && levels > 0; i++) words[firstIndex + i] = rows[i * UNWIND_PAGE_ROWS * ROW_WORDS];
    for (let i = 0; i < indexPages && levels === 2; i++) words[i] = words[firstIndex + i * UNWIND_PAGE_PCS];
    this.pool.write(page, bytesOf(words));
    return {
      page,
      first: 0,
      count: UNWIND_PAGE_ROWS,
      levels,
      indexCount: levels === 2 ? indexPages : levels === 1 ? rowPages : 0,
      sizeBytes: pages * UNWIND_PAGE_BYTES,
      release: () => this.pool.release(page, pages),
    };
  }
}

/** Rows as the walker wants them: wide rules by their place in the pages. */
function relocate(rows: Uint32Array, widePage: number): Uint32Array {
  if (widePage === 0) return rows;
  const copy = rows.slice();
  for (let i = 1; i < copy.length; i += ROW_WORDS) {
    const rule = copy[i];
    if (kindOf(rule) !== UNWIND_WIDE) continue;
    const index = widePage * UNWIND_PAGE_WIDE_RULES + wideIndexOf(rule);
    copy[i] = ((rule & ((1 << UNWIND_WIDE_SHIFT) - 1)) | (index << UNWIND_WIDE_SHIFT)) >>> 0;
  }
  return copy;
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
