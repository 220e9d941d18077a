// What the kernel offers to BPF programs, by trying it. Called by check.ts.

import { readFileSync } from 'node:fs';
import { native } from '../bpf/libbpf';
import { hasBtf, hasRingBuffer, hasTaskPtRegs } from '../bpf/probe';
import { tryBpf } from '../privilege/rights';
import { type CheckItem, toErrorReport } from '../protocol';
import { item, needsRights } from './item';
import { tryPerfEvent } from './perfEvent';

export function kernelItems(privileged: boolean): CheckItem[] {
  return [
    libbpf(),
    btf(),
    bpfCall(privileged),
    ringBuffer(privileged),
    userRegisters(privileged),
    ...events(privileged),
  ];
}

function libbpf(): CheckItem {
  const title = 'libbpf';
  try {
    const { path } = native().libbpf;
    return item('libbpf', title, 'ok', loadedFile('libbpf.so') ?? path);
  } catch (error) {
    const { message, fix } = toErrorReport(error);
    return item('libbpf', title, 'missing', message, fix);
  }
}

/** Full path of a library that this process has mapped: tells the system's from ours. */
function loadedFile(name: string): string | null {
  const line = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .find((text) => text.includes(`/${name}`));
  return line?.slice(line.indexOf('/')) ?? null;
}

function btf(): CheckItem {
  const title = 'Kernel type information (BTF)';
  if (hasBtf()) return item('btf', title, 'ok', '/sys/kernel/btf/vmlinux');
  const fix = 'Use a kernel built with CONFIG_DEBUG_INFO_BTF (all current distributions).';
  return item('btf', title, 'missing', 'this kernel has none: programs cannot be fitted to it', fix);
}

function bpfCall(privileged: boolean): CheckItem {
  const title = 'bpf() system call';
  const error = tryBpf();
  if (error === null) return item('bpf', title, 'ok', 'a map could be made');
  if (!privileged && error === 'EPERM') return needsRights('bpf', title);
  const fix =
    error === 'ENOSYS' ? 'Use a kernel with CONFIG_BPF_SYSCALL.' : 'A seccomp filter may forbid it (containers).';
  return item('bpf', title, 'missing', `refused with ${error}`, fix);
}

function ringBuffer(privileged: boolean): CheckItem {
  const title = 'BPF ring buffer';
  if (!privileged) return needsRights('ringBuffer', title);
  if (hasRingBuffer()) return item('ringBuffer', title, 'ok', 'records arrive through shared memory');
  return item('ringBuffer', title, 'degraded', 'not in this kernel; perf buffers are used', 'Linux 5.8 brought it.');
}

function userRegisters(privileged: boolean): CheckItem {
  const title = 'Stacks of threads in system calls';
  if (!privileged) return needsRights('userRegisters', title);
  if (hasTaskPtRegs()) return item('userRegisters', title, 'ok', 'user registers are found from inside the kernel');
  const detail = 'user registers are not found from inside the kernel';
  return item('userRegisters', title, 'degraded', detail, 'Linux 5.15 brought it.');
}

function events(privileged: boolean): CheckItem[] {
  const clock = tryPerfEvent('cpu-clock');
  const cycles = tryPerfEvent('cycles');
  const cause = privileged ? 'a seccomp filter may forbid perf_event_open()' : 'not allowed to this process';
  const sampling =
    clock === null || cycles === null
      ? item('perfEvents', 'Sampling events', 'ok', clock === null ? 'timer (cpu-clock)' : 'CPU cycles')
      : privileged
        ? item(
            'perfEvents',
            'Sampling events',
            'missing',
            `refused with ${clock}: ${cause}`,
            'Allow it, or record from the host.',
          )
        : needsRights('perfEvents', 'Sampling events');
  const hardware =
    cycles === null
      ? item('hardwareEvents', 'Hardware counters', 'ok', 'CPU cycles can be counted')
      : item(
          'hardwareEvents',
          'Hardware counters',
          'ok',
          `none here (${cycles}), as on most virtual machines; timer samples serve`,
        );
  return [sampling, hardware];
}
