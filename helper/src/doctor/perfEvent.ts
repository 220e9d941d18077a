// Opens one sampling event on this process and closes it again: does the kernel have it and allow it? Layout: struct
// perf_event_attr, include/uapi/linux/perf_event.h.

import { native } from '../bpf/libbpf';

const ATTR_BYTES = 112; // PERF_ATTR_SIZE_VER5
const PERF_TYPE_HARDWARE = 0;
const PERF_TYPE_SOFTWARE = 1;
const PERF_COUNT_CPU_CYCLES = 0;
const PERF_COUNT_SW_CPU_CLOCK = 0;
/** Bits disabled, exclude_kernel, exclude_hv: what an unprivileged process may ask for by default. */
const FLAGS = (1n << 0n) | (1n << 5n) | (1n << 6n);
const PERF_FLAG_FD_CLOEXEC = 8;

/** null where it works, else the errno's name. */
export function tryPerfEvent(event: 'cpu-clock' | 'cycles'): string | null {
  const attr = Buffer.alloc(ATTR_BYTES);
  attr.writeUInt32LE(event === 'cycles' ? PERF_TYPE_HARDWARE : PERF_TYPE_SOFTWARE, 0);
  attr.writeUInt32LE(ATTR_BYTES, 4);
  attr.writeBigUInt64LE(BigInt(event === 'cycles' ? PERF_COUNT_CPU_CYCLES : PERF_COUNT_SW_CPU_CLOCK), 8);
  attr.writeBigUInt64LE(1_000_000n, 16);
  attr.writeBigUInt64LE(FLAGS, 40);
  const { system } = native();
  const fd = system.perfEventOpen(attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) return system.errnoName();
  system.close(fd);
  return null;
}
