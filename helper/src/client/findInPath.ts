// Where a program is, as sudo or the shell would find it, but never in the current folder: an empty or relative entry of PATH would
// name whatever lies where this process happens to stand.

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** Absolute path of an executable file in PATH, or null. */
export function findInPath(name: string, path = process.env.PATH ?? ''): string | null {
  for (const folder of path.split(delimiter).filter((one) => isAbsolute(one))) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}
