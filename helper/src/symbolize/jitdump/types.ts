// What a jitdump's parser hands to its resolver.

/** Code that was loaded, or that lies elsewhere now; without a name where it was moved away. */
export interface DumpedFunction {
  start: number;
  /** First address behind. */
  end: number;
  /** Null: nothing is here any more. */
  code: LoadedCode | null;
}

export interface LoadedCode {
  /** Where it was when it was written: what its lines are counted from. */
  firstStart: number;
  name: string;
  lines: DebugRecord | null;
}

/** Where the lines of one function stand in the file: they are read when they are asked for. */
export interface DebugRecord {
  /** Of the first entry. */
  offset: number;
  sizeBytes: number;
  entries: number;
}

export interface LineEntry {
  /** Address, from the function's start. */
  offset: number;
  line: number;
  /** V8 and others write a column here. */
  discriminator: number;
  file: string | null;
}
