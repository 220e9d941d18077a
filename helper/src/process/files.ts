// The files that targets have mapped, open as long as somebody needs them: opened while the process lives, so that a
// deleted or replaced binary still gives its own names. They say nothing of what is in
// the files: who reads them keeps what was found out, by the file's object or its id.

import { closeSync } from 'node:fs';
import { posix } from 'node:path';
import { MAX_OPEN_FILES } from './limits';
import { type OpenedFile, OWN_ROOT, openRegular, type Root } from './roots';

/** One mapped file, whoever mapped it. */
export interface MappedFile {
  readonly id: number;
  /** As the target names it. */
  readonly path: string;
  readonly baseName: string;
  readonly root: Root;
  /** Null: could not be opened, see `why`. */
  fd: number | null;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** What the kernel says the build-id is, where it says so: checked before a name is believed. */
  readonly expectedBuildId: string | null;
  /** Why there are no names, or not all. */
  why: string | null;
}

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

/** Files that nobody has mapped any more stay open up to this many: the next run of the same program finds its answers. */
const MAX_UNUSED = 32;

export class MappedFiles {
  private readonly byKey = new Map<string, MappedFile>();
  private readonly bad = new Map<string, MappedFile>();
  private nextId = 1;

  /** `pid` null: the process is gone. */
  open(pid: number | null, root: Root, identity: FileIdentity): MappedFile {
    const key =
      identity.inode !== 0n
        ? `${identity.deviceMajor}:${identity.deviceMinor}:${identity.inode}`
        : `${identity.buildId}:${identity.path}`;
    const known = this.byKey.get(key);
    if (known) return known;
    const opened = this.byKey.size < MAX_OPEN_FILES ? openMapped(pid, root, identity) : 'too many open files';
    if (typeof opened === 'string') {
      const badKey = `${key} ${identity.path}`;
      let file = this.bad.get(badKey);
      if (!file) {
        file = this.make(identity, root, null);
        file.why = opened;
        this.bad.set(badKey, file);
      }
      return file;
    }
    const file = this.make(identity, root, opened);
    this.byKey.set(key, file);
    return file;
  }

  get all(): MappedFile[] {
    return [...this.byKey.values(), ...this.bad.values()];
  }

  /** Takes out what is not in `used`, oldest first, leaving some for the next run; the caller closes them. */
  takeUnused(used: Set<MappedFile>, keep = MAX_UNUSED): MappedFile[] {
    for (const [key, file] of this.bad) if (!used.has(file)) this.bad.delete(key);
    const unused = [...this.byKey].filter(([, file]) => !used.has(file));
    const taken = unused.slice(0, Math.max(0, unused.length - keep));
    for (const [key] of taken) this.byKey.delete(key);
    return taken.map(([, file]) => file);
  }

  /** An id for something else that workers keep by number. */
  reserveId(): number {
    return this.nextId++;
  }

  private make(identity: FileIdentity, root: Root, opened: OpenedFile | null): MappedFile {
    return {
      id: this.nextId++,
      path: identity.path,
      baseName: posix.basename(identity.path) || identity.path,
      root,
      fd: opened?.fd ?? null,
      sizeBytes: opened?.sizeBytes ?? 0,
      mtimeMs: opened?.mtimeMs ?? 0,
      expectedBuildId: identity.buildId,
      why: null,
    };
  }
}

/**
 * The very file that is mapped, or why not. map_files gives it whatever became of its name, but needs a capability;
 * behind a path may be another file by now, so there the inode is compared (or the build-id later, by the worker).
 */
function openMapped(pid: number | null, root: Root, identity: FileIdentity): OpenedFile | string {
  if (pid !== null) {
    const range = `${identity.start.toString(16)}-${identity.end.toString(16)}`;
    const mapped = openRegular(`/proc/${pid}/map_files/${range}`, true);
    if (mapped && isSame(mapped, identity)) return mapped;
    if (mapped) closeSync(mapped.fd);
  }
  let replaced = identity.deleted;
  for (const prefix of new Set([pid === null ? root.prefix : `/proc/${pid}/root`, root.prefix, OWN_ROOT.prefix])) {
    const opened = openRegular(prefix + identity.path);
    if (!opened) continue;
    if (isSame(opened, identity)) return opened;
    closeSync(opened.fd);
    replaced = true;
  }
  return replaced
    ? 'was deleted or replaced after it was mapped, and only its name was left to open it by'
    : 'could not be opened';
}

function isSame(opened: OpenedFile, identity: FileIdentity): boolean {
  // Devices are not compared: btrfs and overlayfs show another one in mappings than in stat.
  return identity.inode === 0n || opened.inode === identity.inode;
}

/** The caller has made sure that no worker reads it any more. */
export function closeFile(file: MappedFile): void {
  if (file.fd !== null) closeSync(file.fd);
  file.fd = null;
}
