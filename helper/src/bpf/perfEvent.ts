// perf_event_open: the attributes that we use of it, by their offsets in struct perf_event_attr (include/uapi/linux/perf_event.h,
// size PERF_ATTR_SIZE_VER5).

import { native } from './libbpf';

const ATTR = { type: 0, size: 4, config: 8, period: 16, sampleType: 24, flags: 40, wakeup: 48, clockId: 92 };
const ATTR_BYTES = 112;
const CLOCK_MONOTONIC = 1;
const PERF_FLAG_FD_CLOEXEC = 8;

export const PERF_TYPE_HARDWARE = 0;
export const PERF_TYPE_SOFTWARE = 1;
export const PERF_COUNT_HW_CPU_CYCLES = 0;
export const PERF_COUNT_SW_CPU_CLOCK = 0;
export const PERF_COUNT_SW_DUMMY = 9;
export const PERF_COUNT_SW_BPF_OUTPUT = 10;
export const PERF_SAMPLE_TIME = 1 << 2;
export const PERF_SAMPLE_RAW = 1 << 10;

export const PERF_EVENT_IOC_ENABLE = 0x2400;
export const PERF_EVENT_IOC_PERIOD = 0x4008_2404;

/** Bits of the flags word. */
const FLAG_BIT = {
  disabled: 0,
  excludeIdle: 7,
  comm: 9,
  frequency: 10,
  watermark: 14,
  mmap: 8,
  sampleIdAll: 18,
  mmap2: 23,
  commExec: 24,
  useClockId: 25,
  buildId: 34,
} as const;
export type PerfFlag = keyof typeof FLAG_BIT;

export interface PerfAttributes {
  type: number;
  config: number;
  /** Nanoseconds for cpu-clock; hertz with the flag `frequency`. */
  period?: number;
  sampleType?: number;
  /** Bytes (flag `watermark`) or events after which a reader is woken up. */
  wakeup?: number;
  flags: PerfFlag[];
}

/** Opens an event on one CPU for all processes. The fd, or the errno's name. */
export function openOnCpu(attributes: PerfAttributes, cpu: number): number | string {
  const { system } = native();
  const raw = Buffer.alloc(ATTR_BYTES);
  raw.writeUInt32LE(attributes.type, ATTR.type);
  raw.writeUInt32LE(ATTR_BYTES, ATTR.size);
  raw.writeBigUInt64LE(BigInt(attributes.config), ATTR.config);
  raw.writeBigUInt64LE(BigInt(attributes.period ?? 0), ATTR.period);
  raw.writeBigUInt64LE(BigInt(attributes.sampleType ?? 0), ATTR.sampleType);
  let flags = 0n;
  for (const flag of attributes.flags) flags |= 1n << BigInt(FLAG_BIT[flag]);
  raw.writeBigUInt64LE(flags, ATTR.flags);
  raw.writeUInt32LE(attributes.wakeup ?? 0, ATTR.wakeup);
  if (attributes.flags.includes('useClockId')) raw.writeInt32LE(CLOCK_MONOTONIC, ATTR.clockId);
  const fd = system.perfEventOpen(raw, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
  return fd < 0 ? system.errnoName() : Number(fd);
}

/** uprobe_path and probe_offset of struct perf_event_attr. */
const PROBE = { path: 56, offset: 64 };

/** A probe of the PMU `type` in one process; `path`: address of the file's name, ended by a zero. The fd, or the errno's name. */
export function openProbe(probe: { type: number; path: bigint; offset: bigint; pid: number }): number | string {
  const { system } = native();
  const raw = Buffer.alloc(ATTR_BYTES);
  raw.writeUInt32LE(probe.type, ATTR.type);
  raw.writeUInt32LE(ATTR_BYTES, ATTR.size);
  raw.writeBigUInt64LE(probe.path, PROBE.path);
  raw.writeBigUInt64LE(probe.offset, PROBE.offset);
  const fd = system.perfEventOpen(raw, probe.pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
  return fd < 0 ? system.errnoName() : Number(fd);
}
