// Every bound of what the helper keeps of processes: what a target may cost by having many mappings, files or odd addresses.

const KiB = 1024;

/** Files kept open at once. */
export const MAX_OPEN_FILES = 4_096;
export const MAX_VDSO_BYTES = 256 * KiB;
/** /proc/PID/maps is read again for an unknown address, at most this often. */
export const REREAD_MAPS_MS = 200;
