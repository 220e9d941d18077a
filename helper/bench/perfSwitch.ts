// Switches the sampling of another process (our helper, perf, bpftrace) off and on, many times a second and without its
// knowing: its perf events are borrowed by pidfd_getfd(2). So "with" and "without" are windows of one run, minutes of
// drift cancel out, and nothing but the sampling differs. Used by overhead.ts; needs root and x86-64 or arm64.
import { readdirSync, readlinkSync } from 'node:fs';
import koffi from 'koffi';

// Numbers of the generic system call table, the same on both architectures (include/uapi/asm-generic/unistd.h).
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;
// include/uapi/linux/perf_event.h
const PERF_EVENT_IOC_ENABLE = 0x2400;
const PERF_EVENT_IOC_DISABLE = 0x2401;

const libc = koffi.load('libc.so.6');
const syscall = libc.func('long syscall(long, long, long, long)');
const ioctl = libc.func('int ioctl(int, unsigned long, int)');
const close = libc.func('int close(int)');

export interface PerfSwitch {
  set(on: boolean): void;
  close(): void;
}

/** All perf events that `pid` has open now. Throws where it has none. */
export function perfSwitchOf(pid: number): PerfSwitch {
  const pidfd = syscall(SYS_PIDFD_OPEN, pid, 0, 0) as number;
  if (pidfd < 0) throw new Error(`pidfd_open(${pid}) failed`);
  const fds: number[] = [];
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    let target = '';
    try {
      target = readlinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      // closed meanwhile
    }
    if (target !== 'anon_inode:[perf_event]') continue;
    const fd = syscall(SYS_PIDFD_GETFD, pidfd, Number(name), 0) as number;
    if (fd >= 0) fds.push(fd);
  }
  close(pidfd);
  if (fds.length === 0) throw new Error(`process ${pid} has no perf events`);
  return {
    set(on) {
      for (const fd of fds) ioctl(fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
    },
    close() {
      for (const fd of fds.splice(0)) close(fd);
    },
  };
}
