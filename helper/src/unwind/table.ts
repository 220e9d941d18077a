// The unwind table of one file, as the compiler gives it to whoever loads it into the kernel or prints it. Plain data: it is
// passed between threads and lies in the disk cache as it is.

export interface UnwindTable {
  /** Lower-case hex. */
  buildId: string | null;
  arch: 'x86-64' | 'aarch64';
  /** All its functions keep frame pointers, also where no row says so: Go's. */
  keepsFramePointers: boolean;
  /** Virtual address in the file that the rows' pcs count from. */
  baseAddress: number;
  /** Pairs of pc and rule (rows.ts), by rising pc; the last row is UNWIND_NONE, at the end of what is known. Empty: nothing is. */
  rows: Uint32Array;
  /** struct unwind_wide_rule, four words each. */
  wideRules: Uint32Array;
  /** Executable segments: what lies at which offset of the file, so that whoever maps it can turn addresses into pcs. */
  segments: { fileOffset: number; address: number; sizeBytes: number }[];
  /** Rows that no form of a rule can express, the first of each kind by name, and how many there are of it. */
  unexpressible: { pc: number; why: string; count: number }[];
  /** What was wrong with the file, in plain sentences; its other rows hold. */
  problems: string[];
}
