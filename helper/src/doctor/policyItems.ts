// What this machine's administrator allows or forbids: sysctls, lockdown, limits. Called by check.ts.

import { effectiveCapabilities, maskOf } from '../privilege/capabilities';
import { lockdown, textOf } from '../privilege/surroundings';
import type { CheckItem } from '../protocol';
import { item } from './item';

export function policyItems(privileged: boolean): CheckItem[] {
  return [lockdownItem(), memlock(), perfParanoid(privileged), unprivilegedBpf(), yama()];
}

function lockdownItem(): CheckItem {
  const title = 'Kernel lockdown';
  const mode = lockdown();
  if (mode === 'unknown') return item('lockdown', title, 'ok', 'not in this kernel, or not shown');
  if (mode !== 'confidentiality') return item('lockdown', title, 'ok', mode);
  const detail = 'confidentiality: tracing is forbidden';
  return item('lockdown', title, 'missing', detail, 'Boot with lockdown=integrity, or without it.');
}

function memlock(): CheckItem {
  const title = 'Locked memory (RLIMIT_MEMLOCK)';
  const limit = /^Max locked memory\s+(\S+)/m.exec(textOf('/proc/self/limits') ?? '')?.[1] ?? 'unknown';
  const shown = /^\d+$/.test(limit) ? `${Math.round(Number(limit) / 1024)} KiB` : limit;
  return item(
    'memlock',
    title,
    'ok',
    `${shown}; the helper raises it as root, and from Linux 5.11 on it hardly matters`,
  );
}

function sysctl(name: string): number | null {
  const text = textOf(`/proc/sys/kernel/${name}`);
  return text === null ? null : Number(text);
}

function perfParanoid(privileged: boolean): CheckItem {
  const title = 'perf_event_paranoid';
  const value = sysctl('perf_event_paranoid');
  if (value === null)
    return item(
      'perfParanoid',
      title,
      'missing',
      'this kernel has no perf events',
      'Use a kernel with CONFIG_PERF_EVENTS.',
    );
  const passes = privileged && (effectiveCapabilities() & maskOf(['PERFMON', 'SYS_ADMIN'])) !== 0n;
  return item(
    'perfParanoid',
    title,
    'ok',
    `${value}${passes ? '' : ''}; does not bind the helper, which has CAP_PERFMON`,
  );
}

function unprivilegedBpf(): CheckItem {
  const title = 'Unprivileged BPF';
  const value = sysctl('unprivileged_bpf_disabled');
  const detail = value === null ? 'not in this kernel' : value === 0 ? 'allowed' : 'switched off, as it should be';
  return item('unprivilegedBpf', title, 'ok', `${detail}; the helper does not need it`);
}

function yama(): CheckItem {
  const title = 'Yama (ptrace_scope)';
  const value = textOf('/proc/sys/kernel/yama/ptrace_scope')?.trim();
  if (value === undefined) return item('yama', title, 'ok', 'not in this kernel');
  if (value !== '3') return item('yama', title, 'ok', `${value}; the helper has CAP_SYS_PTRACE`);
  const detail = '3: nobody may read the memory of processes, not even root';
  return item('yama', title, 'degraded', detail, 'Only a reboot with another kernel.yama.ptrace_scope changes it.');
}
