// Shapes of Go's pclntab that parser and resolver share. Sources: Go's runtime/symtab.go (pcHeader), runtime2.go (_func),
// debug/gosym/pclntab.go, of Go 1.2 to 1.26.

import type { ByteSource } from '../bytes/source';

export type PclntabVersion = '1.2' | '1.16' | '1.18' | '1.20';

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
}

export interface GoPlace {
  name: string;
  /** Address of the function's first instruction. */
  entry: number;
  file: string | null;
  line: number | null;
  /** File that declares the function; `file` differs from it in inlined code. */
  startFile: string | null;
  /** Line of the function's declaration (before Go 1.20: of its first instruction). */
  startLine: number | null;
}
