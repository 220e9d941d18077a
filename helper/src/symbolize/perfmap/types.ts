// What a perf map's parser hands to its resolver.

export interface JitFunction {
  start: number;
  /** First address behind. */
  end: number;
  /** Where the name stands in the file: names are read when they are asked for. */
  nameOffset: number;
  nameBytes: number;
}
