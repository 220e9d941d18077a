// Touches files of targets so that a file system whose server does not answer (FUSE, NFS) costs the caller a moment, once: where
// a target sees such a file system, the system calls of touch.ts run in a thread of their own with a time limit, and a mount that
// kept one waiting is not touched again before it answers. Which thread that is depends on the process's whole mount table,
// not on the path: a symbolic link may lead anywhere.
//
// Only in the helper (`bePatient`): it has programs loaded, and its buffers hold two seconds.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { PatientThread, STALLED } from '../workers/patientThread';
import { compiledLanguage } from './compiledLanguage';
import { type SlowMount, slowMountOf, slowMounts } from './mounts';
import { TOUCH, type Touch } from './touch';

/** What looks into files, by the names under which a thread is asked for it. */
export const READ = { compiledLanguage };
type Read = typeof READ;

/** A file on a file system across the world is opened within this. */
const LIMIT_MS = 400;
/** With the limit: less than two seconds in all. */
const MAX_HANGING = 4;

let thread: PatientThread | null = null;
/** Without capabilities, for what looks into files. */
let reader: PatientThread | null = null;
/** By mount: what does not answer, in words. */
const silent = new Map<string, string>();
/** Once a target had a slow mount, it may mount more between our look and our touch: from then on all go by the thread. */
let alwaysApart = false;
/** Opened on file systems that may stall: closing may, too. */
const openApart = new Set<number>();

export function bePatient(): void {
  if (!isMainThread || thread) return;
  thread = new PatientThread(threadFile(), LIMIT_MS, MAX_HANGING, { withoutRights: false });
  reader = new PatientThread(threadFile(), LIMIT_MS, MAX_HANGING, { withoutRights: true });
}

/** Beside the bundle, or in the tests' tree. */
function threadFile(): string {
  const bundled = join(__dirname, 'touchThread.js');
  return existsSync(bundled) ? bundled : join(__dirname, '..', 'touchThread.js');
}

/** Whose view of the file system, and where in it. */
export interface Place {
  pid: number | 'self';
  /** Absolute, as that process names it. */
  path: string;
  /** "major:minor" of what is mapped, where that is known: exact, whatever the path says by now. */
  device?: string | null;
}

/** Why nothing can be had from there at the moment; null where it answers, as far as is known. */
export function whySilent(place: Place): string | null {
  if (silent.size === 0) return null;
  const mounts = slowMounts(place.pid);
  const mount = mounts && slowMountOf(mounts, place.path, place.device ?? null);
  return (mount && silent.get(keyOf(mount))) ?? null;
}

/** Null where it fails or does not answer in time. */
export function touch<Name extends keyof Touch>(
  place: Place,
  name: Name,
  ...args: Parameters<Touch[Name]>
): ReturnType<Touch[Name]> | null {
  const here = TOUCH[name] as (...args: unknown[]) => ReturnType<Touch[Name]>;
  if (!thread) return here(...args);
  const mounts = slowMounts(place.pid);
  if (mounts?.length === 0 && !alwaysApart) return here(...args);
  alwaysApart = true;
  const mount: SlowMount = (mounts && slowMountOf(mounts, place.path, place.device ?? null)) ?? {
    point: dirname(place.path),
    type: 'unknown',
    device: `of process ${place.pid}`,
  };
  const key = keyOf(mount);
  if (silent.has(key)) return null;
  const result = thread.call<ReturnType<Touch[Name]>>(name, args, () => silent.delete(key));
  if (result === STALLED) {
    silent.set(key, `its file system (${mount.type} at ${mount.point}) does not answer`);
    return null;
  }
  const fd = (result as { fd?: number | null } | null)?.fd;
  if (typeof fd === 'number') openApart.add(fd);
  return result;
}

/** Looks into an open file; null where that does not come in time. */
export function read<Name extends keyof Read>(name: Name, fd: number): ReturnType<Read[Name]> | null {
  if (!reader) return READ[name](fd) as ReturnType<Read[Name]>;
  const result = reader.call<ReturnType<Read[Name]>>(name, [fd], () => {});
  return result === STALLED ? null : result;
}

/** Does a thread wait for a file system that does not answer? */
export function isHanging(): boolean {
  return !!thread?.isHanging('statOf', [-1]) || !!reader?.isHanging('compiledLanguage', [-1]);
}

/** Closes what touch() opened. Nobody waits: closing tells the server of a FUSE file system, which may not answer either. */
export function closeTouched(fd: number): void {
  if (openApart.delete(fd) && thread) thread.send('close', [fd]);
  else TOUCH.close(fd);
}

function keyOf({ device, point }: SlowMount): string {
  return `${device} ${point}`;
}
