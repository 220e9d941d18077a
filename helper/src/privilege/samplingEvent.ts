// May this thread, with its present capabilities, sample all processes of a CPU? Asked by drop.ts before it gives up the
// rest: some kernels (Debian's 5.10 and 6.1 with perf_event_paranoid 3) want CAP_SYS_ADMIN where others take CAP_PERFMON.
// Layout: struct perf_event_attr, include/uapi/linux/perf_event.h.

import { closeSync } from 'node:fs';
import { libc } from './libc';

const SYS_PERF_EVENT_OPEN = { x64: 298, arm64: 241 }[process.arch as 'x64' | 'arm64'];
const ATTR_BYTES = 112; // PERF_ATTR_SIZE_VER5
const PERF_TYPE_SOFTWARE = 1; // with config 0: cpu-clock
const DISABLED = 1n;
const PERF_FLAG_FD_CLOEXEC = 8;
const ALL_PROCESSES = -1;

/** false only where the kernel refuses it for want of rights; any other failure is for the recording to report. */
export function maySample(): boolean {
  if (SYS_PERF_EVENT_OPEN === undefined) return true;
  const attr = Buffer.alloc(ATTR_BYTES);
  attr.writeUInt32LE(PERF_TYPE_SOFTWARE, 0);
  attr.writeUInt32LE(ATTR_BYTES, 4);
  attr.writeBigUInt64LE(10_000_000n, 16); // period, ns
  attr.writeBigUInt64LE(DISABLED, 40);
  const fd = libc().perfEventOpen(SYS_PERF_EVENT_OPEN, attr, ALL_PROCESSES, 0, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd >= 0) closeSync(fd);
  return fd >= 0 || !['EACCES', 'EPERM'].includes(libc().errnoName());
}
