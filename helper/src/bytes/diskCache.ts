// What is worth keeping for the next run, by build-id: large debug sections, inflated, unwind tables, and what files hold of runtimes. Lies in the caller's
// cache folder, may be deleted at any time, by anybody, in whole or in part; an entry that is not exactly as large as it must be is
// made anew. The folder's name holds the version of what is in it.

import {
  closeSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { MAX_CACHE_BYTES } from './limits';

const VERSION = 'symbols-v1';
const TEMPORARY = '.new';

export interface CacheEntry {
  /** Open for reading and writing; whoever asked for the entry closes it. */
  fd: number;
  /** From an earlier run; else all zeros, to be written. */
  complete: boolean;
  /** Makes what was written available to the next run. Does nothing for entries without a key. */
  keep(): void;
  /** Takes back the name of what could not be written whole; it stays readable until it is closed. */
  discard(): void;
}

/** An entry of the cache, or where there is none or it cannot be written to, one for this run. Throws where that fails too. */
export function spillEntry(cache: DiskCache | null, key: string | null, sizeBytes: number): CacheEntry {
  if (cache)
    try {
      return cache.entry(key, sizeBytes);
    } catch {
      // Full, or taken away: the temporary folder may do.
    }
  return makeEntry(tmpdir(), null, sizeBytes);
}

export class DiskCache {
  private constructor(private readonly folder: string) {}

  /** Null where the folder cannot be made or written to. */
  static open(cacheDir: string, version = VERSION): DiskCache | null {
    const folder = join(cacheDir, version);
    try {
      makeFolder(folder);
      return new DiskCache(folder);
    } catch {
      return null;
    }
  }

  /** `key` null: for this run only. Throws where the disk is full or not writable. */
  entry(key: string | null, sizeBytes: number): CacheEntry {
    makeFolder(this.folder);
    if (key === null || sizeBytes > MAX_CACHE_BYTES / 2) return makeEntry(this.folder, null, sizeBytes);
    const path = join(this.folder, key);
    return this.find(path, sizeBytes) ?? makeEntry(this.folder, path, sizeBytes, () => this.evict(path));
  }

  /** An entry whose size only it knows, open for reading; the caller closes it. Null where there is none. */
  existing(key: string): { fd: number; sizeBytes: number } | null {
    const found = this.find(join(this.folder, key), null);
    return found && { fd: found.fd, sizeBytes: fstatSync(found.fd).size };
  }

  /** All of an entry, in memory of its own. Null where there is none, it is larger than that, or it cannot be read. */
  load(key: string, maxBytes: number): Buffer | null {
    const entry = this.existing(key);
    if (!entry) return null;
    try {
      if (entry.sizeBytes > maxBytes) return null;
      const bytes = Buffer.alloc(entry.sizeBytes);
      for (let at = 0; at < bytes.length; ) {
        const got = readSync(entry.fd, bytes, at, bytes.length - at, at);
        if (got === 0) return null;
        at += got;
      }
      return bytes;
    } catch {
      return null;
    } finally {
      closeSync(entry.fd);
    }
  }

  /** A cache that cannot be written to costs the next run time, nothing else. */
  save(key: string, bytes: Uint8Array): void {
    try {
      const entry = this.entry(key, bytes.length);
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(entry.fd, bytes, at, bytes.length - at, at);
        entry.keep();
      } catch {
        entry.discard();
      } finally {
        closeSync(entry.fd);
      }
    } catch {
      // Full, or taken away.
    }
  }

  private find(path: string, sizeBytes: number | null): CacheEntry | null {
    let fd: number;
    try {
      fd = openSync(path, 'r+');
    } catch {
      return null;
    }
    const stat = fstatSync(fd);
    if (stat.isFile() && (sizeBytes === null || stat.size === sizeBytes)) {
      const now = Date.now() / 1000;
      futimesSync(fd, now, now);
      return { fd, complete: true, keep: () => {}, discard: () => {} };
    }
    closeSync(fd);
    return null;
  }

  /** Deletes what was used longest ago until the rest fits, and what a killed run left behind. */
  private evict(newest: string): void {
    const entries = readdirSync(this.folder).flatMap((name) => {
      const path = join(this.folder, name);
      try {
        const { size, mtimeMs } = statSync(path);
        return [{ path, size, mtimeMs }];
      } catch {
        return [];
      }
    });
    let total = entries.reduce((sum, entry) => sum + entry.size, 0);
    const hourAgo = Date.now() - 3_600_000;
    for (const { path, size, mtimeMs } of entries.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      const leftBehind = path.endsWith(TEMPORARY) && mtimeMs < hourAgo;
      if ((total <= MAX_CACHE_BYTES || path === newest) && !leftBehind) continue;
      try {
        unlinkSync(path);
        total -= size;
      } catch {
        // Another run was faster.
      }
    }
  }
}

/** Written under another name, so that nobody finds half of it; without a path under no name at all. */
function makeEntry(folder: string, path: string | null, sizeBytes: number, onKept = () => {}): CacheEntry {
  const temporary = join(folder, `${process.pid}-${threadId}-${process.hrtime.bigint()}${TEMPORARY}`);
  const fd = openSync(temporary, 'wx+', 0o600);
  try {
    if (path === null) unlinkSync(temporary);
    ftruncateSync(fd, sizeBytes);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const keep = () => {
    if (path === null) return;
    renameSync(temporary, path);
    onKept();
  };
  const discard = () => {
    if (path !== null) unlinkSync(temporary);
  };
  return { fd, complete: false, keep, discard };
}

/** Not mkdir's own `recursive`, which never returns where the parent exists but takes no folders (/proc). */
function makeFolder(path: string, parents = true): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || !parents || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    makeFolder(path, false);
  }
}
