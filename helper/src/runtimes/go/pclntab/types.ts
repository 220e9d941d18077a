// Shapes of Go's pclntab that parser and resolver share. Sources: Go's runtime/symtab.go (pcHeader), runtime2.go (_func),
// symtabinl.go (inlinedCall; symtab.go before 1.21) and debug/gosym/pclntab.go, of Go 1.12 to 1.27.

import type { ByteSource } from '../../../bytes/source';

export type PclntabVersion = '1.2' | '1.16' | '1.18' | '1.20';

/** Where a version keeps what was inlined into a function. */
export interface InlineLayout {
  /** Index of the table pc -> entry among the function's pc-value tables (PCDATA_InlTreeIndex). */
  pcdataIndex: number;
  /** Index of the tree among the function's data (FUNCDATA_InlTree). */
  funcdataIndex: number;
  /** funcdata is an address; else an offset from moduledata's `gofunc`. */
  isPointer: boolean;
}

export interface Pclntab {
  version: PclntabVersion;
  pointerBytes: number;
  /** Smallest instruction, bytes: the unit of pc deltas. */
  quantum: number;
  functionCount: number;
  /** Base of the function table's addresses; 0 before Go 1.18. */
  textStart: number;
  /** (entry, offset in `functions`), ordered by entry. */
  functionTable: ByteSource;
  functions: ByteSource;
  names: ByteSource;
  /** Per compilation unit: numbers of its files, as offsets into `files`. Null in Go 1.2's layout. */
  unitFiles: ByteSource | null;
  files: ByteSource;
  pcValues: ByteSource;
  /** Null where the version cannot be told, on which it depends. */
  inlines: InlineLayout | null;
  /** Base of the offsets of funcdata since Go 1.18; null where it was not found: nothing is known of inlining then. */
  goFunc: number | null;
  /** The program's bytes from a virtual address to the end of its section; null where it lies in none. */
  bytesAt: (address: number) => ByteSource | null;
}

/** One function at an address; more than one where functions were inlined. */
export interface GoPlace {
  name: string;
  inlined: boolean;
  /** Null where the compiler made the code (wrappers). */
  file: string | null;
  /** Executed line of the innermost, line of the call for those it was inlined into. */
  line: number | null;
  /** File that declares the function. */
  startFile: string | null;
  /** Line of the function's declaration (before Go 1.20: of its first instruction; unknown for an inlined one). */
  startLine: number | null;
}
