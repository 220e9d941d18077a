// What in the kernel forbids every recording, found by trying: for whoever has the capabilities and is refused all the same.

import { closeSync, existsSync } from 'node:fs';
import { containerAdvice } from '../client/rights';
import { hasSeccompFilter, lockdown } from '../client/surroundings';
import { type ErrorReport, errorReport } from '../protocol';
import { libc } from './libc';

const BTF = '/sys/kernel/btf/vmlinux';
const SYS_BPF = { x64: 321, arm64: 280 }[process.arch as 'x64' | 'arm64'];
const BPF_MAP_CREATE = 0;
const BPF_MAP_TYPE_ARRAY = 2;

/**
 * What in the kernel forbids every recording, by trying it: the bpf() system call, lockdown, type information. null
 * where nothing does. Needs the capabilities; without them it would blame the kernel.
 */
export function kernelObstacle(): ErrorReport | null {
  if (lockdown() === 'confidentiality') return errorReport('LOCKDOWN');
  if (!existsSync(BTF)) return errorReport('KERNEL_NO_BTF');
  const error = tryBpf();
  if (error === null) return null;
  if (error === 'EPERM' && hasSeccompFilter())
    return errorReport('CONTAINER_NO_RIGHTS', 'the bpf() system call (seccomp) is', containerAdvice());
  return errorReport('KERNEL_NO_BPF', `bpf() failed with ${error}.`);
}

/** Makes a map of one element and closes it again: the least that bpf() can do. The errno's name, or null. */
export function tryBpf(): string | null {
  if (SYS_BPF === undefined) return `unsupported processor ${process.arch}`;
  // union bpf_attr for BPF_MAP_CREATE: map_type, key_size, value_size, max_entries (include/uapi/linux/bpf.h).
  const attr = Buffer.alloc(72);
  [BPF_MAP_TYPE_ARRAY, 4, 4, 1].forEach((value, i) => {
    attr.writeUInt32LE(value, 4 * i);
  });
  const fd = libc().syscallMemory(SYS_BPF, BPF_MAP_CREATE, attr, attr.length);
  if (fd < 0) return libc().errnoName();
  closeSync(fd);
  return null;
}
