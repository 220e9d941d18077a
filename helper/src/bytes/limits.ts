// What reading other people's files may cost, whoever reads them: memory, and room on the disk.

const KiB = 1024;
const MiB = 1024 * KiB;

/** Most that one read may bring into memory. */
export const MAX_READ_BYTES = 48 * MiB;
/** Window of a read, and how many windows a worker keeps. */
export const PAGE_BYTES = 16 * KiB;
export const MAX_PAGES = 384;
export const MAX_NAME_BYTES = 16 * KiB;
/** Disk cache: all of it; what was used longest ago goes first. One entry takes at most half. */
export const MAX_CACHE_BYTES = 1024 * MiB;
