// Files whose paths a recording names, and with it whatever the recorded program's debug information says. The path may
// lead to a device that never ends, to a pipe that makes its reader wait, or to a file of /proc. So what is opened here is
// a regular file, opened without waiting, looked at again once it is open, and read no further than its size and a limit.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';

/** Larger files are no source code; VS Code itself refuses to edit them. */
export const MAX_SOURCE_BYTES = 50 * 1024 * 1024;

/** Is a regular file of a size that an editor may open. Follows symbolic links; opens nothing. */
export async function isSourceFile(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    return found.isFile() && found.size <= MAX_SOURCE_BYTES;
  } catch {
    return false;
  }
}

/** When the regular file was changed last, in ms of the epoch; null for anything else. */
export async function changedAtMs(path: string): Promise<number | null> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.mtimeMs : null;
  } catch {
    return null;
  }
}

/** MD5 of the file's content in lower case, read piece by piece; null for what is no source file. */
export async function sourceMd5(path: string): Promise<string | null> {
  // Looked at before it is opened, too: opening alone has effects on some devices.
  if (!(await isSourceFile(path))) return null;
  let file: FileHandle | null = null;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const opened = await file.stat();
    if (!opened.isFile() || opened.size > MAX_SOURCE_BYTES) return null;
    const hash = createHash('md5');
    // Not to its end: a file of /proc has no size, and one that grows has no end.
    if (opened.size > 0) {
      const pieces = file.createReadStream({ start: 0, end: opened.size - 1, autoClose: false });
      for await (const piece of pieces) hash.update(piece as Buffer);
    }
    return hash.digest('hex');
  } catch {
    return null;
  } finally {
    await file?.close().catch(() => undefined);
  }
}
