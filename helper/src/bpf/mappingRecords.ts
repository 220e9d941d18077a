// What perf tells of executable mappings and execs (PERF_RECORD_MMAP2, PERF_RECORD_COMM), for every process of the machine, one
// small buffer a CPU: there is no mmap hook for BPF without kprobes, and a process that lives for milliseconds is gone before its
// /proc/PID/maps could be read. Who drains them keeps what belongs to the targets, and puts it in order of time with the BPF
// records. Record layouts: include/uapi/linux/perf_event.h, enum perf_event_type; trailer: PERF_SAMPLE_TIME only.

import { addressAt, textAt } from '../abi/decode';
import type { Words } from '../abi/words';
import type { ProcessRecord } from '../process/types';
import type { AttachStep } from '../protocol';
import { native } from './libbpf';
import { PerfBuffer, type PerfRecordHeader } from './perfBuffer';
import { openOnCpu, PERF_COUNT_SW_DUMMY, PERF_SAMPLE_TIME, PERF_TYPE_SOFTWARE, type PerfFlag } from './perfEvent';

const PERF_RECORD_LOST = 2;
const PERF_RECORD_COMM = 3;
const PERF_RECORD_MMAP2 = 10;
const MISC_COMM_EXEC = 1 << 13;
const MISC_MMAP_BUILD_ID = 1 << 14;
const PROT_EXEC = 4;
const TRAILER_BYTES = 8;

/** Tried in this order: what perf_event_mlock_kb leaves to a user is shared with everything else of theirs. */
const BUFFER_PAGES = [64, 16, 4];

/** Where the words of PERF_RECORD_MMAP2 lie behind its header. */
const MMAP2 = { pid: 0, address: 2, length: 4, offset: 6, device: 8, inode: 10, buildIdSize: 8, buildId: 9 };
const MMAP2_PROTECTION = 14;
const MMAP2_PATH = 16;

const FLAGS: PerfFlag[] = ['mmap', 'mmap2', 'comm', 'commExec', 'sampleIdAll', 'useClockId', 'watermark'];

export class MappingRecords {
  private readonly buffers = new Map<number, PerfBuffer>();
  private buildIds = true;
  /** Records that found no room. */
  lost = 0;

  constructor(private readonly zeroCopy: boolean) {}

  get active(): boolean {
    return this.buffers.size > 0;
  }

  /** Null when it works, else the reason. */
  addCpu(cpu: number): string | null {
    if (this.buffers.has(cpu)) return null;
    let fd = this.open(cpu);
    if (typeof fd === 'string' && this.buildIds) {
      this.buildIds = false; // before 5.12
      fd = this.open(cpu);
    }
    if (typeof fd === 'string') return fd;
    let why = '';
    for (const pages of BUFFER_PAGES) {
      try {
        this.buffers.set(cpu, new PerfBuffer(fd, pages * native().system.pageBytes, this.zeroCopy));
        return null;
      } catch (error) {
        why = (error as Error).message;
      }
    }
    native().system.close(fd);
    return why;
  }

  removeCpu(cpu: number): void {
    this.buffers.get(cpu)?.close();
    this.buffers.delete(cpu);
  }

  private open(cpu: number): number | string {
    return openOnCpu(
      {
        type: PERF_TYPE_SOFTWARE,
        config: PERF_COUNT_SW_DUMMY,
        sampleType: PERF_SAMPLE_TIME,
        wakeup: 1 << 30,
        flags: this.buildIds ? [...FLAGS, 'buildId'] : FLAGS,
      },
      cpu,
    );
  }

  /** For the report: taken as what, or refused why. */
  step(refused: string[]): AttachStep {
    return {
      what: 'mappings',
      taken: this.active ? `perf mmap2 records${this.buildIds ? ' with build ids' : ''}` : null,
      refused: refused.map((why) => ({ rung: 'perf mmap2 records', why })),
    };
  }

  /** How full the fullest buffer is, 0..1. */
  fill(): number {
    let fullest = 0;
    for (const buffer of this.buffers.values()) fullest = Math.max(fullest, buffer.pendingBytes() / buffer.dataBytes);
    return fullest;
  }

  /** All that waits, in order of time over all CPUs. Only records of pids that `wanted` accepts are decoded. */
  drain(wanted: (pid: number) => boolean): ProcessRecord[] {
    const records: ProcessRecord[] = [];
    for (const buffer of this.buffers.values())
      buffer.drain((header, words, at) => {
        if (header.type === PERF_RECORD_LOST) this.lost += words.u32[at + 2];
        else if (wanted(words.u32[at])) {
          const record = decode(header, words, at);
          if (record) records.push(record);
        }
      });
    return records.sort((a, b) => a.timeNs - b.timeNs);
  }

  close(): void {
    for (const buffer of this.buffers.values()) buffer.close();
    this.buffers.clear();
  }
}

function decode(header: PerfRecordHeader, words: Words, at: number): ProcessRecord | null {
  const { u32 } = words;
  const end = at + (header.sizeBytes - 8) / 4;
  const timeNs = u32[end - 2] + u32[end - 1] * 2 ** 32;
  const pid = u32[at];
  if (header.type === PERF_RECORD_COMM && header.misc & MISC_COMM_EXEC)
    return { kind: 'exec', timeNs, pid, name: textAt(u32, at + 2, (end - at - 2) * 4 - TRAILER_BYTES) };
  if (header.type !== PERF_RECORD_MMAP2 || !(u32[at + MMAP2_PROTECTION] & PROT_EXEC)) return null;
  const start = addressAt(u32, at + MMAP2.address);
  const withBuildId = (header.misc & MISC_MMAP_BUILD_ID) !== 0;
  return {
    kind: 'mmap',
    timeNs,
    pid,
    mapping: {
      start,
      end: start + addressAt(u32, at + MMAP2.length),
      fileOffset: addressAt(u32, at + MMAP2.offset),
      path: textAt(u32, at + MMAP2_PATH, (end - at - MMAP2_PATH) * 4 - TRAILER_BYTES),
      buildId: withBuildId ? buildId(u32, at) : null,
      deviceMajor: withBuildId ? 0 : u32[at + MMAP2.device],
      deviceMinor: withBuildId ? 0 : u32[at + MMAP2.device + 1],
      inode: withBuildId ? 0n : BigInt(u32[at + MMAP2.inode]) | (BigInt(u32[at + MMAP2.inode + 1]) << 32n),
    },
  };
}

function buildId(u32: Uint32Array, at: number): string | null {
  const size = Math.min(u32[at + MMAP2.buildIdSize] & 0xff, 20);
  if (size === 0) return null;
  return Buffer.from(u32.buffer, u32.byteOffset + (at + MMAP2.buildId) * 4, size).toString('hex');
}
