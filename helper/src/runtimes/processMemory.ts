// A target's memory as plug-ins read it: bounded, and null where anything is amiss.

import { type MemoryPlace, readPlaces } from '../process/memory';
import { MAX_MEMORY_READ_BYTES, type Memory } from './types';

const USER_ADDRESS_END = 2 ** 56;

export class ProcessMemory implements Memory {
  constructor(private readonly pid: number) {}

  read(start: number, sizeBytes: number): Buffer | null {
    return this.readAll([{ start, sizeBytes }])[0];
  }

  readAll(places: readonly MemoryPlace[]): (Buffer | null)[] {
    const found: (Buffer | null)[] = places.map(() => null);
    const sound = [...places.keys()].filter((i) => isSound(places[i]));
    const read = readPlaces(
      this.pid,
      sound.map((i) => places[i]),
    );
    sound.forEach((i, n) => {
      const bytes = read[n];
      if (bytes) found[i] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    });
    return found;
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
