// The privilege drop: from root (or a holder of capabilities) to the caller, with the few capabilities that live tracing needs. The
// README of this folder says why each capability is kept and what fails without it.

import { readFileSync } from 'node:fs';
import { CAPABILITY, type CapabilityName, lastCapability, maskOf, namesOf, statusMask } from '../client/capabilities';
import { becomeUser, type User } from './becomeUser';
import { setThreadCapabilities } from './capabilities';
import { checkCall, libc } from './libc';
import { maySample } from './samplingEvent';

const PR_SET_DUMPABLE = 4;
const PR_SET_KEEPCAPS = 8;
const PR_SET_NO_NEW_PRIVS = 38;
const RLIMIT_MEMLOCK = 8;
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;
/** setresuid for the calling thread alone: the C library's own changes all threads. */
const SYS_SETRESUID = { x64: 117, arm64: 147 }[process.arch as 'x64' | 'arm64'];
const NOBODY = 65534;

/** What loads programs: together or not at all, or the one that stands in for both. */
const LOADING: readonly CapabilityName[] = ['BPF', 'PERFMON', 'SYS_ADMIN'];

export interface Dropped extends User {
  /** Effective capabilities of the main thread from now on. */
  capabilities: CapabilityName[];
}

/**
 * What to keep of the `permitted` capabilities, of those that the tracers need. CAP_BPF and CAP_PERFMON exist from Linux 5.8 on; before that, and in a
 * container that was given nothing finer, CAP_SYS_ADMIN has to stand in for both.
 */
export function capabilitiesToKeep(
  permitted: bigint,
  last: number,
  uid: number,
  needed: readonly CapabilityName[],
): CapabilityName[] {
  const has = (name: CapabilityName) => CAPABILITY[name] <= last && (permitted & maskOf([name])) !== 0n;
  const keep: CapabilityName[] = [];
  if (has('BPF') && has('PERFMON')) keep.push('BPF', 'PERFMON');
  else if (has('SYS_ADMIN')) keep.push('SYS_ADMIN');
  for (const name of needed)
    if (has(name) && (name === 'SYS_ADMIN' || !LOADING.includes(name)) && !keep.includes(name)) keep.push(name);
  // Only for a caller who is root anyway, so that files which only other users may read can be named, too.
  if (uid === 0 && has('DAC_READ_SEARCH')) keep.push('DAC_READ_SEARCH');
  return keep;
}

/** Raises RLIMIT_MEMLOCK as far as it goes: kernels before 5.11 charge BPF maps to it, all of them perf's buffers. */
export function raiseMemlock(): void {
  const limit = Buffer.alloc(16);
  limit.writeBigUInt64LE(RLIM_INFINITY, 0);
  limit.writeBigUInt64LE(RLIM_INFINITY, 8);
  if (libc().setrlimit(RLIMIT_MEMLOCK, limit) === 0) return;
  checkCall('getrlimit', libc().getrlimit(RLIMIT_MEMLOCK, limit));
  limit.copy(limit, 0, 8, 16);
  checkCall('setrlimit', libc().setrlimit(RLIMIT_MEMLOCK, limit));
}

/**
 * Changes uid, gid and groups of every thread to the caller's, reduces the main thread's capabilities, takes those of
 * all other threads, and makes both final. Threads started later inherit the main thread's: Node's own are started at once
 * (poolThreads.ts), ours give them up before they read anything. Throws where anything did
 * not take effect: the helper must not go on then.
 */
export function dropPrivileges(caller: User, needed: readonly CapabilityName[]): Dropped {
  const permitted = statusMask(readFileSync('/proc/thread-self/status', 'latin1'), 'CapPrm');
  const keep = capabilitiesToKeep(permitted, lastCapability(), caller.uid, needed);
  // An inspector would be a door into this process: SIGUSR1, which the caller may send after the drop, opens Node's.
  process.on('SIGUSR1', () => {});
  checkCall('prctl(PR_SET_KEEPCAPS)', libc().prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  if (process.getuid?.() !== caller.uid) becomeUser(caller);
  else if (caller.uid === 0) stripOtherThreadsOfRoot();
  if (needsSysAdminToSample(maskOf(keep), permitted)) keep.push('SYS_ADMIN');
  setThreadCapabilities(maskOf(keep));
  checkCall('prctl(PR_SET_KEEPCAPS)', libc().prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0));
  checkCall('prctl(PR_SET_NO_NEW_PRIVS)', libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  // No core dumps with other people's memory, no ptrace by the caller's other processes.
  checkCall('prctl(PR_SET_DUMPABLE)', libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  return verify(caller, maskOf(keep));
}

/** Tries it both ways: only where CAP_SYS_ADMIN makes the difference is it worth keeping. */
function needsSysAdminToSample(keep: bigint, permitted: bigint): boolean {
  const admin = maskOf(['SYS_ADMIN']);
  if (keep & admin || !(permitted & admin)) return false;
  setThreadCapabilities(keep, permitted);
  if (maySample()) return false;
  setThreadCapabilities(keep | admin, permitted);
  return maySample();
}

/**
 * capset() reaches only its own thread, and the C library's setresuid() all of them. So where the caller is root, all
 * threads become nobody, which takes their capabilities; the main thread, which keeps its own (KEEPCAPS), alone goes
 * back by the bare system call. What stays behind are V8's and Node's own threads, which open no files. Nothing may
 * call setuid() and the like afterwards: the C library aborts where threads answer differently.
 */
function stripOtherThreadsOfRoot(): void {
  if (SYS_SETRESUID === undefined) throw new Error(`unsupported processor: ${process.arch}`);
  // Fails without CAP_SETUID (some containers): the other threads then keep what the container was given.
  if (libc().setresuid(NOBODY, NOBODY, NOBODY) < 0) return;
  // KEEPCAPS saves the permitted set only; changing back needs CAP_SETUID effective again.
  const permitted = statusMask(readFileSync('/proc/thread-self/status', 'latin1'), 'CapPrm');
  setThreadCapabilities(permitted);
  checkCall('setresuid', libc().syscall3(SYS_SETRESUID, 0, 0, 0));
}

function verify({ uid, gid }: User, mask: bigint): Dropped {
  const status = readFileSync('/proc/thread-self/status', 'latin1');
  const ids = (field: string) =>
    new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(status)?.[1].split(/\s+/).map(Number) ?? [];
  const effective = statusMask(status, 'CapEff');
  const dropped =
    ids('Uid').every((id) => id === uid) &&
    ids('Gid').every((id) => id === gid) &&
    effective === mask &&
    statusMask(status, 'CapPrm') === mask &&
    ids('NoNewPrivs')[0] === 1;
  if (!dropped) throw new Error('the privilege drop did not take effect');
  return { uid, gid, capabilities: namesOf(effective) as CapabilityName[] };
}
