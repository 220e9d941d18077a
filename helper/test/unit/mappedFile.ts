// Files that this very process has mapped: real ones, wherever a distribution keeps them.

import { readFileSync } from 'node:fs';

/** Path of the first mapped file whose path fits; null where there is none. */
export function mappedFile(path: RegExp): string | null {
  for (const line of readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const name = /^\S+ +\S+ +\S+ +\S+ +\S+ +(\/.*)$/.exec(line)?.[1];
    if (name !== undefined && path.test(name)) return name;
  }
  return null;
}

/** Where the code of Node.js is: in the program, or in libnode.so where a distribution keeps it apart. */
export const nodesCode = (): string => mappedFile(/\/libnode\.so/) ?? process.execPath;
