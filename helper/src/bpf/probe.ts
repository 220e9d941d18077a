// What this kernel offers, found by asking it (libbpf_probe_*), never by its version. Asked by the engine before
// it loads anything and by the machine check (doctor/).

import { existsSync, statSync } from 'node:fs';
import { native } from './libbpf';

const BPF_MAP_TYPE_RINGBUF = 27;
const BPF_PROG_TYPE_SOCKET_FILTER = 1;
const BPF_PROG_TYPE_PERF_EVENT = 7;
const BPF_FUNC_KTIME_GET_COARSE_NS = 160;
const BPF_FUNC_TASK_PT_REGS = 175;
const BPF_FUNC_LOOP = 181;
const INITIAL_PID_NS_INODE = 0xeffffffc; // PROC_PID_INIT_INO, include/linux/proc_ns.h

export function hasRingBuffer(): boolean {
  return native().libbpf.probe_map_type(BPF_MAP_TYPE_RINGBUF, null) === 1;
}

/** Gives the user's registers while the thread is in the kernel (5.15). */
export function hasTaskPtRegs(): boolean {
  return native().libbpf.probe_helper(BPF_PROG_TYPE_PERF_EVENT, BPF_FUNC_TASK_PT_REGS, null) === 1;
}

/** bpf_loop(), whose body the verifier follows once (5.17). */
export function hasLoop(): boolean {
  return native().libbpf.probe_helper(BPF_PROG_TYPE_PERF_EVENT, BPF_FUNC_LOOP, null) === 1;
}

/** BPF memory counts for the cgroup, not against RLIMIT_MEMLOCK (5.11; the helper is of the same version). */
export function countsMemoryByCgroup(): boolean {
  return native().libbpf.probe_helper(BPF_PROG_TYPE_SOCKET_FILTER, BPF_FUNC_KTIME_GET_COARSE_NS, null) === 1;
}

export function hasBtf(): boolean {
  return existsSync('/sys/kernel/btf/vmlinux');
}

/** Inode of the helper's own PID namespace, 0 where it is the initial one. */
export function pidNamespaceInode(): number {
  const { ino } = statSync('/proc/self/ns/pid');
  return ino === INITIAL_PID_NS_INODE ? 0 : ino;
}

/** Electron's V8 takes no buffers outside its cage: there, rings are copied from instead of looked at. */
export function canViewNativeMemory(): boolean {
  return process.versions.electron === undefined;
}
