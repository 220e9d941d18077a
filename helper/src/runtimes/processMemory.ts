// A target's memory as plug-ins read it: bounded, and null where anything is amiss.

import { closeSync, openSync } from 'node:fs';
import { type MemoryPlace, readPlace, readPlaces } from '../process/memory';
import { MAX_MEMORY_READ_BYTES, type Memory } from './types';

const USER_ADDRESS_END = 2 ** 56;

export class ProcessMemory implements Memory {
  /** Stays open: opening takes ten times as long as reading. It is of this program's memory alone, also after an exec. */
  private fd: number | null = null;
  private closed = false;

  constructor(private readonly pid: number) {}

  close(): void {
    this.closed = true;
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
  }

  read(start: number, sizeBytes: number): Buffer | null {
    return this.readAll([{ start, sizeBytes }])[0];
  }

  readAll(places: readonly MemoryPlace[]): (Buffer | null)[] {
    const found: (Buffer | null)[] = places.map(() => null);
    const sound = [...places.keys()].filter((i) => isSound(places[i]));
    const read = this.readOpen(sound.map((i) => places[i]));
    sound.forEach((i, n) => {
      const bytes = read[n];
      if (bytes) found[i] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    });
    return found;
  }

  private readOpen(places: readonly MemoryPlace[]): (Uint8Array | null)[] {
    if (this.closed) return places.map(() => null);
    this.fd ??= openMemory(this.pid);
    const { fd } = this;
    const read = fd === null ? [] : places.map((place) => readPlace(fd, place));
    // The memory of a first thread that has ended opens, and is empty: another thread's serves.
    return read.some((bytes) => bytes !== null) ? read : readPlaces(this.pid, places);
  }
}

function openMemory(pid: number): number | null {
  try {
    return openSync(`/proc/${pid}/mem`, 'r');
  } catch {
    return null;
  }
}

function isSound({ start, sizeBytes }: MemoryPlace): boolean {
  return (
    Number.isSafeInteger(start) &&
    start >= 0 &&
    start + sizeBytes <= USER_ADDRESS_END &&
    Number.isSafeInteger(sizeBytes) &&
    sizeBytes > 0 &&
    sizeBytes <= MAX_MEMORY_READ_BYTES
  );
}
