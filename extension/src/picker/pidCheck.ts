// Whether a typed or picked pid can be recorded, before anybody is asked for a password. The helper checks again with
// its own eyes; this only spares the user a prompt that ends in an error. Called by the picker and the record flow.

import { readFileSync } from 'node:fs';
import { type ErrorReport, errorReport } from '../../../helper/src/protocol';

/** What a user types into the picker when it is meant as a pid: a number with an optional sign. */
export const looksLikePid = (text: string): boolean => /^[+-]?\d+$/.test(text.trim());

/** Highest value of /proc/sys/kernel/pid_max on 64-bit: PID_MAX_LIMIT, include/linux/threads.h. */
const PID_MAX = 4 * 1024 * 1024;

export function parsePid(text: string): { pid: number } | { error: ErrorReport } {
  const trimmed = text.trim();
  if (!/^\d+$/.test(trimmed)) return { error: errorReport('PID_INVALID', trimmed) };
  const pid = Number(trimmed);
  if (pid < 1 || pid > PID_MAX) return { error: errorReport('PID_INVALID', trimmed) };
  return { pid };
}

/** null when it can be recorded as far as /proc tells. */
export function checkPid(pid: number, readStat: (pid: number) => string | null = statOf): ErrorReport | null {
  if (pid === process.pid) return errorReport('PID_SELF', pid);
  const stat = readStat(pid);
  if (stat === null) return errorReport('PID_GONE', pid);
  // proc_pid_stat(5): pid (comm) state ppid pgrp session tty_nr tpgid flags; comm may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return errorReport('PID_ZOMBIE', pid);
  const PF_KTHREAD = 0x00200000; // include/linux/sched.h
  if ((Number(fields[6]) & PF_KTHREAD) !== 0) return errorReport('PID_KERNEL_THREAD', pid);
  return null;
}

function statOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
}
