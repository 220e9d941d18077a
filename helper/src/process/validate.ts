// Judges a target before anything is loaded for it: does it exist, is it a user process, may this caller trace it?
// Called by the session in the helper (the authority) and by the CLI before it asks for a password.

import { type ErrorCode, tracerError } from '../protocol';
import { type CallersRights, rightsBeyond } from './callersRights';
import { hasEnded, readStat, readUids } from './procfs';

/** A pid as typed. Throws PID_INVALID for anything but a positive whole number. */
export function parsePid(text: string): number {
  const pid = Number(text);
  if (!/^\d+$/.test(text.trim()) || pid < 1 || pid > 2 ** 22) throw tracerError('PID_INVALID', text);
  return pid;
}

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
  const refuse = (code: ErrorCode, ...args: (string | number)[]) => tracerError(code, pid, ...args);
  if (!Number.isSafeInteger(pid) || pid < 1) throw refuse('PID_INVALID');
  const stat = readStat(pid);
  if (!stat || !readUids(pid)) throw refuse('PID_GONE');
  if (stat.kernelThread) throw refuse('PID_KERNEL_THREAD');
  if (hasEnded(pid, stat)) throw refuse('PID_ZOMBIE');
  if (ownPids.includes(pid)) throw refuse('PID_SELF');
  if (callerUid !== 0 && !anyUser) {
    const unknown = { groups: null, capabilities: null, ownsNamespace: () => false };
    const beyond = rightsBeyond(pid, { ...unknown, ...rights, uid: callerUid });
    if (beyond && 'user' in beyond) throw refuse('NOT_YOUR_PROCESS', beyond.user);
    if (beyond) throw refuse('PROCESS_PROTECTED', beyond.rights);
  }
  return { pid, name: stat.name, startTicks: stat.startTicks };
}
