// What a hostile or absurd Go program may cost. Readers throw FormatError where one of these is exceeded, or stop there.

const MiB = 1024 * 1024;

export const MAX_FUNCTIONS = 2_000_000;
/** Functions inlined into each other at one address. */
export const MAX_INLINE_DEPTH = 128;
export const MAX_RELOCATIONS = 2_000_000;
/** Of a program's data, looking for a table that no section names. */
export const MAX_SCANNED_BYTES = 64 * MiB;
/** Of the names of functions, looking for those that are entered without a call. */
export const MAX_NAMES_BYTES = 16 * MiB;
export const MAX_TLS_BYTES = 1 << 30;
/** One function's table of stack pointer distances is longer only where it is damaged. */
export const MAX_PCSP_BYTES = 65_536;
/** Of those of all functions, which share tables; 100,000 functions' take some 2 MB. */
export const MAX_PCSP_READ_BYTES = 16 * MiB;
