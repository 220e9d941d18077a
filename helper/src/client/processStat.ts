// /proc/PID/stat (proc_pid_stat(5)), read in one way by whoever asks whether a process lives, what it is, and how long it worked.

import { livingThread } from './livingThread';
import { textOf } from './surroundings';

/** Clock ticks a second in /proc/PID/stat: USER_HZ, 100 on every Linux architecture that we support. */
export const TICKS_PER_SECOND = 100;

export interface ProcessStat {
  name: string;
  /** One letter, e.g. R, S, Z. */
  state: string;
  ppid: number;
  /** Device number of the controlling terminal, 0 for none. */
  tty: number;
  kernelThread: boolean;
  /** Runs its parent's program: it was forked and has executed nothing since. */
  forkedOnly: boolean;
  userMs: number;
  kernelMs: number;
  /** CPU time of children that were waited for. */
  childrenMs: number;
  /** Ticks since boot: with the pid it identifies a process. */
  startTicks: number;
}

/** Flags in field 9 of /proc/PID/stat (include/linux/sched.h). */
const PF_KTHREAD = 0x00200000;
const PF_FORKNOEXEC = 0x00000040;

/** null for a process that is gone. */
export function readStat(pid: number): ProcessStat | null {
  const text = textOf(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/** The name may hold spaces and parentheses: the fields start after the last one. */
export function parseStat(text: string): ProcessStat | null {
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')];
  if (open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  if (fields.length < 20) return null;
  const ticksMs = (index: number) => (Number(fields[index]) * 1000) / TICKS_PER_SECOND;
  return {
    name: text.slice(open + 1, close),
    state: fields[0],
    ppid: Number(fields[1]),
    tty: Number(fields[4]),
    kernelThread: (Number(fields[6]) & PF_KTHREAD) !== 0,
    forkedOnly: (Number(fields[6]) & PF_FORKNOEXEC) !== 0,
    userMs: ticksMs(11),
    kernelMs: ticksMs(12),
    childrenMs: ticksMs(13) + ticksMs(14),
    startTicks: Number(fields[19]),
  };
}

/** Has the whole process ended? A first thread that ended shows as zombie while others still run. */
export function hasEnded(pid: number, { state }: ProcessStat): boolean {
  return (state === 'Z' || state === 'X') && livingThread(pid) === null;
}
