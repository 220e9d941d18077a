// What a source map, which anybody may have written, may cost. Whatever exceeds one of these gives no original places: the compiled
// ones are shown, and the reason is told once.

const MiB = 1024 * 1024;

/** Of the map's text. The largest bundles have some 50 MiB. */
export const MAX_MAP_BYTES = 128 * MiB;
/** Maps that one thread holds at the same time, by the size of their texts. */
export const MAX_HELD_BYTES = 192 * MiB;
/** Heap of the thread: a parsed map takes some ten times its text. */
export const WORKER_HEAP_MIB = 1_024;
/** A map of 50 MiB takes some 3 s. */
export const REQUEST_MS = 20_000;
export const IDLE_MS = 10_000;
/** Maps within a map, and within those. */
export const MAX_SECTION_DEPTH = 4;
export const MAX_SECTIONS = 100_000;
export const MAX_SOURCES = 1_000_000;
export const MAX_PATH_LENGTH = 4_096;
export const MAX_NAME_LENGTH = 512;
/** Folders above the program in which a bundler's relative path is looked for. */
export const MAX_PARENTS = 16;
/** Answers that the main thread keeps of one script. */
export const MAX_ANSWERS = 100_000;
/** Scripts whose maps are known, or known to be unusable. */
export const MAX_SCRIPTS = 10_000;
