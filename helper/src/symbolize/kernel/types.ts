// The kernel's symbol table as it goes from the worker that parses it to the main thread that asks it, and what it gives.

export interface KernelTable {
  /** Two's complement (negative), rising. */
  starts: Float64Array;
  /** Start and length of each symbol's text in `texts`, by index of `starts`. */
  textOffsets: Uint32Array;
  textBytes: Uint16Array;
  /** Latin-1: `NAME`, `NAME\t[MODULE]` or `NAME\t[MODULE]\tFULL NAME`, one behind the other. */
  texts: Uint8Array;
}

export interface KernelSymbol {
  name: string;
  /** Demangled in full, where it differs. */
  fullName: string | null;
  /** `[kernel]`, or the module in brackets as /proc/kallsyms has it: `[ext4]`, `[bpf]`. */
  module: string;
}
