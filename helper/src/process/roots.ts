// The file systems that targets see: ours, or a container's, which stays reachable through an open folder when the process
// is gone. And the way to a file in one of them, which may be one that does not answer (patience.ts).

import { readProcess } from '../client/livingThread';
import { closeTouched, type Place, touch } from './patience';
import type { OpenedFile } from './touch';

export type { OpenedFile };

export interface Root {
  /** To be put before an absolute path: empty for our own root. */
  readonly prefix: string;
  readonly fd: number | null;
}

export const OWN_ROOT: Root = { prefix: '', fd: null };

/** Of those that live in a root, the one seen last, to ask what is mounted there; by the root's prefix. */
const inhabitants = new Map<string, number>();

export class Roots {
  private readonly known = new Map<string, Root>();
  private readonly ownKey = touch({ pid: 'self', path: '/' }, 'rootKey', '/proc/self');

  of(pid: number): Root {
    const place = { pid, path: '/' };
    const key = readProcess(pid, (folder) => touch(place, 'rootKey', folder));
    if (key === null || key === this.ownKey) return OWN_ROOT;
    let root = this.known.get(key);
    if (!root) {
      const opened = readProcess(pid, (folder) => touch(place, 'openFolder', `${folder}/root`));
      if (opened === null) return OWN_ROOT;
      root = { prefix: `/proc/self/fd/${opened.fd}`, fd: opened.fd };
      this.known.set(key, root);
    }
    inhabitants.set(root.prefix, pid);
    return root;
  }

  close(): void {
    for (const { fd, prefix } of this.known.values()) {
      if (fd !== null) closeTouched(fd);
      inhabitants.delete(prefix);
    }
    this.known.clear();
  }
}

/**
 * Opens a regular file for reading, never waiting (a pipe) and never through a link at its end. Null where that fails.
 * `path` is one that this process can use as it is. `mapped`: by which mapping, where it is one of /proc/PID/map_files.
 */
export function openRegular(
  path: string,
  followLast = false,
  mapped?: Pick<Place, 'path' | 'device'>,
): OpenedFile | null {
  return touch({ ...placeOf(path), ...mapped }, 'openRegular', path, followLast);
}

/** `path` (absolute, in `root`) with its links resolved inside of `root`, as a path that can be opened; null: no such. */
export function pathInRoot(root: Root, path: string): string | null {
  return touch(placeOf(root.prefix + path), 'pathInRoot', root.prefix, path);
}

/** Size and time of last change of an open file; null where that does not come. */
export function statTouched(fd: number, place: Place): { sizeBytes: number; modifiedNs: bigint } | null {
  return touch(place, 'statOf', fd);
}

/** Whose view a path of this process is: `/proc/PID/root/…` is that process's, also by one of its threads. */
export function placeOf(path: string): Place {
  const [, prefix, pid, inside] =
    /^(\/proc\/(?:(\d+)(?:\/task\/\d+)?\/(?:root|map_files|exe)|self\/fd\/\d+))(\/.*)?$/.exec(path) ?? [];
  const whose = pid === undefined ? inhabitants.get(prefix) : Number(pid);
  return whose === undefined ? { pid: 'self', path } : { pid: whose, path: inside ?? '/' };
}
