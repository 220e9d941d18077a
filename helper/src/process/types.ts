// What the kernel tells of processes and of the code that they map, in the shape in which everything else hears of it. The
// decoders make it, the process table keeps it, unwinding and symbolizing read it.

/**
 * A code address. User addresses are themselves; kernel addresses (top bit set) are their two's complement, hence
 * negative: both are exact in a double (|x| < 2^53) with 48-bit and kernel-half addresses.
 */
export type Address = number;

/**
 * A frame that a runtime's walker found (a tagged head word and the words that follow it, see bpf/events.h). What `data` and `words`
 * say is between that walker and the runtime's plug-in.
 */
export interface RuntimeFrame {
  /** RuntimePlugin's `number`. */
  runtime: number;
  /** 52 bits. */
  data: number;
  /** At most 15, 64 bits each. */
  words: readonly bigint[];
}

/** One frame of a user stack as BPF sends it. */
export type RawFrame = Address | RuntimeFrame;

/**
 * Beyond the greatest process number of any kernel (PID_MAX_LIMIT). From here on programs are numbered that a process has left, until
 * the last samples of them are named.
 */
export const FIRST_FORMER_PID = 2 ** 23;

export function isFormerPid(pid: number): boolean {
  return pid >= FIRST_FORMER_PID;
}

/** What becomes known of processes, in the order in which it happened. */
export type ProcessRecord =
  | { kind: 'fork'; timeNs: number; pid: number; parentPid: number }
  | { kind: 'exec'; timeNs: number; pid: number; name: string }
  | { kind: 'exit'; timeNs: number; pid: number }
  /** Lives on, but with rights that the caller has not: nothing more is told of it, unless a fork record names it anew. */
  | { kind: 'refused'; timeNs: number; pid: number }
  | { kind: 'mmap'; timeNs: number; pid: number; mapping: MappedCode };

/** One executable mapping as the kernel reports it (PERF_RECORD_MMAP2). */
export interface MappedCode {
  start: Address;
  end: Address;
  /** Offset of `start` in the file, bytes. */
  fileOffset: number;
  path: string;
  /** Hex, or null where the kernel gives none. */
  buildId: string | null;
  deviceMajor: number;
  deviceMinor: number;
  inode: bigint;
}
