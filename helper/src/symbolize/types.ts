// What the rest of the helper asks of symbolization. One Symbolizer serves one helper process and all its recordings.
// Flow: (pid, address) --normalize--> (file, build-id, file address) --symbolize in a worker--> Frame[].

import type { FileStore } from '../process/fileStore';
import type { ProcessTable } from '../process/table';
import type { Address } from '../process/types';
import type { Frame } from '../runtimes/frame';

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
