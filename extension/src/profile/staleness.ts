// Is a source file still what the binary was built from? By the MD5 that DWARF 5 keeps of it where there is one, else
// by time. Asked when a recording is shown and when a file is annotated.

import type { RecordingExtra } from '../../../helper/src/protocol';
import { changedAtMs, sourceMd5 } from './sourceFiles';

export type SourceKnowledge = RecordingExtra['sources'][number];

/** true: the file changed since; false: it did not, or nothing is known. `path` is the file on this machine. */
export async function isNewerThanBinary(known: SourceKnowledge | undefined, path: string): Promise<boolean> {
  if (!known) return false;
  if (known.md5) {
    const md5 = await sourceMd5(path);
    return md5 !== null && md5 !== known.md5.toLowerCase();
  }
  const changedMs = known.binaryMtimeMs === null ? null : await changedAtMs(path);
  return changedMs !== null && changedMs > known.binaryMtimeMs!;
}
