// Opens the very file that is mapped somewhere: by the kernel's own link where we may follow it, else by its name, by the link
// to the program, or by another mapping of the same file. Never another file: the inode is compared, or the build-id later, by
// the worker that reads it.

import { readProcess } from '../client/livingThread';
import { readMaps } from './maps';
import { closeTouched, touch, whySilent } from './patience';
import { readProcessLink } from './procfs';
import { type OpenedFile, OWN_ROOT, openRegular, pathInRoot, type Root } from './roots';

export interface FileIdentity {
  start: number;
  end: number;
  path: string;
  deviceMajor: number;
  deviceMinor: number;
  /** 0n: unknown (the kernel gave a build-id instead). */
  inode: bigint;
  buildId: string | null;
  deleted: boolean;
}

/** Of one file in one process, all the same; tried one after the other. */
const OTHER_MAPPINGS = 4;
const DELETED = / \(deleted\)$/;

/** Or why it could not be opened. `pid` null: the process is gone. */
export function openMapped(pid: number | null, root: Root, identity: FileIdentity): OpenedFile | string {
  // It gives the file whatever became of its name, but needs a capability.
  const mapped = pid === null ? null : openRange(pid, identity);
  if (mapped) return mapped;
  const silent = pid === null ? null : whySilent({ pid, ...placeIn(identity) });
  if (silent !== null) return silent;
  let replaced = identity.deleted;
  for (const prefix of new Set([pid === null ? root.prefix : `/proc/${pid}/root`, root.prefix, OWN_ROOT.prefix])) {
    const opened = openRegular(prefix + identity.path);
    if (!opened) continue;
    if (isSame(opened, identity)) return opened;
    closeTouched(opened.fd);
    replaced = true;
  }
  const other = pid === null ? null : (openProgram(pid, identity) ?? openOtherMapping(pid, identity));
  if (other) return other;
  // Too late to see it mapped, and its name is of nothing any more.
  const same = identity.buildId === null ? null : openByBuildId(identity.buildId, [root, OWN_ROOT]);
  if (same) return same;
  return replaced
    ? 'was deleted or replaced after it was mapped, and only its name was left to open it by'
    : 'could not be opened';
}

/**
 * Where distributions keep links to programs by their build-id: Fedora's to all that is installed, others' beside the debug files.
 * The worker that reads it checks the build-id.
 */
const BY_BUILD_ID = ['/usr/lib/.build-id', '/usr/lib/debug/.build-id'];

export function openByBuildId(buildId: string, roots: readonly Root[]): OpenedFile | null {
  if (!/^[0-9a-f]{4,}$/.test(buildId)) return null;
  for (const root of new Set(roots))
    for (const folder of BY_BUILD_ID) {
      const path = pathInRoot(root, `${folder}/${buildId.slice(0, 2)}/${buildId.slice(2)}`);
      const opened = path === null ? null : openRegular(path);
      if (opened) return opened;
    }
  return null;
}

/** The range must be that of a mapping as it is now. */
function openRange(pid: number, identity: FileIdentity, { start, end }: { start: number; end: number } = identity) {
  const range = `${start.toString(16)}-${end.toString(16)}`;
  return readProcess(pid, (_, tid) => openSame(`/proc/${tid}/map_files/${range}`, identity));
}

/** Needs no capability but the right to look into the process. Its name tells whose it is where no inode does. */
function openProgram(pid: number, identity: FileIdentity): OpenedFile | null {
  if (identity.inode === 0n && readProcessLink(pid, 'exe')?.replace(DELETED, '') !== identity.path) return null;
  return readProcess(pid, (folder) => openSame(`${folder}/exe`, identity));
}

/** The mapping may have been cut since, and a file may be mapped twice (once to be written, once to be executed). */
function openOtherMapping(pid: number, identity: FileIdentity): OpenedFile | null {
  const { inode, deviceMajor, deviceMinor } = identity;
  const others = (readMaps(pid) ?? []).filter((mapping) =>
    inode === 0n
      ? mapping.path === identity.path && mapping.start <= identity.start && identity.start < mapping.end
      : mapping.inode === inode && mapping.deviceMajor === deviceMajor && mapping.deviceMinor === deviceMinor,
  );
  for (const mapping of others.slice(0, OTHER_MAPPINGS)) {
    const opened = openRange(pid, identity, mapping);
    if (opened) return opened;
  }
  return null;
}

/** Through a link of /proc. */
function openSame(path: string, identity: FileIdentity): OpenedFile | null {
  const opened = openRegular(path, true, placeIn(identity));
  if (!opened || isSame(opened, identity)) return opened;
  closeTouched(opened.fd);
  return null;
}

function isSame(opened: OpenedFile, identity: FileIdentity): boolean {
  // Devices are not compared: btrfs and overlayfs show another one in mappings than in stat.
  return identity.inode === 0n || opened.inode === identity.inode;
}

/** The device is exact, whatever lies under that path by now. */
function placeIn({ path, inode, deviceMajor, deviceMinor }: FileIdentity): { path: string; device: string | null } {
  return { path, device: inode === 0n ? null : `${deviceMajor}:${deviceMinor}` };
}

/** Is it a program or a library, and not memory that a compiler writes to? */
export function isElf(fd: number): boolean {
  return touch({ pid: 'self', path: '/' }, 'hasElfMagic', fd) ?? false;
}
