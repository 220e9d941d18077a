// The vdso: code that the kernel maps into every process, in no file. Its bytes are copied from the target while it lives;
// equal copies are one image.

import { createHash } from 'node:crypto';
import { MAX_VDSO_BYTES } from './limits';
import { readMemory } from './memory';

export interface Image {
  readonly id: number;
  readonly bytes: Uint8Array;
}

export class Images {
  private readonly byHash = new Map<string, Image>();

  /** Null where the memory cannot be read. */
  read(pid: number, start: number, end: number, reserveId: () => number): Image | null {
    const bytes = readMemory(pid, start, Math.min(end - start, MAX_VDSO_BYTES));
    if (!bytes) return null;
    const hash = createHash('sha1').update(bytes).digest('hex');
    let image = this.byHash.get(hash);
    if (!image) {
      image = { id: reserveId(), bytes };
      this.byHash.set(hash, image);
    }
    return image;
  }
}
