// Turns a refusal of the kernel into the error that names its cause, by looking at what the machine lets us do: BTF,
// capabilities, lockdown, RLIMIT_MEMLOCK. Called where objects are loaded (stack/capture.ts).

import { readFileSync } from 'node:fs';
import { type TracerError, tracerError } from '../protocol';
import { BpfLoadError } from './object';
import { countsMemoryByCgroup, hasBtf } from './probe';

const CAP_SYS_ADMIN = 21;
const CAP_PERFMON = 38;
const CAP_BPF = 39;
/** What the maps of a recording need where RLIMIT_MEMLOCK still counts. */
const MEMLOCK_BYTES = 8 << 20;

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function missingCapabilities(): string[] {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(read('/proc/self/status'))?.[1] ?? '0'}`);
  const has = (capability: number) => (mask & (1n << BigInt(capability))) !== 0n;
  if (has(CAP_SYS_ADMIN)) return [];
  return [...(has(CAP_BPF) ? [] : ['CAP_BPF']), ...(has(CAP_PERFMON) ? [] : ['CAP_PERFMON'])];
}

function inContainer(): boolean {
  return read('/proc/1/cgroup') !== '' && /docker|kubepods|containerd|libpod|lxc/.test(read('/proc/1/cgroup'));
}

export const CONTAINER_ARGUMENTS = '--cap-add=BPF --cap-add=PERFMON --cap-add=SYS_PTRACE --pid=host';

function memlockTooLow(): boolean {
  const limit = /^Max locked memory\s+(\S+)/m.exec(read('/proc/self/limits'))?.[1];
  return limit !== undefined && limit !== 'unlimited' && Number(limit) < MEMLOCK_BYTES && !countsMemoryByCgroup();
}

/** Never returns for an error that is not ours to explain: throws it again. */
export function explainLoadError(error: unknown): TracerError {
  if (!(error instanceof BpfLoadError)) throw error;
  if (!hasBtf()) return tracerError('KERNEL_NO_BTF');
  if (read('/sys/kernel/security/lockdown').includes('[confidentiality]')) return tracerError('LOCKDOWN');
  const missing = missingCapabilities();
  if (missing.length > 0 && error.errno === 'EPERM') {
    if (inContainer()) return tracerError('CONTAINER_NO_RIGHTS', missing.join(', '), CONTAINER_ARGUMENTS);
    return tracerError('NO_PRIVILEGE', `${missing.join(', ')} missing.`);
  }
  if (error.errno === 'EPERM' && memlockTooLow()) return tracerError('MEMLOCK');
  return tracerError('KERNEL_NO_BPF', error.message);
}
