// Every bound of symbolization in one place (those of reading and of ELF itself are in bytes/limits.ts and elf/limits.ts): what a
// hostile or absurd file may cost. Parsers throw FormatError where one is exceeded; the worker pool ends a worker that exceeds
// time or heap. Either costs the names of that one file.

import { MAX_READ_BYTES } from '../bytes/limits';

const KiB = 1024;
const MiB = 1024 * KiB;

/** One request (a batch of addresses of one file) may take this long, then its worker is ended and the file is bad. */
export const REQUEST_TIMEOUT_MS = 60_000;
/** Addresses in one request, so that the time limit means something and answers stream. */
export const MAX_BATCH_ADDRESSES = 512;
/** Addresses of a file that is known already wait so long for others: at most ten requests a second and file. */
export const GATHER_MS = 100;
/** A worker without work gives back what it does not hold for later. */
export const WORKER_REST_MS = 500;
/** A worker without work is ended after this long; its memory goes back, the disk cache makes the next start cheap. */
export const WORKER_IDLE_MS = 20_000;
/** V8 heap of one worker (typed arrays and buffers are outside, see ARRAY_BUDGET_BYTES). */
export const WORKER_HEAP_MIB = 96;
/**
 * Of it for what is young: V8 makes two halves of the next power of two above a third of it, and keeps them once they have grown.
 * In a recording 4 MiB of memory instead of 16; who names one file and ends is some 5 % faster with more.
 */
export const WORKER_YOUNG_HEAP_MIB = 6;
export const ONE_FILE_YOUNG_HEAP_MIB = 16;
/**
 * Buffers and typed arrays that the files of all workers may hold together between requests (resourceLimits do not see
 * them); above its share a worker forgets the file that was used longest ago.
 */
export const ARRAY_BUDGET_BYTES = 96 * MiB;

/** A debug file from a server: all of it, between two pieces of it, and how large. Samples wait for their lines so long. */
export const DOWNLOAD_TIMEOUT_MS = 90_000;
export const DOWNLOAD_SILENCE_MS = 15_000;
export const MAX_DOWNLOAD_BYTES = 2048 * MiB;
export const MAX_DOWNLOADS_AT_ONCE = 4;
/** All that were downloaded; what was used longest ago goes first. */
export const MAX_DOWNLOADS_BYTES = 4096 * MiB;
export const DOWNLOADER_IDLE_MS = 10_000;

/** Mangled names beyond this are shown as they are: demanglers may need time exponential in the length. */
export const MAX_DEMANGLE_BYTES = 4 * KiB;

export const MAX_UNITS = 1_000_000;
/** Of .debug_info or of .debug_line; read at once. */
export const MAX_UNIT_BYTES = MAX_READ_BYTES;
export const MAX_ABBREVIATIONS = 65_536;
/** Of all abbreviations of one unit together. */
export const MAX_ABBREVIATION_ATTRIBUTES = 1_048_576;
export const MAX_RANGES_PER_UNIT = 1_000_000;
export const MAX_RANGES = 2_000_000;
export const MAX_LINE_ROWS = 4_000_000;
export const MAX_LINE_FILES = 262_144;
/** What the units of one file that are loaded at once may hold in typed arrays. */
export const MAX_LOADED_UNITS_BYTES = 12 * MiB;
/** Files of split debug information that one file's resolver keeps open. */
export const MAX_OPEN_SPLIT_FILES = 24;
/** Names and places of functions that one file's resolver keeps. */
export const MAX_KEPT_DECLARATIONS = 20_000;
/** Length of a chain of DW_AT_abstract_origin and DW_AT_specification. */
export const MAX_ORIGIN_DEPTH = 8;
export const MAX_DIES_PER_UNIT = 8_000_000;
export const MAX_INLINES_PER_FUNCTION = 500_000;
/** Of entries inside of each other. */
export const MAX_TREE_DEPTH = 4_096;

export const MAX_PERF_MAP_BYTES = 128 * MiB;
export const MAX_PERF_MAP_ENTRIES = 500_000;
/** A jitdump holds the code itself, which is skipped. */
export const MAX_DUMP_BYTES = 4096 * MiB;
export const MAX_DUMP_RECORDS = 2_000_000;
/** Lines of one function. */
export const MAX_DUMP_LINE_BYTES = 4 * MiB;
export const MAX_KALLSYMS_BYTES = 128 * MiB;
export const MAX_KALLSYMS_ENTRIES = 1_000_000;
/** Frames kept of addresses that nothing is known about, of the kernel's and of the rest each. */
export const MAX_UNNAMED_ADDRESSES = 4_096;

/** Answers kept in the helper over all files; beyond, those of the file that was used longest ago go. */
export const MAX_CACHED_ADDRESSES = 200_000;
