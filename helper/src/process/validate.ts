// Judges a target before anything is loaded for it: does it exist, is it a user process, may this caller trace it?
// Called by the session in the helper (the authority) and by the CLI before it asks for a password.

import { type ErrorCode, tracerError } from '../protocol';
import { hasEnded, readStat, readUids } from './procfs';
import { userName } from './users';

/** A pid as typed. Throws PID_INVALID for anything but a positive whole number. */
export function parsePid(text: string): number {
  const pid = Number(text);
  if (!/^\d+$/.test(text.trim()) || pid < 1 || pid > 2 ** 22) throw tracerError('PID_INVALID', text);
  return pid;
}

export interface TargetRules {
  /** Who asks; root (0) may trace everything. */
  callerUid: number;
  /** The user confirmed that the process is somebody else's. */
  anyUser: boolean;
  /** Processes of the tracer itself. */
  ownPids?: number[];
}

export interface Target {
  pid: number;
  name: string;
  /** With the pid it identifies the process. */
  startTicks: number;
}

/** Throws PID_INVALID, PID_GONE, PID_ZOMBIE, PID_KERNEL_THREAD, PID_SELF or NOT_YOUR_PROCESS. */
export function checkTarget(pid: number, { callerUid, anyUser, ownPids = [] }: TargetRules): Target {
  const refuse = (code: ErrorCode, ...args: (string | number)[]) => tracerError(code, pid, ...args);
  if (!Number.isSafeInteger(pid) || pid < 1) throw refuse('PID_INVALID');
  const stat = readStat(pid);
  const uids = readUids(pid);
  if (!stat || !uids) throw refuse('PID_GONE');
  if (stat.kernelThread) throw refuse('PID_KERNEL_THREAD');
  if (hasEnded(pid, stat)) throw refuse('PID_ZOMBIE');
  if (ownPids.includes(pid)) throw refuse('PID_SELF');
  // Both: a set-user-id program runs with rights that its starter has not.
  const owner = uids.real === callerUid ? uids.effective : uids.real;
  if (callerUid !== 0 && owner !== callerUid && !anyUser) throw refuse('NOT_YOUR_PROCESS', userName(owner));
  return { pid, name: stat.name, startTicks: stat.startTicks };
}
