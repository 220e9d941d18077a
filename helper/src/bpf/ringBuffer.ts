// Consumer of the BPF ring buffer by mmap (kernel/bpf/ringbuf.c: one page of consumer position that we write, one of producer
// position, then the data mapped twice in a row so that no record is ever split). 30 to 50 ns a record, against some 2 us through
// libbpf's callback.

import type { Words } from '../abi/words';
import { native } from './libbpf';
import { MappedMemory } from './mappedMemory';

const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;
const HEADER_BYTES = 8;

/** `at`: index of the record's first 32-bit word in `words.u32`. The words are valid during the call only. */
export type OnRecord = (words: Words, at: number) => void;

export class RingBuffer {
  private readonly consumer: MappedMemory;
  private readonly producer: MappedMemory;
  private readonly dataOffset: number;
  private consumed: number;

  constructor(
    mapFd: number,
    readonly sizeBytes: number,
    zeroCopy: boolean,
  ) {
    const { pageBytes } = native().system;
    this.dataOffset = pageBytes;
    this.consumer = new MappedMemory(mapFd, 0, pageBytes, true, zeroCopy);
    try {
      this.producer = new MappedMemory(mapFd, pageBytes, pageBytes + 2 * sizeBytes, false, zeroCopy);
    } catch (error) {
      this.consumer.unmap();
      throw error;
    }
    this.consumed = this.consumer.loadCounter(0);
  }

  /** Where the kernel writes next. What happened before this call lies below it. */
  producerPosition(): number {
    return this.producer.loadCounter(0);
  }

  /** Bytes that wait. */
  pendingBytes(): number {
    return this.producerPosition() - this.consumed;
  }

  /** Hands out all finished records below `limit`. A record still being written ends the drain, as order demands. */
  drain(limit: number, onRecord: OnRecord): void {
    while (this.consumed < limit) {
      const start = this.consumed;
      const wanted = Math.min(limit - start, this.sizeBytes);
      const { words, first, bytes } = this.producer.read(this.dataOffset + (start % this.sizeBytes), wanted);
      const used = this.handOut(words, first, bytes, onRecord);
      if (used === 0) return;
      this.consumed = start + used;
      this.consumer.storeCounter(0, this.consumed);
    }
  }

  private handOut(words: Words, first: number, bytes: number, onRecord: OnRecord): number {
    let used = 0;
    while (used + HEADER_BYTES <= bytes) {
      const at = first + (used >>> 2);
      const header = Atomics.load(words.u32, at);
      if (header & BUSY) break;
      const length = header & ~(BUSY | DISCARDED);
      const total = (HEADER_BYTES + length + 7) & ~7;
      if (used + total > bytes) break;
      if (!(header & DISCARDED)) onRecord(words, at + HEADER_BYTES / 4);
      used += total;
    }
    return used;
  }

  close(): void {
    this.producer.unmap();
    this.consumer.unmap();
  }
}
