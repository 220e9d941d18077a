// Linux capabilities of the calling thread: read, reduce, drop. Numbers and the capget/capset layout: capabilities(7), capget(2),
// include/uapi/linux/capability.h.

import { checkCall, libc } from './libc';

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
