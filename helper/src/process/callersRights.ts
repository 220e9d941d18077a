// May the caller see into a process? As the kernel would answer a ptrace() of the caller's (ptrace_may_access() in
// kernel/ptrace.c, cap_ptrace_access_check() in security/commoncap.c), told from /proc. The helper has capabilities that the
// caller has not, so the kernel does not ask this for it. bpf/lib/owner.bpf.h asks the same of living tasks.

import { statSync } from 'node:fs';
import { livingThread, readProcess } from '../client/livingThread';
import { readText } from './procfs';
import { userName } from './users';

export interface CallersRights {
  uid: number;
  /** Null: not known here, so not looked at. */
  groups: readonly number[] | null;
  /** That the caller has by itself, not by the helper's start; null: not known here, so not looked at. */
  capabilities: bigint | null;
  /** Is the process in a user namespace that this user made, and so has all rights in? Needs native code. */
  ownsNamespace: (pid: number, uid: number) => boolean;
}

/** What a process has that its caller has not: the user that it acts as, or other rights in words. */
export type Beyond = { user: string } | { rights: string };

/** Null where the caller may see into it. A process that is gone has nothing. */
export function rightsBeyond(pid: number, caller: CallersRights): Beyond | null {
  const status = readText(`/proc/${pid}/status`);
  if (status === null) return null;
  const ids = (field: string) =>
    new RegExp(`^${field}:\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)`, 'm').exec(status)?.slice(1, 4).map(Number);
  const [users, groups] = [ids('Uid'), ids('Gid')];
  if (!users || !groups) return { rights: 'nobody can tell whose it is' };
  const user = users.find((id) => id !== caller.uid);
  const beyond = (found: Beyond) => (caller.ownsNamespace(pid, caller.uid) ? null : found);
  // A set-user-id program keeps its owner's rights in any of the three.
  if (user !== undefined) return beyond({ user: userName(user) });
  const group = groups.find((id) => id !== groups[0] || (caller.groups !== null && !caller.groups.includes(id)));
  if (group !== undefined) return beyond({ rights: `it acts as group ${group}` });
  if (caller.capabilities !== null && permittedCapabilities(status) & ~caller.capabilities)
    return beyond({ rights: 'it has capabilities' });
  return isDumpable(pid, users[1]) ? null : beyond({ rights: 'it is protected (not dumpable)' });
}

/** Files of a process that is not dumpable belong to root, whatever its user (task_dump_owner() in fs/proc/base.c). */
function isDumpable(pid: number, effectiveUid: number): boolean {
  // Of a thread that has ended they belong to root as well.
  const owner = readProcess(pid, (folder) => {
    try {
      const { uid } = statSync(`${folder}/stat`);
      return uid === effectiveUid ? uid : null;
    } catch {
      return null;
    }
  });
  return owner !== null || livingThread(pid) === null;
}

function permittedCapabilities(status: string): bigint {
  return BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
}
