// The memory of a child of this test, as plug-ins read it; and the interpreter that it runs, by the file that it maps.
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { FileSource } from '../../../src/bytes/source';
import { ElfFile } from '../../../src/elf/parser';
import { type PythonImage, recognizePython } from '../../../src/runtimes/python/recognize';
import type { Memory } from '../../../src/runtimes/types';

let fileId = 1_000_000;

export class ChildMemory implements Memory {
  private readonly fd: number;

  constructor(pid: number) {
    this.fd = openSync(`/proc/${pid}/mem`, 'r');
  }

  read(start: number, sizeBytes: number): Buffer | null {
    const bytes = Buffer.alloc(sizeBytes);
    try {
      return readSync(this.fd, bytes, 0, sizeBytes, start) === sizeBytes ? bytes : null;
    } catch {
      return null;
    }
  }

  readAll(places: readonly { start: number; sizeBytes: number }[]): (Buffer | null)[] {
    return places.map(({ start, sizeBytes }) => this.read(start, sizeBytes));
  }

  close(): void {
    closeSync(this.fd);
  }
}

export interface MappedPython {
  image: PythonImage;
  bias: number;
  path: string;
}

/** The first mapped file that holds an interpreter. */
export function mappedPython(pid: number): MappedPython | null {
  const seen = new Set<string>();
  for (const row of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const match = /^([0-9a-f]+)-\S+ r-xp ([0-9a-f]+) \S+ \d+ +(\/.*)$/.exec(row);
    if (!match || seen.has(match[3])) continue;
    seen.add(match[3]);
    const path = match[3];
    const fd = openSync(path, 'r');
    try {
      const elf = ElfFile.parse(new FileSource(fileId++, fd, fstatSync(fd).size));
      const image = recognizePython(elf);
      const linked = elf.addressOf(Number.parseInt(match[2], 16));
      if (image && linked !== null) return { image, bias: Number.parseInt(match[1], 16) - linked, path };
    } finally {
      closeSync(fd);
    }
  }
  return null;
}
