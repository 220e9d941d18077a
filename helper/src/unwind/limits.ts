// Every bound of unwind tables in one place: what a hostile or absurd file may cost. Beyond one of them the file keeps what
// was compiled before, or has no table at all; the worker pool's time and heap limits (../symbolize/limits.ts) stand behind.
// The largest table that is allowed takes at most 256 MiB of typed arrays while it is made, and 64 MiB afterwards.

const KiB = 1024;
const MiB = 1024 * KiB;

/** Chromium, a debug build of LLVM: 2 to 5 million. */
export const MAX_ROWS = 8_000_000;
/** Functions (FDEs) of a file. */
export const MAX_FRAMES = 2_000_000;
/** An unwind section is read through a window of this size; an entry that is larger gets its own, up to the second. */
export const WINDOW_BYTES = MiB;
export const MAX_ENTRY_BYTES = 16 * MiB;
/** All of .eh_frame or .debug_frame. */
export const MAX_SECTION_BYTES = 1024 * MiB;
/** Common parts (CIEs) kept parsed; beyond, they are forgotten and read again. */
export const MAX_CIES = 65_536;
/** Of one CIE; real ones have less than 100 bytes. Entries may overlap, so the sum of all is bounded, too. */
export const MAX_CIE_BYTES = 4 * KiB;
export const MAX_CIE_BYTES_IN_ALL = 64 * MiB;
/** DW_CFA_remember_state within each other; compilers nest them once. */
export const MAX_REMEMBERED_STATES = 64;
/** Values on the stack of an expression. */
export const MAX_EXPRESSION_DEPTH = 8;
/** Code that no entry covers is searched for the C library's signal trampolines up to this size. */
export const MAX_SEARCHED_BYTES = 16 * MiB;
