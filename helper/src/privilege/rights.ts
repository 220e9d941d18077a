// Does this process have what tracing needs, and if not, what exactly is in the way and what to do about it? Called by
// serve.ts before it serves (capabilities), before each recording (the kernel itself), and by cli/elevate.ts.

import { closeSync, existsSync } from 'node:fs';
import { type ErrorReport, errorReport } from '../protocol';
import { CAPABILITY, type CapabilityName, lastCapability, maskOf } from './capabilities';
import { libc } from './libc';
import { hasSeccompFilter, inInitialNamespace, lockdown, textOf } from './surroundings';

const BTF = '/sys/kernel/btf/vmlinux';
const SYS_BPF = { x64: 321, arm64: 280 }[process.arch as 'x64' | 'arm64'];
const BPF_MAP_CREATE = 0;
const BPF_MAP_TYPE_ARRAY = 2;

/** Capabilities without which nothing can be traced, out of `effective`; empty where all are there. */
export function missingCapabilities(effective: bigint, last = lastCapability()): CapabilityName[] {
  const needed: CapabilityName[] = last >= CAPABILITY.BPF ? ['BPF', 'PERFMON'] : ['SYS_ADMIN'];
  if (effective & maskOf(['SYS_ADMIN'])) return [];
  return needed.filter((name) => !(effective & maskOf([name])));
}

/** true where a process with these capabilities may load BPF: they count only in the initial user namespace. */
export function mayTrace(effective: bigint): boolean {
  return missingCapabilities(effective).length === 0 && inInitialNamespace('user') !== false;
}

/** Arguments for `docker run` (podman's are the same) that give a container what is missing. */
export function containerArguments(last = lastCapability()): string {
  const capabilities =
    last >= CAPABILITY.CHECKPOINT_RESTORE
      ? ['BPF', 'PERFMON', 'SYS_PTRACE', 'CHECKPOINT_RESTORE']
      : last >= CAPABILITY.BPF
        ? ['BPF', 'PERFMON', 'SYS_PTRACE']
        : ['SYS_ADMIN', 'SYS_PTRACE'];
  // Debian's kernels then want it for sampling besides CAP_PERFMON (see samplingEvent.ts).
  const paranoid = Number(textOf('/proc/sys/kernel/perf_event_paranoid') ?? 0);
  if (paranoid > 2 && !capabilities.includes('SYS_ADMIN')) capabilities.push('SYS_ADMIN');
  const args = capabilities.map((name) => `--cap-add ${name}`);
  if (hasSeccompFilter()) args.push('--security-opt seccomp=unconfined');
  if (inInitialNamespace('user') === false) args.push('--userns=host');
  return `"docker run ${args.join(' ')}" (and --pid=host to see processes outside of it)`;
}

/**
 * Why a process with these capabilities may not trace; null where it may. What is missing even from `bounding` cannot
 * be had by sudo: then the container was started without it.
 */
export function refusal(effective: bigint, bounding: bigint): ErrorReport | null {
  if (mayTrace(effective)) return null;
  const missing = missingCapabilities(effective).map((name) => `CAP_${name}`);
  if (missingCapabilities(bounding).length > 0 || inInitialNamespace('user') === false) {
    const what = missing.length > 0 ? missing.join(' and ') : 'rights outside of its user namespace';
    return errorReport('CONTAINER_NO_RIGHTS', `${what} ${missing.length > 1 ? 'are' : 'is'}`, containerArguments());
  }
  return errorReport('NO_PRIVILEGE', `${missing.join(' and ')} missing.`);
}

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
    return errorReport('CONTAINER_NO_RIGHTS', 'the bpf() system call (seccomp) is', containerArguments());
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
