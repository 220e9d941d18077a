// What this process may do and could be given, read from /proc/self/status: decides whether the helper can be started
// directly, and whether asking for a password has any point. Pure apart from the readers at the end.

import { existsSync, readFileSync } from 'node:fs';

/** Capability numbers: include/uapi/linux/capability.h. */
const CAPABILITY = {
  SYS_PTRACE: 19,
  SYS_ADMIN: 21,
  PERFMON: 38,
  BPF: 39,
  CHECKPOINT_RESTORE: 40,
} as const;
type CapabilityName = keyof typeof CAPABILITY;

/** What the helper cannot do without: loading programs and opening sampling events. */
const NEEDED: CapabilityName[] = ['BPF', 'PERFMON'];
/** What a container is best started with: also reading the target's memory and its deleted files. */
export const CONTAINER_CAPABILITIES: CapabilityName[] = ['BPF', 'PERFMON', 'SYS_PTRACE', 'CHECKPOINT_RESTORE'];

export interface Rights {
  uid: number;
  /** Capability bits in force, and those that not even root can pass. */
  effective: bigint;
  bounding: bigint;
  /** A setuid program such as sudo gives nothing. */
  noNewPrivileges: boolean;
}

export function parseRights(status: string): Rights {
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  return {
    uid: Number(/^Uid:\s*\d+\s+(\d+)/m.exec(status)?.[1] ?? -1),
    effective: BigInt(`0x${field('CapEff') ?? '0'}`),
    bounding: BigInt(`0x${field('CapBnd') ?? '0'}`),
    noNewPrivileges: field('NoNewPrivs') === '1',
  };
}

const holds = (set: bigint, name: CapabilityName) => (set & (1n << BigInt(CAPABILITY[name]))) !== 0n;
/** SYS_ADMIN stands in for both: it was their name before Linux 5.8. */
const missingFrom = (set: bigint) => (holds(set, 'SYS_ADMIN') ? [] : NEEDED.filter((name) => !holds(set, name)));

/** true: the helper can be started as it is, without sudo. */
export const isPrivileged = (rights: Rights): boolean => missingFrom(rights.effective).length === 0;

/** Capabilities that nobody can get here, not even root: a container started without them. */
export const ungrantable = (rights: Rights): string[] => missingFrom(rights.bounding).map((name) => `CAP_${name}`);

export const readRights = (): Rights => parseRights(readFileSync('/proc/self/status', 'utf8'));

/** The engine whose container this is, null outside of one. */
export function containerEngine(exists: (path: string) => boolean = existsSync, env = process.env): string | null {
  if (exists('/.dockerenv')) return 'docker';
  if (exists('/run/.containerenv')) return 'podman';
  if (env.KUBERNETES_SERVICE_HOST) return 'kubernetes';
  if (exists('/.flatpak-info')) return 'flatpak';
  return env.container || null;
}

/** Arguments for `docker run` or `podman run` with which a container may trace its own processes. */
export const containerRunArguments = (): string =>
  [...CONTAINER_CAPABILITIES.map((name) => `--cap-add=${name}`), '--security-opt=seccomp=unconfined'].join(' ');

/** The same for devcontainer.json. */
export const devcontainerLines = (): string =>
  `"capAdd": ${JSON.stringify(CONTAINER_CAPABILITIES)},\n"securityOpt": ["seccomp=unconfined"]`;

/** Run on the host: records the container whose host name (its id, unless it was set) is `containerId`. */
export const hostCommand = (engine: string, containerId: string): string =>
  `ebpf-tracer record --pid "$(${engine === 'podman' ? 'podman' : 'docker'} inspect --format '{{.State.Pid}}' ${containerId})" --duration 30s`;
