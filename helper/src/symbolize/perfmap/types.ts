// What a perf map's parser hands to its resolver.

export interface JitFunction {
  start: number;
  /** First address behind. */
  end: number;
  /** Where its line stands in the file: names are read when they are asked for. */
  lineOffset: number;
  /** Without the newline. */
  lineBytes: number;
}
