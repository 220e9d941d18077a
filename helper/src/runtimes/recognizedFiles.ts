// What the worker threads recognized in mapped files, by the file's object: kept as long as anybody has that.

import type { Code } from '../process/processes';
import type { RuntimeImage } from './types';

/** Plain data: it passes between threads. */
export interface RecognizedFile {
  images: RuntimeImage[];
  /** Executable ones: what lies at which offset of the file. */
  segments: { fileOffset: number; address: number; sizeBytes: number }[];
}

export class RecognizedFiles {
  private readonly files = new WeakMap<object, RecognizedFile>();

  add(file: object, recognized: RecognizedFile): void {
    this.files.set(file, recognized);
  }

  /** Images that some code of a process is of, each with the distance between the file's addresses and the process's. */
  *imagesOf(codes: Iterable<Code>): Iterable<{ image: RuntimeImage; bias: number; path: string }> {
    const seen = new Set<object>();
    for (const code of codes) {
      if (!('file' in code) || seen.has(code.file)) continue;
      const found = this.files.get(code.file);
      if (!found || found.images.length === 0) continue;
      const bias = biasOf(code, found.segments);
      // Another mapping of the file may lie within a segment.
      if (bias === null) continue;
      seen.add(code.file);
      for (const image of found.images) yield { image, bias, path: code.file.path };
    }
  }

  knows(file: object): boolean {
    return this.files.has(file);
  }
}

/** Segments begin anywhere in their first page, mappings at its start. */
function biasOf({ start, end, fileOffset }: Code, segments: RecognizedFile['segments']): number | null {
  for (const { fileOffset: segmentOffset, sizeBytes, address } of segments)
    if (segmentOffset < fileOffset + (end - start) && segmentOffset + sizeBytes > fileOffset)
      return start - fileOffset + segmentOffset - address;
  return null;
}
