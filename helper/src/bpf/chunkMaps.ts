// The inner maps of `unwind_chunks` (bpf/lib/unwind_pages.bpf.h): made when they are needed, mapped, and written like memory;
// before 5.5, which cannot map them, page by page through the map.
//
// The kernel's programs see a chunk from link() on. Each change of a map of maps waits until all programs that may still use
// the old value have ended (synchronize_rcu(), 7 to 25 ms): many chunks are linked in one call, which waits once.

import { MAP_SHARED, native, PROT_READ, PROT_WRITE } from './libbpf';
import { BpfLoadError } from './object';

const BPF_MAP_TYPE_ARRAY = 2;
const BPF_F_MMAPABLE = 1 << 10;
/** struct bpf_map_create_opts of libbpf: its size, and map_flags behind five 32-bit words of BTF ids and fds. */
const CREATE_OPTIONS = { byteLength: 48, mapFlags: 28 };
const PAGE_BYTES = 4096;

interface Chunk {
  fd: number;
  /** Null: not mapped. */
  address: bigint | null;
}

/** An array of pages; the fd, or a negative errno. */
function createArray(pages: number, mappable: boolean): number {
  const options = Buffer.alloc(CREATE_OPTIONS.byteLength);
  options.writeBigUInt64LE(BigInt(options.length));
  options.writeUInt32LE(mappable ? BPF_F_MMAPABLE : 0, CREATE_OPTIONS.mapFlags);
  return native().libbpf.map_create(BPF_MAP_TYPE_ARRAY, 'unwind_chunk', 4, PAGE_BYTES, pages, options);
}

/** Arrays that can be mapped (5.5). */
export function hasMappableArrays(): boolean {
  const fd = createArray(1, true);
  if (fd < 0) return false;
  native().system.close(fd);
  return true;
}

/** What the kernel has to know of the chunks before there is one; the caller closes the fd. Throws BpfLoadError. */
export function chunkTemplate(pages: number, mappable: boolean): number {
  const fd = createArray(pages, mappable);
  if (fd < 0) throw new BpfLoadError('Memory for unwind tables', native().system.nameOf(-fd), []);
  return fd;
}

export class ChunkMaps {
  private readonly chunks = new Map<number, Chunk>();
  /** Made, but not to be seen by programs yet. */
  private readonly unlinked = new Set<number>();
  private readonly key = Buffer.alloc(4);

  constructor(
    private readonly outerFd: number,
    private readonly pagesPerChunk: number,
    private readonly mappable: boolean,
  ) {}

  /** Throws BpfLoadError, for example where RLIMIT_MEMLOCK is too low. */
  create(number: number): void {
    const { system } = native();
    const fd = createArray(this.pagesPerChunk, this.mappable);
    if (fd < 0) throw new BpfLoadError('Memory for unwind tables', system.nameOf(-fd), []);
    const chunk: Chunk = { fd, address: null };
    if (this.mappable) {
      const bytes = this.pagesPerChunk * PAGE_BYTES;
      chunk.address = system.mmap(null, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (chunk.address === 0xffff_ffff_ffff_ffffn) {
        const errno = system.errnoName();
        system.close(fd);
        throw new BpfLoadError('Mapping unwind tables', errno, []);
      }
    }
    this.chunks.set(number, chunk);
    this.unlinked.add(number);
  }

  /** Shows what was made since the last call to the kernel's programs. Throws BpfLoadError; what failed stays unlinked. */
  link(): void {
    const numbers = [...this.unlinked];
    if (numbers.length === 0) return;
    const { libbpf } = native();
    const [keys, values, count] = [Buffer.alloc(4 * numbers.length), Buffer.alloc(4 * numbers.length), Buffer.alloc(4)];
    for (const [i, number] of numbers.entries()) {
      keys.writeUInt32LE(number, 4 * i);
      values.writeInt32LE(this.chunks.get(number)!.fd, 4 * i);
    }
    count.writeUInt32LE(numbers.length);
    // Maps of maps take batches since 5.18.
    if (numbers.length > 1 && libbpf.updateBatch(this.outerFd, keys, values, count, null) >= 0) {
      this.unlinked.clear();
      return;
    }
    for (const [i, number] of numbers.entries()) {
      const at = [4 * i, 4 * i + 4];
      const result = libbpf.update(this.outerFd, keys.subarray(...at), values.subarray(...at), 0);
      if (result < 0) throw new BpfLoadError('Memory for unwind tables', native().system.nameOf(-result), []);
      this.unlinked.delete(number);
    }
  }

  /** `offsetBytes` in the chunk. */
  write(number: number, offsetBytes: number, bytes: Uint8Array): void {
    const chunk = this.chunks.get(number);
    if (!chunk) throw new Error(`unwind chunk ${number} is not there`);
    const { libbpf, system } = native();
    const from = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (chunk.address !== null) {
      system.copy(chunk.address + BigInt(offsetBytes), from, from.length);
      return;
    }
    const page = Buffer.alloc(PAGE_BYTES);
    for (let done = 0; done < from.length; ) {
      const at = offsetBytes + done;
      const within = at % PAGE_BYTES;
      const size = Math.min(PAGE_BYTES - within, from.length - done);
      this.key.writeUInt32LE(Math.floor(at / PAGE_BYTES));
      if (size < PAGE_BYTES) libbpf.lookup(chunk.fd, this.key, page);
      from.copy(page, within, done, done + size);
      libbpf.update(chunk.fd, this.key, page, 0);
      done += size;
    }
  }

  /** A copy of the page at `offsetBytes` of the chunk. */
  read(number: number, offsetBytes: number): Uint32Array {
    const chunk = this.chunks.get(number);
    if (!chunk) throw new Error(`unwind chunk ${number} is not there`);
    const { libbpf, system } = native();
    const page = new Uint32Array(PAGE_BYTES / 4);
    const bytes = Buffer.from(page.buffer);
    if (chunk.address !== null) system.copy(bytes, chunk.address + BigInt(offsetBytes), PAGE_BYTES);
    else {
      this.key.writeUInt32LE(offsetBytes / PAGE_BYTES);
      libbpf.lookup(chunk.fd, this.key, bytes);
    }
    return page;
  }

  remove(number: number): void {
    this.key.writeUInt32LE(number);
    if (!this.unlinked.delete(number)) native().libbpf.delete(this.outerFd, this.key);
    this.unmap(number);
  }

  close(): void {
    for (const number of [...this.chunks.keys()]) this.unmap(number);
  }

  private unmap(number: number): void {
    const chunk = this.chunks.get(number);
    if (!chunk) return;
    this.chunks.delete(number);
    const { system } = native();
    if (chunk.address !== null) system.munmap(chunk.address, this.pagesPerChunk * PAGE_BYTES);
    system.close(chunk.fd);
  }
}
