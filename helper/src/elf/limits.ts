// What a hostile or absurd ELF file may cost. Readers throw FormatError where one of these is exceeded.

const MiB = 1024 * 1024;

/** Compressed sections up to the first are inflated into memory, larger ones into the cache folder, up to the second. */
export const MAX_INFLATED_IN_MEMORY_BYTES = 4 * MiB;
export const MAX_SPILL_BYTES = 2048 * MiB;
/** Of one compressed section of a file of split debug information. */
export const MAX_INFLATED_AT_ONCE_BYTES = 48 * MiB;
/** zstd itself asks for 8 MiB at the most unless it is told to be --ultra. */
export const MAX_ZSTD_WINDOW_BYTES = 32 * MiB;
/** .gnu_debugdata, compressed and inflated, and what its decoder may take besides (xz -9 asks for 64 MiB). */
export const MAX_MINI_DEBUG_BYTES = 48 * MiB;
export const MAX_XZ_DICTIONARY_BYTES = 64 * MiB;
export const MAX_PROGRAM_HEADERS = 4_096;
export const MAX_SECTIONS = 262_144;
export const MAX_SYMBOLS = 4_000_000;
