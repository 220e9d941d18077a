// Kernel memory as typed arrays. Where the runtime allows it, the arrays lie on the mapping itself; Electron's V8 refuses buffers
// outside its cage, so there a batch is copied into a JavaScript buffer first (one memcpy a batch, about 0.3 us). Who reads through
// it does not see the difference.

import type { Words } from '../abi/words';
import { MAP_SHARED, native, PROT_READ, PROT_WRITE } from './libbpf';

function wordsOf(buffer: ArrayBuffer, bytes: number): Words {
  return { u32: new Uint32Array(buffer, 0, bytes >>> 2), u64: new BigUint64Array(buffer, 0, bytes >>> 3) };
}

const COPY_BYTES = 64 * 1024;

export class MappedMemory {
  private readonly address: bigint;
  private readonly whole: Words | null;
  private readonly batch: Words;
  private readonly batchBuffer: Buffer;

  /** Throws an Error that holds the errno's name. */
  constructor(
    fd: number,
    offset: number,
    readonly bytes: number,
    writable: boolean,
    zeroCopy: boolean,
  ) {
    const { system } = native();
    const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    this.address = system.mmap(null, bytes, protection, MAP_SHARED, fd, offset);
    if (this.address === 0xffff_ffff_ffff_ffffn) throw new Error(`mmap: ${system.errnoName()}`);
    this.whole = zeroCopy ? wordsOf(system.view(this.address, bytes), bytes) : null;
    const buffer = new ArrayBuffer(zeroCopy ? 8 : Math.min(bytes, COPY_BYTES));
    this.batch = wordsOf(buffer, buffer.byteLength);
    this.batchBuffer = Buffer.from(buffer);
  }

  /** A 64-bit counter that another CPU writes. */
  loadCounter(offset: number): number {
    if (this.whole) return Number(Atomics.load(this.whole.u64, offset >>> 3));
    native().system.copy(this.batchBuffer, this.address + BigInt(offset), 8);
    return Number(this.batch.u64[0]);
  }

  storeCounter(offset: number, value: number): void {
    if (this.whole) {
      Atomics.store(this.whole.u64, offset >>> 3, BigInt(value));
      return;
    }
    const word = Buffer.alloc(8);
    word.writeBigUInt64LE(BigInt(value));
    native().system.copy(this.address + BigInt(offset), word, 8);
  }

  /**
   * Bytes from `offset` on as words: at most `bytes`, possibly fewer, but never less than a record.
   * `first` is the index of the 32-bit word at `offset`. Valid until the next call.
   */
  read(offset: number, bytes: number): { words: Words; first: number; bytes: number } {
    if (this.whole) return { words: this.whole, first: offset >>> 2, bytes };
    const copied = Math.min(bytes, this.batchBuffer.length);
    native().system.copy(this.batchBuffer, this.address + BigInt(offset), copied);
    return { words: this.batch, first: 0, bytes: copied };
  }

  unmap(): void {
    native().system.munmap(this.address, this.bytes);
  }
}
