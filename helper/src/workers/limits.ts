// What a worker thread may keep when it has nothing to do.

const MiB = 1024 * 1024;

/** A worker without work gives memory back only if it may be as much. */
export const WORTH_COLLECTING_BYTES = 12 * MiB;
