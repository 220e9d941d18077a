// The file systems that targets see: ours, or a container's, which stays reachable through an open folder when the process
// is gone. And the way to a name inside of one: symbolic links are followed by hand, because an absolute link in a
// container means the container's root, not ours.

import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { readProcess } from './livingThread';

export interface Root {
  /** To be put before an absolute path: empty for our own root. */
  readonly prefix: string;
  readonly fd: number | null;
}

export const OWN_ROOT: Root = { prefix: '', fd: null };
const MAX_LINKS = 32;

export class Roots {
  private readonly known = new Map<string, Root>();
  private readonly ownKey = keyOf('/proc/self');

  of(pid: number): Root {
    const key = readProcess(pid, keyOf);
    if (key === null || key === this.ownKey) return OWN_ROOT;
    let root = this.known.get(key);
    if (!root) {
      const fd = readProcess(pid, (folder) => {
        try {
          return openSync(`${folder}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
        } catch {
          return null;
        }
      });
      if (fd === null) return OWN_ROOT;
      root = { prefix: `/proc/self/fd/${fd}`, fd };
      this.known.set(key, root);
    }
    return root;
  }

  close(): void {
    for (const root of this.known.values()) if (root.fd !== null) closeSync(root.fd);
    this.known.clear();
  }
}

/** Mount namespace and root folder; null where the process is gone or not ours to see. */
function keyOf(folder: string): string | null {
  try {
    const root = statSync(`${folder}/root/`);
    return `${readlinkSync(`${folder}/ns/mnt`)} ${root.dev}:${root.ino}`;
  } catch {
    return null;
  }
}

export interface OpenedFile {
  fd: number;
  sizeBytes: number;
  mtimeMs: number;
  device: bigint;
  inode: bigint;
  uid: number;
  /** Permission bits. */
  mode: number;
  /** Names that the file has. */
  links: number;
}

/**
 * Opens a regular file for reading, never waiting (a pipe) and never through a link at its end. Null where that fails.
 * `path` is one that this process can use as it is.
 */
export function openRegular(path: string, followLast = false): OpenedFile | null {
  let fd: number;
  try {
    const noFollow = followLast ? 0 : constants.O_NOFOLLOW;
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | noFollow);
  } catch {
    return null;
  }
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (stat.isFile())
      return {
        fd,
        sizeBytes: Number(stat.size),
        mtimeMs: Number(stat.mtimeMs),
        device: stat.dev,
        inode: stat.ino,
        uid: Number(stat.uid),
        mode: Number(stat.mode),
        links: Number(stat.nlink),
      };
  } catch {
    // Falls through: what cannot be looked at is not used.
  }
  closeSync(fd);
  return null;
}

/** `path` (absolute, in `root`) with its links resolved inside of `root`, as a path that can be opened; null: no such. */
export function pathInRoot(root: Root, path: string): string | null {
  let rest = path.split('/').filter((part) => part !== '' && part !== '.');
  let done = '/';
  for (let links = 0; rest.length > 0; ) {
    const [part, ...after] = rest;
    rest = after;
    if (part === '..') {
      done = posix.dirname(done);
      continue;
    }
    const here = posix.join(done, part);
    let target: string | null = null;
    try {
      if (lstatSync(root.prefix + here).isSymbolicLink()) target = readlinkSync(root.prefix + here);
    } catch {
      return null;
    }
    if (target === null) done = here;
    else if (++links > MAX_LINKS) return null;
    else {
      if (target.startsWith('/')) done = '/';
      rest = [...target.split('/').filter((p) => p !== '' && p !== '.'), ...rest];
    }
  }
  return root.prefix + done;
}
