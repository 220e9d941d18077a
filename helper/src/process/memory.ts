// A process's memory, read by the helper's capability. Pages that are not there are not touched into being.

import { closeSync, openSync, readSync } from 'node:fs';
import { readProcess } from './livingThread';
import type { Address } from './types';

/** `sizeBytes` from `start` on, all of it; null where it cannot be read. */
export function readMemory(pid: number, start: Address, sizeBytes: number): Uint8Array | null {
  return readProcess(pid, (folder) => {
    try {
      const fd = openSync(`${folder}/mem`, 'r');
      try {
        const bytes = new Uint8Array(sizeBytes);
        return readSync(fd, bytes, 0, sizeBytes, start) === sizeBytes ? bytes : null;
      } finally {
        closeSync(fd);
      }
    } catch {
      return null;
    }
  });
}
