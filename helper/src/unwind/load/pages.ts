// The memory of unwind tables in the kernel: numbered 4 KiB pages (bpf/events.h), taken and given back in chunks of 32, each
// an array map of its own that is mapped here and written like memory.
//
// A page is written, and shown by commit(), before anything in the kernel names it, and after that never changed. What is
// released rests for a while before it is used again: a child that was forked just now may still hold its parent's pages,
// unknown to us.

import { UNWIND_CHUNK_PAGES, UNWIND_CHUNKS_MAX } from '../../abi/events.gen';
import type { ChunkMaps } from '../../bpf/chunkMaps';
import { BpfLoadError } from '../../bpf/object';
import { UNWIND_PAGE_BYTES } from '../rows';

export const CHUNK_PAGES = UNWIND_CHUNK_PAGES;
export const CHUNKS_MAX = UNWIND_CHUNKS_MAX;
export const CHUNK_BYTES = CHUNK_PAGES * UNWIND_PAGE_BYTES;
const REST_MS = 2_000;

const FREE = 0;
const TAKEN = 1;

export class PagePool {
  private readonly state = new Uint8Array(CHUNK_PAGES * CHUNKS_MAX);
  private readonly chunkMade = new Uint8Array(CHUNKS_MAX);
  private resting: { page: number; count: number; untilMs: number }[] = [];
  private chunks = 0;
  private taken = 0;

  constructor(
    private readonly maps: ChunkMaps,
    readonly ceilingBytes: number,
  ) {}

  /** Memory held in the kernel. */
  get heldBytes(): number {
    return this.chunks * CHUNK_BYTES;
  }

  /** Of these, what is written or still rests. */
  get usedBytes(): number {
    return this.taken * UNWIND_PAGE_BYTES;
  }

  /** Consecutive pages; the first one's number, or null where the ceiling or the kernel leaves no room. */
  take(count: number): number | null {
    this.wake();
    const page = this.find(count, false) ?? this.find(count, true);
    if (page === null) return null;
    for (let chunk = chunkOf(page); chunk <= chunkOf(page + count - 1); chunk++) {
      if (this.chunkMade[chunk]) continue;
      if (!succeeds(() => this.maps.create(chunk))) return null;
      this.chunkMade[chunk] = 1;
      this.chunks++;
    }
    this.state.fill(TAKEN, page, page + count);
    this.taken += count;
    return page;
  }

  /** May cross pages that were taken together. */
  write(page: number, bytes: Uint8Array, offsetBytes = 0): void {
    let at = page * UNWIND_PAGE_BYTES + offsetBytes;
    for (let done = 0; done < bytes.length; ) {
      const within = at % CHUNK_BYTES;
      const size = Math.min(CHUNK_BYTES - within, bytes.length - done);
      this.maps.write(Math.floor(at / CHUNK_BYTES), within, bytes.subarray(done, done + size));
      done += size;
      at += size;
    }
  }

  /** A copy of a page that is taken. */
  read(page: number): Uint32Array {
    return this.maps.read(chunkOf(page), (page % CHUNK_PAGES) * UNWIND_PAGE_BYTES);
  }

  /** Before pages are named to the kernel's programs; false where it cannot show them. Takes 7 to 25 ms with new chunks. */
  commit(): boolean {
    return succeeds(() => this.maps.link());
  }

  release(page: number, count: number): void {
    this.resting.push({ page, count, untilMs: performance.now() + REST_MS });
  }

  /** Gives chunks back that hold nothing any more. Called from time to time. */
  trim(): void {
    this.wake();
    for (let chunk = 0; chunk < CHUNKS_MAX; chunk++) {
      const first = chunk * CHUNK_PAGES;
      if (!this.chunkMade[chunk] || this.state.subarray(first, first + CHUNK_PAGES).includes(TAKEN)) continue;
      this.maps.remove(chunk);
      this.chunkMade[chunk] = 0;
      this.chunks--;
    }
  }

  close(): void {
    this.maps.close();
  }

  private wake(): void {
    const now = performance.now();
    if (this.resting.length === 0 || this.resting[0].untilMs > now) return;
    this.resting = this.resting.filter(({ page, count, untilMs }) => {
      if (untilMs > now) return true;
      this.state.fill(FREE, page, page + count);
      this.taken -= count;
      return false;
    });
  }

  /** First run of free pages; with `grow` also in chunks that are still to be made. */
  private find(count: number, grow: boolean): number | null {
    const room = Math.floor(this.ceilingBytes / CHUNK_BYTES) - this.chunks;
    let run = 0;
    let newChunks = 0;
    for (let page = 0; page < this.state.length; page++) {
      const made = this.chunkMade[chunkOf(page)] === 1;
      if (this.state[page] !== FREE || !(made || grow)) {
        run = 0;
        newChunks = 0;
        continue;
      }
      if (!made && (run === 0 || page % CHUNK_PAGES === 0)) newChunks++;
      run++;
      if (run < count) continue;
      return newChunks <= room ? page - count + 1 : null;
    }
    return null;
  }
}

/** False where the kernel has no memory for us. */
function succeeds(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof BpfLoadError) return false;
    throw error;
  }
}

function chunkOf(page: number): number {
  return Math.floor(page / CHUNK_PAGES);
}
