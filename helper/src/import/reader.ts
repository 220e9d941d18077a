// What a reader of another program's format is: it knows its files by their first bytes, and makes a recording of them.

import type { RecordingFile } from '../protocol';

/** A file as it stands on the disk, uncompressed. */
export interface ForeignFile {
  path: string;
  bytes: Uint8Array;
  /** Decoded when first asked for; throws where it would be too long for one text. */
  text(): string;
}

export interface Reader {
  /** As the command line calls it. */
  id: string;
  /** As a person calls it. */
  title: string;
  /** Looks at the name and at `start`, the first few thousand characters as Latin-1 text. */
  recognizes(file: ForeignFile, start: string): boolean;
  /** Throws Unreadable. `warn` hears what was odd in a file that could be read. */
  read(file: ForeignFile, warn: (text: string) => void): RecordingFile | Promise<RecordingFile>;
}
