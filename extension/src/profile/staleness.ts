// Is a source file still what the binary was built from? By the MD5 that DWARF 5 keeps of it where there is one, else
// by time. Called when a recording is shown and when a file is annotated.

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { RecordingExtra } from '../../../helper/src/protocol';

export type SourceKnowledge = RecordingExtra['sources'][number];

/** true: the file changed since; false: it did not, or nothing is known. `path` is the file on this machine. */
export async function isNewerThanBinary(known: SourceKnowledge | undefined, path: string): Promise<boolean> {
  if (!known) return false;
  try {
    if (known.md5) {
      const hash = createHash('md5')
        .update(await readFile(path))
        .digest('hex');
      return hash !== known.md5.toLowerCase();
    }
    return known.binaryMtimeMs !== null && (await stat(path)).mtimeMs > known.binaryMtimeMs;
  } catch {
    return false;
  }
}
