// Pieces of what was read of a file, kept to see whether it still holds the same: one that was only appended to is read on
// from its old end, one that was written anew in place is read from its start, even where it did not become shorter.

import { readSync } from 'node:fs';

/** Small files are kept whole; of larger ones evenly spread pieces. */
const PIECE_BYTES = 512;
const MAX_PIECES = 128;

export class Witnesses {
  private pieces: { offset: number; bytes: Buffer }[] = [];
  private last: { offset: number; bytes: Buffer } | null = null;
  private strideBytes = PIECE_BYTES;
  private nextOffset = 0;

  constructor(private readonly fd: number) {}

  /** `bytes`, which stand at `offset`, were read; pieces of them must be given in order. */
  read(bytes: Buffer, offset: number): void {
    const end = offset + bytes.length;
    while (this.nextOffset < end) {
      const from = Math.max(this.nextOffset, offset) - offset;
      this.pieces.push({ offset: offset + from, bytes: Buffer.from(bytes.subarray(from, from + PIECE_BYTES)) });
      if (this.pieces.length === MAX_PIECES) {
        this.pieces = this.pieces.filter((_, i) => i % 2 === 0);
        this.strideBytes *= 2;
      }
      this.nextOffset = offset + from + this.strideBytes;
    }
    const tail = bytes.subarray(Math.max(0, bytes.length - PIECE_BYTES));
    this.last = { offset: end - tail.length, bytes: Buffer.from(tail) };
  }

  /** Does the file hold the same, as far as was kept? */
  stillThere(): boolean {
    return [...this.pieces, ...(this.last ? [this.last] : [])].every(({ offset, bytes }) => {
      const now = Buffer.allocUnsafe(bytes.length);
      return readSync(this.fd, now, 0, now.length, offset) === now.length && now.equals(bytes);
    });
  }
}
