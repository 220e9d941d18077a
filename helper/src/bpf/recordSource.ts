// Where BPF records come from, behind one face: the ring buffer, or on kernels before 5.8 a perf buffer for each CPU.

import { timeNsOf } from '../abi/decode';
import type { Words } from '../abi/words';
import { onlineCpus } from './cpus';
import { native } from './libbpf';
import { PerfBuffer } from './perfBuffer';
import {
  openOnCpu,
  PERF_COUNT_SW_BPF_OUTPUT,
  PERF_EVENT_IOC_ENABLE,
  PERF_SAMPLE_RAW,
  PERF_TYPE_SOFTWARE,
} from './perfEvent';
import { type OnRecord, RingBuffer } from './ringBuffer';

export interface RecordSource {
  /** Fixes what the next drain() hands out: all that is there now. */
  snapshot(): void;
  drain(onRecord: OnRecord): void;
  /** How full the fullest buffer is, 0..1. */
  fill(): number;
  /** Records that the kernel could not write and counts itself (perf buffers only; the rest is counted in BPF). */
  close(): void;
}

export class RingSource implements RecordSource {
  private readonly ring: RingBuffer;
  private limit = 0;

  constructor(mapFd: number, sizeBytes: number, zeroCopy: boolean) {
    this.ring = new RingBuffer(mapFd, sizeBytes, zeroCopy);
  }

  snapshot(): void {
    this.limit = this.ring.producerPosition();
  }

  drain(onRecord: OnRecord): void {
    this.ring.drain(this.limit, onRecord);
  }

  fill(): number {
    return this.ring.pendingBytes() / this.ring.sizeBytes;
  }

  close(): void {
    this.ring.close();
  }
}

const PERF_RECORD_SAMPLE = 9;

/** Slower than the ring (each record is copied, and sorted by time over the CPUs), but there on 5.4. */
export class PerfBufferSource implements RecordSource {
  private readonly buffers: PerfBuffer[] = [];
  private waiting: { timeNs: number; words: Words }[] = [];

  /** Throws an Error with the errno's name. */
  constructor(mapFd: number, sizeBytes: number, zeroCopy: boolean) {
    const { libbpf, system } = native();
    for (const cpu of onlineCpus()) {
      const fd = openOnCpu(
        {
          type: PERF_TYPE_SOFTWARE,
          config: PERF_COUNT_SW_BPF_OUTPUT,
          period: 1,
          sampleType: PERF_SAMPLE_RAW,
          wakeup: 1 << 30,
          flags: ['watermark'],
        },
        cpu,
      );
      if (typeof fd === 'string') continue;
      const [key, value] = [Buffer.alloc(4), Buffer.alloc(4)];
      key.writeUInt32LE(cpu);
      value.writeInt32LE(fd);
      this.buffers.push(new PerfBuffer(fd, sizeBytes, zeroCopy));
      if (libbpf.update(mapFd, key, value, 0) < 0 || system.ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0) {
        const why = system.errnoName();
        this.close();
        throw new Error(`perf buffer: ${why}`);
      }
    }
    if (this.buffers.length === 0) throw new Error('no perf buffer on any CPU');
  }

  snapshot(): void {
    for (const buffer of this.buffers)
      buffer.drain((header, words, at) => {
        if (header.type !== PERF_RECORD_SAMPLE) return;
        // Behind a 32-bit size, so not aligned as the decoders want it.
        const copy = words.u32.slice(at + 1, at + 1 + (words.u32[at] >>> 3) * 2);
        const record = { u32: copy, u64: new BigUint64Array(copy.buffer) };
        this.waiting.push({ timeNs: timeNsOf(record, 0), words: record });
      });
  }

  drain(onRecord: OnRecord): void {
    const records = this.waiting.sort((a, b) => a.timeNs - b.timeNs);
    this.waiting = [];
    for (const { words } of records) onRecord(words, 0);
  }

  fill(): number {
    return Math.max(...this.buffers.map((buffer) => buffer.pendingBytes() / buffer.dataBytes));
  }

  close(): void {
    for (const buffer of this.buffers) buffer.close();
    this.buffers.length = 0;
  }
}
