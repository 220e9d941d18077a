// A frame as it is shown: what symbolization makes of an address, and what a runtime's plug-in makes of a frame of its own.

import type { RuntimeId } from '../protocol';

/**
 * `native`: compiled into a file, whatever the language. `interpreted`: a function that an interpreter runs. `jit`: code made at run
 * time.
 */
export type FrameKind = 'native' | 'kernel' | 'interpreted' | 'jit' | 'unknown';

export interface Frame {
  /** Demangled, short enough for a box; never empty: `libfoo.so+0x1234`, `[anon]` where nothing is known. */
  name: string;
  /** Full demangled name with arguments, where it differs. */
  fullName: string | null;
  /**
   * Mapped file's base name, `[kernel]`, a kernel module's name in brackets, `[vdso]`, `[anon]`, `[jit]`; of interpreted frames what
   * the language calls a module or package.
   */
  module: string;
  kind: FrameKind;
  /** Whose plug-in named it; null: none did. */
  runtime: RuntimeId | null;
  /** true where `name` comes from a symbol table, debug information, a perf map or the runtime itself. */
  symbolized: boolean;
  /** Source path as the debug information has it, absolute where it could be made so. */
  file: string | null;
  /** Executed line. */
  line: number | null;
  column: number | null;
  /** Where the function itself is declared, for function-level frames; `file` may be another one, of code inlined into it. */
  functionFile?: string | null;
  /** Line in `functionFile` where the function starts. */
  functionLine: number | null;
  inlined: boolean;
  /** Identity of the source as it was compiled: DWARF 5's MD5 (hex), and the binary's modification time. */
  sourceMd5: string | null;
  binaryMtimeMs: number | null;
}

/** Nothing is known. */
export const EMPTY_FRAME: Frame = {
  name: '',
  fullName: null,
  module: '',
  kind: 'unknown',
  runtime: null,
  symbolized: false,
  file: null,
  line: null,
  column: null,
  functionFile: null,
  functionLine: null,
  inlined: false,
  sourceMd5: null,
  binaryMtimeMs: null,
};
