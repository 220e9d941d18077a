// What a process's program is called as it runs. Its mapping names the file at the end of all links: redis-server is
// redis-check-rdb there, ls is busybox. The kernel keeps the path that was executed (AT_EXECFN: getauxval(3), create_elf_tables() in
// fs/binfmt_elf.c); the target can write over it, and for a script it is the script's, so it counts only where it leads to the
// very file that is running.

import { posix } from 'node:path';
import { readProcess } from '../client/livingThread';
import { readMemory } from './memory';
import { closeTouched } from './patience';
import { readBytes, readProcessLink } from './procfs';
import { openRegular, pathInRoot, type Root } from './roots';

const AT_EXECFN = 31n;
const AUX_ENTRY_BYTES = 16;
/** The kernel takes no longer path (PATH_MAX). */
const MAX_PATH_BYTES = 4_096;
const PAGE_BYTES = 4_096;
const DELETED = / \(deleted\)$/;

export interface Program {
  /** As the process's mappings have it. */
  path: string;
  /** Base name of the path by which it was executed. */
  name: string;
}

/** Null where it runs under its file's own name, or nobody can tell. */
export function programOf(pid: number, root: Root): Program | null {
  const path = readProcessLink(pid, 'exe')?.replace(DELETED, '');
  const executed = path === undefined ? null : executedPath(pid);
  if (path === undefined || executed === null) return null;
  const name = posix.basename(executed);
  // Names of descriptors (fexecve) are not names of programs.
  if (name === '' || name === posix.basename(path) || /^\/(proc|dev)\//.test(executed)) return null;
  const cwd = executed.startsWith('/') ? '/' : readProcessLink(pid, 'cwd');
  return cwd !== null && leadsTo(pid, root, posix.join(cwd, executed)) ? { path, name } : null;
}

/** As it was given to execve; null where it cannot be read. */
function executedPath(pid: number): string | null {
  const vector = readProcess(pid, (folder) => readBytes(`${folder}/auxv`));
  if (!vector) return null;
  for (let at = 0; at + AUX_ENTRY_BYTES <= vector.length; at += AUX_ENTRY_BYTES) {
    if (vector.readBigUInt64LE(at) !== AT_EXECFN) continue;
    const address = Number(vector.readBigUInt64LE(at + 8));
    return Number.isSafeInteger(address) ? textAt(pid, address) : null;
  }
  return null;
}

/** Page by page: it stands at the end of the stack. Null where it does not end in time. */
function textAt(pid: number, start: number): string | null {
  let text = Buffer.alloc(0);
  for (let at = start; text.length < MAX_PATH_BYTES; ) {
    const sizeBytes = PAGE_BYTES - (at % PAGE_BYTES);
    const bytes = readMemory(pid, at, sizeBytes);
    if (!bytes) return null;
    const end = bytes.indexOf(0);
    text = Buffer.concat([text, end < 0 ? bytes : bytes.subarray(0, end)]);
    if (end >= 0) return text.length <= MAX_PATH_BYTES ? text.toString() : null;
    at += sizeBytes;
  }
  return null;
}

function leadsTo(pid: number, root: Root, path: string): boolean {
  const found = pathInRoot(root, path);
  const there = found === null ? null : openRegular(found);
  if (!there) return false;
  closeTouched(there.fd);
  const running = readProcess(pid, (folder) => openRegular(`${folder}/exe`, true));
  if (!running) return false;
  closeTouched(running.fd);
  return there.device === running.device && there.inode === running.inode;
}
