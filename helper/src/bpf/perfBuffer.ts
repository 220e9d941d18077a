// Consumer of one CPU's perf event buffer by mmap (struct perf_event_mmap_page: the kernel's position at 1024, ours at
// 1032, data from the second page on). Two users: perf's own records of mappings and execs (mappingRecords.ts), and
// our BPF records on kernels without a BPF ring buffer (perfBufferSet.ts).

import type { Words } from '../abi/words';
import { native } from './libbpf';
import { MappedMemory } from './mappedMemory';

const DATA_HEAD = 1024;
const DATA_TAIL = 1032;

export interface PerfRecordHeader {
  /** enum perf_event_type */
  type: number;
  misc: number;
  sizeBytes: number;
}
export type OnPerfRecord = (header: PerfRecordHeader, words: Words, at: number) => void;

/** PERF_RECORD_SAMPLE can be 64 KiB long; ours are at most this. */
const SPLIT_BYTES = 8192;

export class PerfBuffer {
  private readonly memory: MappedMemory;
  private readonly split: Words;
  private readonly splitBytes: Uint8Array;
  private consumed = 0;

  /** `dataBytes`: a power of two of pages. Throws an Error that holds the errno's name. */
  constructor(
    readonly fd: number,
    readonly dataBytes: number,
    zeroCopy: boolean,
  ) {
    this.memory = new MappedMemory(fd, 0, native().system.pageBytes + dataBytes, true, zeroCopy);
    const buffer = new ArrayBuffer(SPLIT_BYTES);
    this.split = { u32: new Uint32Array(buffer), u64: new BigUint64Array(buffer) };
    this.splitBytes = new Uint8Array(buffer);
  }

  pendingBytes(): number {
    return this.memory.loadCounter(DATA_HEAD) - this.consumed;
  }

  /** Hands out all records; `at` is the first 32-bit word behind the record's header. */
  drain(onRecord: OnPerfRecord): void {
    const head = this.memory.loadCounter(DATA_HEAD);
    const { pageBytes } = native().system;
    const header: PerfRecordHeader = { type: 0, misc: 0, sizeBytes: 0 };
    while (this.consumed < head) {
      const offset = this.consumed % this.dataBytes;
      const untilEnd = this.dataBytes - offset;
      const { words, first, bytes } = this.memory.read(pageBytes + offset, Math.min(head - this.consumed, untilEnd));
      let used = 0;
      // A record's header (8 bytes, aligned) is never split; its body may be.
      while (used + 8 <= bytes) {
        const at = first + (used >>> 2);
        header.type = words.u32[at];
        header.misc = words.u32[at + 1] & 0xffff;
        header.sizeBytes = words.u32[at + 1] >>> 16;
        if (header.sizeBytes < 8 || used + header.sizeBytes > bytes) break;
        onRecord(header, words, at + 2);
        used += header.sizeBytes;
      }
      if (used === 0) used = this.drainSplit(header, offset, onRecord);
      if (used === 0) return;
      this.consumed += used;
      this.memory.storeCounter(DATA_TAIL, this.consumed);
    }
  }

  /** A record that goes on at the buffer's beginning, put together. */
  private drainSplit(header: PerfRecordHeader, offset: number, onRecord: OnPerfRecord): number {
    const { pageBytes } = native().system;
    if (header.sizeBytes < 8) return 0;
    const kept = Math.min(header.sizeBytes, SPLIT_BYTES);
    for (let done = 0; done < kept; ) {
      const from = (offset + done) % this.dataBytes;
      const { words, first, bytes } = this.memory.read(pageBytes + from, Math.min(kept - done, this.dataBytes - from));
      this.splitBytes.set(new Uint8Array(words.u32.buffer, words.u32.byteOffset + first * 4, bytes), done);
      done += bytes;
    }
    if (header.sizeBytes <= SPLIT_BYTES) onRecord(header, this.split, 2);
    return header.sizeBytes;
  }

  close(): void {
    this.memory.unmap();
    native().system.close(this.fd);
  }
}
