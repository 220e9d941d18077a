// Whether a typed or picked pid can be recorded, as far as anybody may see: clients ask before a password is typed, the helper, which has
// the last word, before it looks at rights (../process/validate.ts).

import { type ErrorReport, errorReport, tracerError } from '../protocol';
import { hasEnded, type ProcessStat, readStat } from './processStat';

/** Highest value of /proc/sys/kernel/pid_max on 64-bit: PID_MAX_LIMIT, include/linux/threads.h. */
const PID_MAX = 4 * 1024 * 1024;

/** What a user types when it is meant as a pid: a number with an optional sign. */
export const looksLikePid = (text: string): boolean => /^[+-]?\d+$/.test(text.trim());

/** A pid as typed. Throws PID_INVALID for anything but a positive whole number that a process can have. */
export function parsePid(text: string): number {
  const pid = Number(text);
  if (!/^\d+$/.test(text.trim()) || pid < 1 || pid > PID_MAX) throw tracerError('PID_INVALID', text);
  return pid;
}

/** null where it can be recorded as far as /proc tells. `ownPids`: processes of the tracer itself. */
export function checkPid(
  pid: number,
  ownPids: readonly number[] = [process.pid],
  stat: (pid: number) => ProcessStat | null = readStat,
): ErrorReport | null {
  if (!Number.isSafeInteger(pid) || pid < 1) return errorReport('PID_INVALID', pid);
  const found = stat(pid);
  if (!found) return errorReport('PID_GONE', pid);
  if (found.kernelThread) return errorReport('PID_KERNEL_THREAD', pid);
  if (hasEnded(pid, found)) return errorReport('PID_ZOMBIE', pid);
  return ownPids.includes(pid) ? errorReport('PID_SELF', pid) : null;
}
