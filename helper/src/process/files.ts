// The files that targets have mapped, open as long as somebody needs them: opened while the process lives, so that a
// deleted or replaced binary still gives its own names. They say nothing of what is in the files: who reads them keeps what was
// found out, by the file's object or its id.

import { posix } from 'node:path';
import { MAX_OPEN_FILES } from './limits';
import { type FileIdentity, openByBuildId, openMapped } from './openMapped';
import { closeTouched } from './patience';
import { type OpenedFile, OWN_ROOT, type Root } from './roots';

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

/** Files that nobody has mapped any more stay open up to this many: the next run of the same program finds its answers. */
const MAX_UNUSED = 32;

export class MappedFiles {
  private readonly byKey = new Map<string, MappedFile>();
  private readonly bad = new Map<string, MappedFile>();
  /** Opened by their name, and not what was mapped. */
  private readonly refused = new Set<MappedFile>();
  private nextId = 1;

  /** `pid` null: the process is gone. What cannot be opened is remembered with the reason. */
  open(pid: number | null, root: Root, identity: FileIdentity): MappedFile {
    const opened = this.tryOpen(pid, root, identity);
    if (typeof opened !== 'string') return opened;
    const key = `${keyOf(identity)} ${identity.path}`;
    let file = this.bad.get(key);
    if (!file) {
      file = this.make(identity, root, null);
      file.why = opened;
      this.bad.set(key, file);
    }
    return file;
  }

  /** Or the reason why not. */
  tryOpen(pid: number | null, root: Root, identity: FileIdentity): MappedFile | string {
    const key = keyOf(identity);
    const known = this.byKey.get(key);
    if (known) return known;
    const opened = this.byKey.size < MAX_OPEN_FILES ? openMapped(pid, root, identity) : 'too many open files';
    if (typeof opened === 'string') return opened;
    const file = this.make(identity, root, opened);
    this.byKey.set(key, file);
    return file;
  }

  /** Returns the file that was meant, where one is found by its build-id. Once a file. */
  refuse(file: MappedFile, why: string): MappedFile | null {
    if (this.refused.has(file)) return null;
    file.why ??= why;
    this.refused.add(file);
    for (const [key, known] of this.byKey) if (known === file) this.byKey.delete(key);
    const { expectedBuildId: buildId, path, root } = file;
    if (buildId === null) return null;
    for (const known of this.byKey.values()) if (known.expectedBuildId === buildId) return known;
    const opened = openByBuildId(buildId, [root, OWN_ROOT]);
    if (!opened) return null;
    const better = this.make({ path, buildId }, root, opened);
    this.byKey.set(keyOf({ deviceMajor: 0, deviceMinor: 0, inode: 0n, buildId, path }), better);
    return better;
  }

  isRefused(file: MappedFile): boolean {
    return this.refused.has(file);
  }

  get all(): MappedFile[] {
    return [...this.byKey.values(), ...this.bad.values(), ...this.refused];
  }

  /** Takes out what is not in `used`, oldest first, leaving some for the next run; the caller closes them. */
  takeUnused(used: Set<MappedFile>, keep = MAX_UNUSED): MappedFile[] {
    for (const [key, file] of this.bad) if (!used.has(file)) this.bad.delete(key);
    const unused = [...this.byKey].filter(([, file]) => !used.has(file));
    const taken = unused.slice(0, Math.max(0, unused.length - keep));
    for (const [key] of taken) this.byKey.delete(key);
    const refused = [...this.refused].filter((file) => !used.has(file));
    for (const file of refused) this.refused.delete(file);
    return [...taken.map(([, file]) => file), ...refused];
  }

  /** An id for something else that workers keep by number. */
  reserveId(): number {
    return this.nextId++;
  }

  private make(identity: Pick<FileIdentity, 'path' | 'buildId'>, root: Root, opened: OpenedFile | null): MappedFile {
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

function keyOf(identity: Omit<FileIdentity, 'start' | 'end' | 'deleted'>): string {
  const { deviceMajor, deviceMinor, inode, buildId, path } = identity;
  return inode !== 0n ? `${deviceMajor}:${deviceMinor}:${inode}` : `${buildId}:${path}`;
}

/** The caller has made sure that no worker reads it any more. */
export function closeFile(file: MappedFile): void {
  if (file.fd !== null) closeTouched(file.fd);
  file.fd = null;
}
