// What a language runtime is to the helper: a RuntimePlugin, one folder and one line in index.ts. Three sides of it run in three
// places. `recognize` and `compiled` read files, in worker threads without capabilities. `attach` and all of RuntimeProcess run
// in the main thread, which may read the memory of targets: what comes out of it is the target's, so every count and every chain is
// bounded, and damage costs a frame its name and nothing else. The third side is the BPF program of the object. README.md has
// the recipe.

import type { ElfFile } from '../elf/parser';
import type { Code } from '../process/processes';
import type { Address, RawFrame, RuntimeFrame } from '../process/types';
import type { ContextKind, RuntimeId, RuntimeState } from '../protocol';
import type { Frame } from './frame';

// ---- files, in worker threads ----

/** What a file says of the runtime that it holds. Plain data: it passes between threads. Plug-ins add what they need. */
export interface RuntimeImage {
  readonly runtime: RuntimeId;
  /** As its users call it, `3.12.4`; null: the file does not say. */
  readonly version: string | null;
}

/** A function at an address of a file. */
export interface CompiledPlace {
  /** Short enough for a box. */
  name: string;
  /** Where it differs. */
  fullName: string | null;
  linkageName: string;
  inlined: boolean;
  file: string | null;
  /** Executed line of the innermost, line of the call for those it was inlined into. */
  line: number | null;
  functionFile: string | null;
  functionLine: number | null;
}

/** Names and lines of a file by the runtime's own tables. */
export interface CompiledNames {
  /**
   * By virtual address; innermost first, empty where it knows none. `withInlined` false: the function alone, asked for where its
   * inline tables are damaged. Throws FormatError.
   */
  placesAt(address: number, withInlined: boolean): CompiledPlace[];
}

/** Where the rows of functions go (bpf/unwind_rows.h). Functions by rising address, rows within one by rising pc. */
export interface UnwindRowSink {
  beginFrame(startPc: number, endPc: number): void;
  add(pc: number, rule: number): void;
}

/** A file that is compiled from the runtime's language, and says more of itself than DWARF and symbol tables would. */
export interface CompiledFile {
  /**
   * Adds the rows of its functions: its .debug_frame is left unread, and its functions are taken to keep frame pointers where
   * no row says otherwise. pcs count from `baseAddress`, both are virtual addresses. Throws FormatError where its tables are
   * damaged; rows before that hold.
   */
  addUnwindRows(code: { baseAddress: number; endAddress: number }, rows: UnwindRowSink): void;
  /** Asked before DWARF and symbol tables. Null: it has none. Throws FormatError. */
  names(): CompiledNames | null;
}

// ---- processes, in the main thread ----

/** Memory of one process. */
export interface Memory {
  /** All of it, or null: not mapped, not there any more, or more than MAX_MEMORY_READ_BYTES. */
  read(start: Address, sizeBytes: number): Buffer | null;
  /** Many pieces with one opening of the process's memory. */
  readAll(places: readonly { start: Address; sizeBytes: number }[]): (Buffer | null)[];
}

/** An image where a process has it mapped. */
export interface MappedImage<Image extends RuntimeImage = RuntimeImage> {
  image: Image;
  /** To be added to a virtual address of the file for the address in the process. */
  bias: number;
  /** As the target names it. */
  path: string;
}

/** The process as its plug-in sees it. */
export interface TracedProcess {
  readonly pid: number;
  readonly memory: Memory;
  /** All executable mappings, by address. */
  code(): readonly Code[];
  /** Says that state, mapValues or ranges of its RuntimeProcess are others than when they were read last. */
  changed(): void;
  /** Counts something that went wrong, in plain words without figures of the single case: they are the key. For the log. */
  problem(text: string): void;
}

/** Executable memory that is the runtime's. */
export interface RuntimeRange {
  start: Address;
  /** First address behind. */
  end: Address;
}

/** One value of a BPF map whose key is the pid (u32). */
export interface MapValue {
  map: string;
  value: Uint8Array;
}

/** An index of a stack's frames, or a frame that is in none. */
export type ShownFrame = number | Frame;

/** One runtime in one process, from its first mapping until the process executes another program or is forgotten. */
export interface RuntimeProcess {
  /** Whether its frames can be read, as the user is told it. `waiting` ones are asked again by refresh(). */
  readonly state: RuntimeState;
  /** For the maps of the plug-in's object and header; empty: BPF is told nothing of the process. */
  readonly mapValues: readonly MapValue[];
  /**
   * Code that the native walk leaves by frame pointer where no table has a row of it; of each frame there it keeps a RuntimeFrame
   * for the runtime's walker (enum frame_words of bpf/events.h).
   */
  readonly ranges: readonly RuntimeRange[];
  /** What the labels of its samples are; null: it has none. */
  readonly contextKind: ContextKind | null;
  /** Code was mapped or unmapped: libraries, memory for code. */
  mappingsChanged(): void;
  /** Some times a second while `state` is waiting: a runtime is mapped before it is set up. */
  refresh?(): void;
  /**
   * Names a frame of a new stack, innermost function first where it stands for several; called at once as the ring drains,
   * since objects move and are freed. Empty: the frame is not shown. What it throws or rejects with is counted.
   */
  resolve(frame: RuntimeFrame): Frame[] | Promise<Frame[]>;
  /**
   * What the thread of a sample worked for that was kept raw, from the words that the runtime's BPF header keeps of it
   * (struct raw_sample_event); 0: nothing, or it is not known.
   */
  rawLabel?(words: readonly number[]): number;
  /** What a context is called, asked once, as its first sample comes; null: nothing but its id. */
  contextName?(id: number): string | null;
  /**
   * Which frames of the stack are shown, in which order, as indexes of `user`, each once at the most: for runtimes whose frames
   * come as a chain of their own, behind the native ones. A Frame stands for what nobody can name, as notNamedYet() does for
   * native frames of its code that came before BPF knew of the process. Left out: all, as they came.
   */
  splice?(user: readonly RawFrame[]): ShownFrame[];
  release(): void;
}

/** One language runtime. */
export interface RuntimePlugin<Image extends RuntimeImage = RuntimeImage> {
  readonly id: RuntimeId;
  /** In frame words, code ranges and `targets`, as BPF has it: 1 to 31. */
  readonly number: number;
  /** The BPF object with its walker, `unwind_NAME` with the program `sample_NAME`, loaded when the first process needs it; null: none. */
  readonly object: string | null;
  /** By symbols, sections and notes; never by the file's name. Null: not this runtime. Throws FormatError. */
  recognize(elf: ElfFile): Image | null;
  /** For languages that are compiled into files. Null: not such a file. Throws FormatError. */
  compiled?(elf: ElfFile): CompiledFile | null;
  /**
   * Once a process, with the first image of it that is found. What cannot be read gives a RuntimeProcess whose state says why; what
   * it throws does the same, with the general way out.
   */
  attach(process: TracedProcess, mapped: MappedImage<Image>): RuntimeProcess;
}

/** Of one read: far more than any structure of a runtime's. */
export const MAX_MEMORY_READ_BYTES = 1 << 20;
