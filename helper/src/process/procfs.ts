// Reads the few lines of /proc that the process list, the target check and the session need. Layouts: proc_pid_stat(5),
// proc_pid_status(5). Functions return null for a process that is gone or may not be read.

import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { livingThread, readProcess } from './livingThread';

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

export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

export function readBytes(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

export function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** Of a file or a link in the process's folder, by a thread that lives. */
export function readProcessText(pid: number, name: string): string | null {
  return readProcess(pid, (folder) => readText(`${folder}/${name}`));
}

export function readProcessLink(pid: number, name: string): string | null {
  return readProcess(pid, (folder) => readLink(`${folder}/${name}`));
}

export function readStat(pid: number): ProcessStat | null {
  const text = readText(`/proc/${pid}/stat`);
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

/** Real and effective user id. */
export function readUids(pid: number): { real: number; effective: number } | null {
  const match = /^Uid:\s+(\d+)\s+(\d+)/m.exec(readText(`/proc/${pid}/status`) ?? '');
  return match && { real: Number(match[1]), effective: Number(match[2]) };
}

/** Owner of /proc/PID: the effective user, root for a process that may not be dumped. */
export function ownerOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}

/** Arguments joined by single spaces; empty for kernel threads and zombies. */
export function readCommand(pid: number): string {
  return (readProcessText(pid, 'cmdline') ?? '').replace(/\0+$/, '').replaceAll('\0', ' ');
}

/** Epoch ms of the machine's start. */
export function bootTimeMs(): number {
  return Number(/^btime (\d+)/m.exec(readText('/proc/stat') ?? '')?.[1] ?? 0) * 1000;
}
