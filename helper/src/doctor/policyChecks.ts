// What this machine's administrator allows or forbids: lockdown, limits, sysctls.

import { lockdown, textOf } from '../client/surroundings';
import { type Check, degraded, type Finding, missing, ok } from './finding';

export const POLICY_CHECKS: Check[] = [
  { id: 'lockdown', title: 'Kernel lockdown', run: lockdownMode },
  { id: 'memlock', title: 'Locked memory (RLIMIT_MEMLOCK)', run: memlock },
  { id: 'perfParanoid', title: 'perf_event_paranoid', run: perfParanoid },
  { id: 'unprivilegedBpf', title: 'Unprivileged BPF', run: unprivilegedBpf },
  { id: 'yama', title: 'Yama (ptrace_scope)', run: yama },
];

function lockdownMode(): Finding {
  const mode = lockdown();
  if (mode === 'unknown') return ok('not in this kernel, or not shown');
  if (mode !== 'confidentiality') return ok(mode);
  return missing('confidentiality: tracing is forbidden', 'Boot with lockdown=integrity, or without it.');
}

function memlock(): Finding {
  const limit = /^Max locked memory\s+(\S+)/m.exec(textOf('/proc/self/limits') ?? '')?.[1] ?? 'unknown';
  const shown = /^\d+$/.test(limit) ? `${Math.round(Number(limit) / 1024)} KiB` : limit;
  return ok(`${shown}; the helper raises it as root, and from Linux 5.11 on it hardly matters`);
}

function sysctl(name: string): string | null {
  return textOf(`/proc/sys/kernel/${name}`)?.trim() ?? null;
}

function perfParanoid(): Finding {
  const value = sysctl('perf_event_paranoid');
  if (value === null) return missing('this kernel has no perf events', 'Use a kernel with CONFIG_PERF_EVENTS.');
  // Not the kernel's own meaning of the number, but that of Debian and Ubuntu.
  if (Number(value) > 2)
    return ok(`${value}: on some kernels the helper must keep CAP_SYS_ADMIN because of it; 2 would spare that`);
  return ok(`${value}; does not bind the helper, which has CAP_PERFMON`);
}

function unprivilegedBpf(): Finding {
  const value = sysctl('unprivileged_bpf_disabled');
  return ok(`${value === null ? 'not in this kernel' : value === '0' ? 'allowed' : 'switched off'}; not needed here`);
}

function yama(): Finding {
  const value = sysctl('yama/ptrace_scope');
  if (value === null) return ok('not in this kernel');
  if (value !== '3') return ok(`${value}; does not bind the helper, which has CAP_SYS_PTRACE`);
  return degraded(
    '3: nobody may read the memory of processes, not even root',
    'Only a reboot with another kernel.yama.ptrace_scope changes it.',
  );
}
