// The system calls that touch files of targets, each of which may wait for ever where the file system's server does not answer:
// patience.ts decides whether they run here or in a thread. Symbolic links are followed by hand, because an absolute link in a
// container means the container's root, not ours.

import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync, statSync } from 'node:fs';
import { posix } from 'node:path';

const MAX_LINKS = 32;

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
function openRegular(path: string, followLast: boolean): OpenedFile | null {
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

/** `path` with its links resolved below `prefix`, as a path that can be opened; null: no such. */
function pathInRoot(prefix: string, path: string): string | null {
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
      if (lstatSync(prefix + here).isSymbolicLink()) target = readlinkSync(prefix + here);
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
  return prefix + done;
}

function openFolder(path: string): { fd: number } | null {
  try {
    return { fd: openSync(path, constants.O_RDONLY | constants.O_DIRECTORY) };
  } catch {
    return null;
  }
}

/** Mount namespace and root folder of the process whose folder in /proc this is; null where it is gone or not ours to see. */
function rootKey(folder: string): string | null {
  try {
    const root = statSync(`${folder}/root/`);
    return `${readlinkSync(`${folder}/ns/mnt`)} ${root.dev}:${root.ino}`;
  } catch {
    return null;
  }
}

/** Null where the file is gone. */
function statOf(fd: number): { sizeBytes: number; modifiedNs: bigint } | null {
  try {
    const { size, mtimeNs } = fstatSync(fd, { bigint: true });
    return { sizeBytes: Number(size), modifiedNs: mtimeNs };
  } catch {
    return null;
  }
}

/** The first bytes of a program or a library (System V ABI, "ELF Header"). */
function hasElfMagic(fd: number): boolean {
  const magic = Buffer.alloc(4);
  try {
    return readSync(fd, magic, 0, 4, 0) === 4 && magic.toString('latin1') === '\x7fELF';
  } catch {
    return false;
  }
}

function close(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Nothing is to be done about it.
  }
}

/** By the names under which a thread is asked for them. */
export const TOUCH = { openRegular, pathInRoot, openFolder, rootKey, statOf, hasElfMagic, close };
export type Touch = typeof TOUCH;
