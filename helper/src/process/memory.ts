// A process's memory, read by the helper's capability.

import { closeSync, openSync, readSync } from 'node:fs';
import { readProcess } from '../client/livingThread';
import type { Address } from './types';

export interface MemoryPlace {
  start: Address;
  sizeBytes: number;
}

/** Each as a whole, or null where it cannot be read. */
export function readPlaces(pid: number, places: readonly MemoryPlace[]): (Uint8Array | null)[] {
  const none = places.map(() => null);
  if (places.length === 0) return none;
  const found = readProcess(pid, (folder) => {
    let fd: number;
    try {
      fd = openSync(`${folder}/mem`, 'r');
    } catch {
      return null;
    }
    try {
      const read = places.map((place) => readPlace(fd, place));
      // The memory of a thread that has ended opens, and is empty.
      return read.some((bytes) => bytes !== null) ? read : null;
    } finally {
      closeSync(fd);
    }
  });
  return found ?? none;
}

export function readMemory(pid: number, start: Address, sizeBytes: number): Uint8Array | null {
  return readPlaces(pid, [{ start, sizeBytes }])[0];
}

/** Of an open memory; as a whole, or null. */
export function readPlace(fd: number, { start, sizeBytes }: MemoryPlace): Uint8Array | null {
  const bytes = new Uint8Array(sizeBytes);
  try {
    return readSync(fd, bytes, 0, sizeBytes, start) === sizeBytes ? bytes : null;
  } catch {
    return null;
  }
}
