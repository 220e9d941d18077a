// Where this process stands: in which namespaces, in which container, under which lockdown. Plain /proc and /sys
// reading, no native code, works without rights. Says why tracing is refused here, and what the machine check tells.

import { existsSync, readFileSync, readlinkSync } from 'node:fs';

/** Inode numbers of the initial namespaces: fixed in include/linux/proc_ns.h (PROC_*_INIT_INO). */
const INITIAL_INODE = { user: 0xeffffffd, pid: 0xeffffffc, cgroup: 0xeffffffb } as const;
export type NamespaceKind = keyof typeof INITIAL_INODE;

/** null where /proc does not tell. */
export function inInitialNamespace(kind: NamespaceKind): boolean | null {
  try {
    const inode = /\[(\d+)\]/.exec(readlinkSync(`/proc/self/ns/${kind}`))?.[1];
    return inode === undefined ? null : Number(inode) === INITIAL_INODE[kind];
  } catch {
    return null;
  }
}

/** The engine whose container this is where it left its mark: `docker`, `podman`, `kubernetes`, `flatpak`, `lxc`, …; else null. */
export function containerEngine(root = '/', env: NodeJS.ProcessEnv = process.env): string | null {
  if (existsSync(`${root}.dockerenv`)) return 'docker';
  if (existsSync(`${root}run/.containerenv`)) return 'podman';
  const marked = textOf(`${root}run/systemd/container`)?.trim();
  if (marked) return marked;
  if (env.KUBERNETES_SERVICE_HOST) return 'kubernetes';
  if (existsSync(`${root}.flatpak-info`)) return 'flatpak';
  const cgroup = /kubepods|docker|containerd|lxc|libpod/.exec(textOf(`${root}proc/1/cgroup`) ?? '')?.[0];
  return (cgroup === 'kubepods' ? 'kubernetes' : cgroup) ?? env.container ?? null;
}

/** WSL 2: a Linux kernel of its own, but each distribution in a PID namespace of its own. */
export function isWsl(): boolean {
  return existsSync('/proc/sys/fs/binfmt_misc/WSLInterop') || existsSync('/run/WSL');
}

export type Lockdown = 'none' | 'integrity' | 'confidentiality' | 'unknown';

export function lockdown(file = '/sys/kernel/security/lockdown'): Lockdown {
  const active = /\[(\w+)\]/.exec(textOf(file) ?? '')?.[1];
  return active === 'none' || active === 'integrity' || active === 'confidentiality' ? active : 'unknown';
}

/** Is a seccomp filter on this process (as container engines put one)? */
export function hasSeccompFilter(): boolean {
  return /^Seccomp:\s*2$/m.test(textOf('/proc/self/status') ?? '');
}

/** A small text file of /proc or /sys, or null where it cannot be read. */
export function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
