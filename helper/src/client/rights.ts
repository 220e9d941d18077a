// What this process may do and could be given, read from /proc: decides whether a helper can be started directly, whether asking for
// a password has any point, and what to tell the owner of a container. One answer for the command line, the extension and the
// helper itself, so that none advises what another refuses.

import { type ErrorReport, errorReport } from '../protocol';
import { CAPABILITY, type CapabilityName, lastCapability, maskOf, statusMask } from './capabilities';
import { containerEngine, hasSeccompFilter, inInitialNamespace, textOf } from './surroundings';

export interface Rights {
  /** Capability bits in force, and those that not even root can pass. */
  effective: bigint;
  bounding: bigint;
  /** A setuid program such as sudo gives nothing. */
  noNewPrivileges: boolean;
}

export function parseRights(status: string): Rights {
  return {
    effective: statusMask(status, 'CapEff'),
    bounding: statusMask(status, 'CapBnd'),
    noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status),
  };
}

export const readRights = (): Rights => parseRights(textOf('/proc/self/status') ?? '');

/** Capabilities without which nothing can be traced, out of `capabilities`; empty where all are there. */
export function missingCapabilities(capabilities: bigint, last = lastCapability()): CapabilityName[] {
  // SYS_ADMIN stands in for both: it was their name before Linux 5.8.
  const needed: CapabilityName[] = last >= CAPABILITY.BPF ? ['BPF', 'PERFMON'] : ['SYS_ADMIN'];
  if (capabilities & maskOf(['SYS_ADMIN'])) return [];
  return needed.filter((name) => !(capabilities & maskOf([name])));
}

/** true where a process with these capabilities may load BPF: they count only in the initial user namespace. */
export function mayTrace(effective: bigint): boolean {
  return missingCapabilities(effective).length === 0 && inInitialNamespace('user') !== false;
}

/** Capabilities that nobody can get here, not even root: a container started without them. */
export const ungrantable = ({ bounding }: Rights): string[] => inFull(missingCapabilities(bounding));

/** What a container is best started with: also reading the target's memory and its deleted files. `paranoid`: perf_event_paranoid. */
export function containerCapabilities(last = lastCapability(), paranoid = perfEventParanoid()): CapabilityName[] {
  if (last < CAPABILITY.BPF) return ['SYS_ADMIN', 'SYS_PTRACE'];
  const more: CapabilityName[] = last >= CAPABILITY.CHECKPOINT_RESTORE ? ['CHECKPOINT_RESTORE'] : [];
  // Debian's kernels then want it for sampling besides CAP_PERFMON (see ../privilege/samplingEvent.ts).
  if (paranoid > 2) more.push('SYS_ADMIN');
  return ['BPF', 'PERFMON', 'SYS_PTRACE', ...more];
}

const perfEventParanoid = (): number => Number(textOf('/proc/sys/kernel/perf_event_paranoid') ?? 0);

/** Arguments for `docker run` (podman's are the same) with which a container may trace its own processes. */
export function containerRunArguments(capabilities = containerCapabilities()): string {
  const args = capabilities.map((name) => `--cap-add=${name}`);
  if (hasSeccompFilter()) args.push('--security-opt=seccomp=unconfined');
  if (inInitialNamespace('user') === false) args.push('--userns=host');
  return args.join(' ');
}

/** The same for devcontainer.json. */
export function devcontainerLines(capabilities = containerCapabilities()): string {
  const lines = [`"capAdd": ${JSON.stringify(capabilities)}`];
  if (hasSeccompFilter()) lines.push('"securityOpt": ["seccomp=unconfined"]');
  if (inInitialNamespace('user') === false) lines.push('"runArgs": ["--userns=host"]');
  return lines.join(',\n');
}

/** Run on the host: records the container whose host name (its id, unless it was set) is `containerId`. */
export const hostCommand = (engine: string, containerId: string): string =>
  `ebpf-tracer record --pid "$(${engine === 'podman' ? 'podman' : 'docker'} inspect --format '{{.State.Pid}}' ${containerId})" --duration 30s`;

/** As the sentence of CONTAINER_NO_RIGHTS wants it. */
export const containerAdvice = (): string =>
  `"docker run ${containerRunArguments()}" (and --pid=host to see processes outside of it)`;

/**
 * Why a process with these capabilities may not trace; null where it may. What is missing even from `bounding` cannot
 * be had by sudo: then the container was started without it.
 */
export function refusal(effective: bigint, bounding: bigint): ErrorReport | null {
  if (mayTrace(effective)) return null;
  const missing = inFull(missingCapabilities(effective));
  if (missingCapabilities(bounding).length > 0 || inInitialNamespace('user') === false) {
    const what = missing.length > 0 ? missing.join(' and ') : 'rights outside of its user namespace';
    return errorReport('CONTAINER_NO_RIGHTS', `${what} ${missing.length > 1 ? 'are' : 'is'}`, containerAdvice());
  }
  return errorReport('NO_PRIVILEGE', `${missing.join(' and ')} missing.`);
}

/** Why no password could give this process the rights; null where it has them, and where a password may help. */
export function beyondPasswords(
  rights: Rights,
  uid = process.getuid?.(),
  engine = containerEngine(),
): ErrorReport | null {
  const missing = refusal(rights.effective, rights.bounding);
  if (!missing) return null;
  const never = ungrantable(rights);
  // A service manager may have taken them away as well as a container engine.
  if (never.length > 0 && !engine && inInitialNamespace('user') !== false)
    return errorReport('NO_PRIVILEGE', `${never.join(', ')} cannot be had here`);
  // Root without the capabilities was not given them: sudo would change nothing.
  if (missing.code === 'CONTAINER_NO_RIGHTS' || uid === 0) return missing;
  // A Flatpak's programs exist only inside of it, and so does its lack of sudo.
  if (engine === 'flatpak') return errorReport('HELPER_UNREADABLE', 'what lies inside a Flatpak');
  if (rights.noNewPrivileges)
    return errorReport('NO_PRIVILEGE', 'this runs where no program may gain rights (Flatpak, Snap, no_new_privs).');
  return null;
}

const inFull = (names: CapabilityName[]): string[] => names.map((name) => `CAP_${name}`);
