// What the main thread and the symbolization workers say to each other. The main thread opens files (it alone holds the
// capabilities) and passes descriptors, which all threads of a process share; workers read and parse.

import type { DebugHandle, Description, FileHandle } from '../../elf/handles';
import type { JitSource } from '../../process/generatedCode';
import type { Anchor, MemoryRange, TextPiece } from '../../process/movedText';
import type { KernelTable } from '../kernel/types';
import type { PackedPlaces } from './packedPlaces';

/** Asks what is at `positions`. */
export type PlacesTask =
  /** Positions are offsets in the file, as it is mapped. */
  | {
      kind: 'symbolize';
      file: FileHandle;
      /** To be put before a path that the file or its debug information names; empty: our own file system. */
      rootPrefix: string;
      debug: DebugHandle[];
      expectedBuildId: string | null;
      positions: Float64Array;
    }
  /** For people who ask about one file: virtual addresses. */
  | { kind: 'addresses'; file: FileHandle; debug: DebugHandle[]; positions: Float64Array }
  | { kind: 'image'; imageId: number; bytes: Uint8Array; positions: Float64Array }
  /** Generated code: the first source that has a name for an address wins. */
  | { kind: 'jit'; sources: readonly JitSource[]; positions: Float64Array };

export type FileTask = Extract<PlacesTask, { file: FileHandle }>;

export type Task =
  | PlacesTask
  | { kind: 'describe'; file: FileHandle }
  /** What of the ranges is code of the file (../movedText.ts). */
  | { kind: 'text'; file: FileHandle; anchor: Anchor; ranges: readonly MemoryRange[] }
  /** Answered with the order in which to ask for the positions. */
  | { kind: 'order'; of: FileTask }
  /** Answered with the table; `fd` is /proc/kallsyms. */
  | { kind: 'kernel'; fd: number }
  /** The main thread closes these files next. */
  | { kind: 'forget'; ids: number[] }
  /** There is no work for the moment. */
  | { kind: 'rest' };

export interface Request {
  sequence: number;
  task: Task;
}

export type Reply =
  | {
      sequence: number;
      ok: true;
      description: Description | null;
      places: PackedPlaces;
      /** Indexes of the positions. */
      order: Uint32Array | null;
      /** Its arrays are handed over, not copied. */
      kernelTable: KernelTable | null;
      text: TextPiece[];
      problems: string[];
    }
  | { sequence: number; ok: false; why: string };

export interface WorkerSettings {
  cacheDir: string | null;
  /** Buffers and typed arrays that it may hold between requests. */
  arrayBudgetBytes: number;
}
