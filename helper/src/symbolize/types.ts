// What the rest of the helper asks of symbolization. One Symbolizer serves one helper process and all its recordings.
// Flow: (pid, address) --normalize--> (file, build-id, file address) --symbolize in a worker--> Frame[].

import type { FileStore } from '../process/fileStore';
import type { ProcessTable } from '../process/table';
import type { Address } from '../process/types';

export interface Frame {
  /** Demangled, short enough for a box; never empty: `libfoo.so+0x1234`, `[anon]` where nothing is known. */
  name: string;
  /** Full demangled name with arguments, where it differs. */
  fullName: string | null;
  /** Mapped file's base name, `[kernel]`, a kernel module's name in brackets, `[vdso]`, `[anon]`, `[jit]`. */
  module: string;
  kind: 'user' | 'kernel' | 'unknown';
  /** true where `name` comes from a symbol table, debug information or a perf map. */
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

/** Where the user wants debug files to be looked for, besides the system's own places. */
export interface DebugSources {
  /** Absolute; tried in this order, before the system's. See elf/debugFiles.ts for what may lie in them. */
  folders: string[];
  /** debuginfod servers, asked where no folder has the file. Empty: none, no network. */
  servers: string[];
}

export interface Symbolizer {
  /** From now on, in addition to those given before. */
  addDebugSources(sources: DebugSources): void;
  /**
   * Frames of a stack, innermost first, one array per address (more than one entry where functions were inlined,
   * innermost first): kernel addresses, then user addresses, both as StackRecord has them, with `exact`. Normalizes synchronously, by what `processes` knows now. An
   * array where all is known already, as it mostly is; else a promise, which never rejects: what cannot be named is a Frame
   * that says so.
   */
  resolve(
    processes: ProcessTable,
    pid: number,
    kernel: Address[],
    user: Address[],
    exact?: readonly number[],
  ): Frame[][] | Promise<Frame[][]>;
  badFiles(): { path: string; why: string }[];
  close(): Promise<void>;
}

export interface SymbolizerOptions {
  /** What the processes that it is asked about have mapped. */
  files: FileStore;
  /** XDG cache folder of the caller for this product; null: no disk cache. Created 0700. */
  cacheDir: string | null;
  /**
   * /proc/kallsyms as root opened it before the drop (kptr_restrict asks who opened it): read it from position 0 with
   * pread. Left out or null: open it oneself, which shows zeros to an unprivileged process.
   */
  kallsymsFd?: number | null;
  /** Worker threads; they drop all capabilities before they parse. */
  workers: number;
  log: (level: 'debug' | 'info' | 'warn' | 'error', text: string) => void;
}
