// The sources below a folder, as far as it is anybody's to read them: bounds on their number, size and depth, no links, nothing that
// was installed or built.

import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { isSource } from './sourceText';

const ENTRIES_MOST = 50_000;
const SOURCES_MOST = 5_000;
const FILE_MOST_BYTES = 1 << 20;
const ALL_MOST_BYTES = 64 << 20;
const DEPTH_MOST = 16;

/** Installed, built, or tests, which declare routes of their own. */
const PASSED_OVER =
  /^(?:\..*|node_modules|bower_components|vendor|third_party|venv|env|site-packages|__pycache__|target|build|dist|out|bin|obj|coverage|tests?|__tests__|spec|e2e|fixtures)$/;
const TEST = /(?:\.(?:test|spec|d)\.[cm]?[jt]sx?|_test\.go|_spec\.rb|\.min\.js)$|^(?:test_.*|conftest)\.py$/;

export interface SourceFiles {
  paths: string[];
  /** Why some are missing; empty: none are. */
  limits: string[];
}

/** Throws where the folder itself cannot be read. */
export function sourcesBelow(folder: string): SourceFiles {
  const paths: string[] = [];
  const limits = new Set<string>();
  let entries = 0;
  const waiting = [{ path: folder, depth: 0 }];
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    let found: ReturnType<typeof list>;
    try {
      found = list(next.path);
    } catch (error) {
      if (next.depth === 0) throw error;
      limits.add('folders that cannot be read');
      continue;
    }
    for (const { name, isFolder, isFile } of found) {
      if (++entries > ENTRIES_MOST || paths.length >= SOURCES_MOST) {
        return { paths, limits: [...limits, `more than ${SOURCES_MOST} sources or ${ENTRIES_MOST} files`] };
      }
      if (isFolder && !PASSED_OVER.test(name)) {
        if (next.depth < DEPTH_MOST) waiting.push({ path: join(next.path, name), depth: next.depth + 1 });
        else limits.add('folders that lie too deep');
      } else if (isFile && isSource(name) && !TEST.test(name)) paths.push(join(next.path, name));
    }
  }
  return { paths, limits: [...limits] };
}

const list = (folder: string) =>
  readdirSync(folder, { withFileTypes: true })
    .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory(), isFile: entry.isFile() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

/** Reads sources one after another until they are too many bytes. */
export class SourceReader {
  private readBytes = 0;

  /** Null: no file to be read here, or not any more. */
  read(path: string): string | null {
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch {
      return null;
    }
    try {
      const status = fstatSync(fd);
      if (!status.isFile() || status.size > FILE_MOST_BYTES || this.readBytes + status.size > ALL_MOST_BYTES)
        return null;
      const bytes = Buffer.alloc(status.size);
      const length = readSync(fd, bytes, 0, bytes.length, 0);
      this.readBytes += length;
      return bytes.toString('utf8', 0, length);
    } catch {
      return null;
    } finally {
      closeSync(fd);
    }
  }
}
