// /tmp/perf-PID.map of a target: under the number that the target has in its own namespace, in the file system that it
// sees, and believed only where nobody else can have written it (anybody may write to /tmp).

import { closeTouched } from './patience';
import { readProcessText } from './procfs';
import { type OpenedFile, openRegular, pathInRoot } from './roots';

/** A process as those who write and own its files know it. */
export interface Identity {
  /** Effective user. */
  uid: number;
  /** Innermost pid. */
  namespacePid: number;
}

const OTHERS_MAY_READ = 0o004;

/**
 * `name` in /tmp below `prefix`, opened; null where there is none, or where it is not to be believed (`distrusted` then
 * says why).
 */
export function openInTmp(
  prefix: string,
  name: string,
  uid: number,
  distrusted: (path: string, why: string) => void,
): OpenedFile | null {
  const folder = pathInRoot({ prefix, fd: null }, '/tmp');
  const opened = folder === null ? null : openRegular(`${folder}/${name}`);
  if (!opened) return null;
  const why = whyDistrusted(opened, uid);
  if (why === null) return opened;
  closeTouched(opened.fd);
  distrusted(`/tmp/${name}`, why);
  return null;
}

/**
 * Root is believed, as perf does; but a user who gives one of root's own files this name (a hard link) must not see what is
 * in it by our rights.
 */
export function whyDistrusted(file: Pick<OpenedFile, 'uid' | 'mode' | 'links'>, uid: number): string | null {
  if (file.uid === uid) return null;
  if (file.uid !== 0) return `belongs to user ${file.uid}, neither to root nor to the process's user ${uid}`;
  if (file.links !== 1) return 'belongs to root and has a second name (a hard link)';
  if ((file.mode & OTHERS_MAY_READ) === 0) return 'belongs to root, and others may not read it (chmod a+r)';
  return null;
}

/** From /proc/PID/status (proc_pid_status(5)). */
export function parseStatus(status: string): Identity | null {
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status);
  const pids = /^NSpid:\s+(.+)$/m.exec(status) ?? /^Pid:\s+(\d+)$/m.exec(status);
  const innermost = pids?.[1].trim().split(/\s+/).at(-1);
  return uid && innermost ? { uid: Number(uid[1]), namespacePid: Number(innermost) } : null;
}

export function readIdentity(pid: number): Identity | null {
  const status = readProcessText(pid, 'status');
  return status === null ? null : parseStatus(status);
}
