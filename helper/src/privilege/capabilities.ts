// Linux capabilities of the calling thread: read, reduce, drop. Called by drop.ts (main thread), by the symbolizer's
// workers (dropAllCapabilities, before they read a byte) and by the doctor (which capabilities are there).
// Numbers and the capget/capset layout: capabilities(7), capget(2), include/uapi/linux/capability.h.

import { readFileSync } from 'node:fs';
import { checkCall, libc } from './libc';

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

const HEADER_VERSION_3 = 0x20080522;
const HEADER_BYTES = 8;
/** Two halves (capabilities 0..31, 32..63) of {effective, permitted, inheritable}, four bytes each. */
const HALF_BYTES = 12;

/** Header for the calling thread (pid 0). */
function header(): Buffer {
  const buffer = Buffer.alloc(HEADER_BYTES);
  buffer.writeUInt32LE(HEADER_VERSION_3, 0);
  return buffer;
}

/** Arguments for capset(): exactly these masks; inheritable (and with it ambient) none. */
export function capabilitySets(effective: bigint, permitted = effective): [header: Buffer, data: Buffer] {
  const data = Buffer.alloc(2 * HALF_BYTES);
  [effective, permitted].forEach((mask, set) => {
    for (const half of [0, 1])
      data.writeUInt32LE(Number((mask >> BigInt(32 * half)) & 0xffffffffn), half * HALF_BYTES + 4 * set);
  });
  return [header(), data];
}

/** Sets those of the calling thread. */
export function setThreadCapabilities(effective: bigint, permitted = effective): void {
  checkCall('capset', libc().capset(...capabilitySets(effective, permitted)));
}

/**
 * Leaves the calling thread without any capability, for good (the process has NO_NEW_PRIVS). Capabilities belong to
 * threads: the other threads of the process keep theirs. Throws where the kernel refuses, which it never does.
 */
export function dropAllCapabilities(): void {
  setThreadCapabilities(0n);
}

/** Effective capabilities of a thread of this process from /proc, as a bit mask. Needs no native code. */
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
