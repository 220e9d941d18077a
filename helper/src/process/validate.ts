// Judges a target before anything is loaded for it: does it exist, is it a user process, may this caller trace it? The helper is
// the authority; the command line asks before it wants a password.

import { checkPid } from '../client/pidCheck';
import { readStat } from '../client/processStat';
import { TracerError, tracerError } from '../protocol';
import { type CallersRights, rightsBeyond } from './callersRights';
import { readUids } from './procfs';

export interface TargetRules {
  /** Who asks; root (0) may trace everything. */
  callerUid: number;
  /** The user confirmed that the process is somebody else's, and may see into it. */
  anyUser: boolean;
  /** What is known of the caller's rights besides the user id. */
  rights?: Partial<Omit<CallersRights, 'uid'>>;
  /** Processes of the tracer itself. */
  ownPids?: number[];
}

export interface Target {
  pid: number;
  name: string;
  /** With the pid it identifies the process. */
  startTicks: number;
}

/** Throws PID_INVALID, PID_GONE, PID_ZOMBIE, PID_KERNEL_THREAD, PID_SELF, NOT_YOUR_PROCESS or PROCESS_PROTECTED. */
export function checkTarget(pid: number, { callerUid, anyUser, rights, ownPids = [] }: TargetRules): Target {
  const problem = checkPid(pid, ownPids);
  if (problem) throw new TracerError(problem);
  const stat = readStat(pid);
  if (!stat || !readUids(pid)) throw tracerError('PID_GONE', pid);
  if (callerUid !== 0 && !anyUser) {
    const unknown = { groups: null, capabilities: null, ownsNamespace: () => false };
    const beyond = rightsBeyond(pid, { ...unknown, ...rights, uid: callerUid });
    if (beyond && 'user' in beyond) throw tracerError('NOT_YOUR_PROCESS', pid, beyond.user);
    if (beyond) throw tracerError('PROCESS_PROTECTED', pid, beyond.rights);
  }
  return { pid, name: stat.name, startTicks: stat.startTicks };
}
