// What the kernel offers to BPF programs, by trying it.

import { native } from '../bpf/libbpf';
import { hasBtf, hasRingBuffer, hasTaskPtRegs } from '../bpf/probe';
import { textOf } from '../client/surroundings';
import { tryBpf } from '../privilege/kernelObstacle';
import { toErrorReport } from '../protocol';
import { type Check, degraded, type Finding, missing, needsRights, ok } from './finding';
import { tryPerfEvent } from './perfEvent';

export const KERNEL_CHECKS: Check[] = [
  { id: 'libbpf', title: 'libbpf', run: libbpf },
  { id: 'btf', title: 'Kernel type information (BTF)', run: btf },
  { id: 'bpf', title: 'bpf() system call', run: bpfCall },
  { id: 'ringBuffer', title: 'BPF ring buffer', run: ringBuffer },
  { id: 'userRegisters', title: 'Stacks of threads in system calls', run: userRegisters },
  { id: 'perfEvents', title: 'Sampling events', run: samplingEvents },
  { id: 'hardwareEvents', title: 'Hardware counters', run: hardwareEvents },
];

function libbpf(): Finding {
  try {
    const { path } = native().libbpf;
    return ok(mappedFile('/libbpf.so') ?? path);
  } catch (error) {
    const { message, fix } = toErrorReport(error);
    return missing(message, fix);
  }
}

/** Full path of a library that this process has mapped: tells the system's from ours. */
function mappedFile(name: string): string | null {
  const line = textOf('/proc/self/maps')
    ?.split('\n')
    .find((text) => text.includes(name));
  return line?.slice(line.indexOf('/')) ?? null;
}

function btf(): Finding {
  if (hasBtf()) return ok('/sys/kernel/btf/vmlinux');
  return missing(
    'this kernel has none: programs cannot be fitted to it',
    'Use a kernel built with CONFIG_DEBUG_INFO_BTF (all current distributions).',
  );
}

function bpfCall(privileged: boolean): Finding {
  const error = tryBpf();
  if (error === null) return ok('a map could be made');
  if (!privileged && error === 'EPERM') return needsRights();
  const fix = error === 'ENOSYS' ? 'Use a kernel with CONFIG_BPF_SYSCALL.' : 'A seccomp filter may forbid it.';
  return missing(`refused with ${error}`, fix);
}

function ringBuffer(privileged: boolean): Finding {
  if (!privileged) return needsRights();
  if (hasRingBuffer()) return ok('records arrive through shared memory');
  return degraded('not in this kernel; perf buffers are used', 'Linux 5.8 brought it.');
}

function userRegisters(privileged: boolean): Finding {
  if (!privileged) return needsRights();
  if (hasTaskPtRegs()) return ok('user registers are found from inside the kernel');
  return degraded('user registers are not found from inside the kernel', 'Linux 5.15 brought it.');
}

function samplingEvents(privileged: boolean): Finding {
  const refused = tryPerfEvent('cpu-clock');
  if (refused === null) return ok('a timer event (cpu-clock) could be opened');
  if (!privileged) return needsRights();
  return missing(`refused with ${refused}`, 'A seccomp filter may forbid perf_event_open(); record from the host.');
}

function hardwareEvents(privileged: boolean): Finding {
  const refused = tryPerfEvent('cycles');
  if (refused === null) return ok('CPU cycles can be counted');
  if (!privileged && refused !== 'ENOENT') return needsRights();
  return ok(`none (${refused}), as on most virtual machines; timer events serve`);
}
