// Linux capabilities as numbers, names and masks, read from /proc: what can be known of them without native code. Setting them is
// ../privilege/capabilities.ts's. Numbers: capabilities(7), include/uapi/linux/capability.h.

import { readFileSync } from 'node:fs';

export const CAPABILITY = {
  DAC_READ_SEARCH: 2,
  NET_ADMIN: 12,
  SYS_PTRACE: 19,
  SYS_ADMIN: 21,
  SYS_RESOURCE: 24,
  SYSLOG: 34,
  PERFMON: 38,
  BPF: 39,
  CHECKPOINT_RESTORE: 40,
} as const;
export type CapabilityName = keyof typeof CAPABILITY;

/** Effective capabilities of a thread of this process, as a bit mask. */
export function effectiveCapabilities(statusFile = '/proc/thread-self/status'): bigint {
  return statusMask(readFileSync(statusFile, 'latin1'), 'CapEff');
}

/** One mask (`CapEff`, `CapPrm`, `CapBnd`, …) out of the text of a /proc status file; 0n where it is absent. */
export function statusMask(status: string, field: string): bigint {
  const match = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status);
  return match ? BigInt(`0x${match[1]}`) : 0n;
}

export function maskOf(names: readonly CapabilityName[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(CAPABILITY[name])), 0n);
}

/** Names of the bits of `mask`; those this product has no name for as `CAP_<number>`. */
export function namesOf(mask: bigint): string[] {
  const known = new Map<number, string>(Object.entries(CAPABILITY).map(([name, bit]) => [bit, name]));
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if (mask & (1n << BigInt(bit))) names.push(known.get(bit) ?? `CAP_${bit}`);
  }
  return names;
}

/** Highest capability that this kernel has: tells CAP_BPF (39, Linux 5.8) and CHECKPOINT_RESTORE (40, 5.9) apart. */
export function lastCapability(): number {
  return Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'latin1'));
}
