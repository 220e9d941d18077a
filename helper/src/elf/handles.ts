// Files as the main thread hands them to the threads that parse: opened by the one that holds the capabilities, as descriptor
// numbers that all threads of a process share; and what a thread says of a file first.

export interface FileHandle {
  /** Never reused. */
  id: number;
  fd: number;
  sizeBytes: number;
  /** For messages only. */
  path: string;
}

/** A candidate for the separate debug file; the worker takes the first that belongs to the program. */
export interface DebugHandle extends FileHandle {
  /** CRC-32 that the program's debug link asks for; null: the build-ids must agree. */
  crc: number | null;
}

export interface Description {
  buildId: string | null;
  debugLink: { name: string; crc: number } | null;
  /** The file itself holds no line table. */
  wantsDebugFile: boolean;
}
