// /tmp/perf-PID.map of a target: found under the pid that the target has in its own namespace, opened once, trusted only
// where it belongs to the target's user (anybody may write to /tmp).

import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { openRegular } from './roots';

export interface PerfMapFile {
  /** For the workers; never reused. */
  readonly id: number;
  readonly fd: number;
  readonly path: string;
}

/** Null where there is none, or where it is not to be trusted (`distrusted` then says why). */
export function openPerfMap(
  pid: number,
  reserveId: () => number,
  distrusted: (path: string, why: string) => void,
): PerfMapFile | null {
  const owner = ownerAndPid(pid);
  if (!owner) return null;
  const path = `/tmp/perf-${owner.namespacePid}.map`;
  const opened = openRegular(`/proc/${pid}/root${path}`);
  if (!opened) return null;
  if (opened.uid === owner.uid) return { id: reserveId(), fd: opened.fd, path };
  closeSync(opened.fd);
  distrusted(path, `belongs to user ${opened.uid}, not to the process's user ${owner.uid}`);
  return null;
}

export function perfMapSize(map: PerfMapFile): number {
  return fstatSync(map.fd).size;
}

/** Effective user and innermost pid, from /proc/PID/status (proc_pid_status(5)). */
export function parseStatus(status: string): { uid: number; namespacePid: number } | null {
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status);
  const pids = /^NSpid:\s+(.+)$/m.exec(status) ?? /^Pid:\s+(\d+)$/m.exec(status);
  const innermost = pids?.[1].trim().split(/\s+/).at(-1);
  return uid && innermost ? { uid: Number(uid[1]), namespacePid: Number(innermost) } : null;
}

function ownerAndPid(pid: number): { uid: number; namespacePid: number } | null {
  try {
    return parseStatus(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return null;
  }
}
