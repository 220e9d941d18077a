// Which package would name the functions of a stripped file: from the package manager's own lists of files, without running anything
// and without asking anybody. Lists: dpkg's /var/lib/dpkg/info/PACKAGE.list, dpkg(1). Where the lists are not plain text (rpm), or
// there are no debug packages (Arch), the distribution's debuginfod server has the names.

import { constants } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface DebugSource {
  /** To be installed, from the distribution's repository of debug packages. */
  package: string | null;
  /** debuginfod server of the distribution. */
  server: string | null;
}

/** By ID and ID_LIKE of /etc/os-release; the first that fits. */
const SERVERS: [family: RegExp, server: string][] = [
  [/\bubuntu\b/, 'https://debuginfod.ubuntu.com'],
  [/\bdebian\b/, 'https://debuginfod.debian.net'],
  [/\b(fedora|rhel|centos)\b/, 'https://debuginfod.fedoraproject.org'],
  [/\bsuse\b/, 'https://debuginfod.opensuse.org'],
  [/\barch\b/, 'https://debuginfod.archlinux.org'],
];
const DPKG_LISTS = 'var/lib/dpkg/info';
/** Of one list; the longest of Debian 12 has 2 MB. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;
const MAX_LISTS = 50_000;
/** Read at once. */
const READERS = 8;
/** Packages whose debug symbols are not named by the rule. */
const ODD_NAMES: Record<string, string> = { libc6: 'libc6-dbg' };

/**
 * For each file, absolute and of this machine's own root, how to get its names; null: no package has it, so it was built here.
 * `deadlineMs`: by performance.now(); what is not found until then has no package. `root` is for tests.
 */
export async function debugSourcesOf(
  paths: readonly string[],
  deadlineMs: number,
  root = '/',
): Promise<(DebugSource | null)[]> {
  const release = await readFile(join(root, 'etc/os-release'), 'utf8').catch(() => '');
  const family = `${/^ID=(.*)$/m.exec(release)?.[1]} ${/^ID_LIKE=(.*)$/m.exec(release)?.[1]}`.replaceAll('"', '');
  const server = SERVERS.find(([pattern]) => pattern.test(family))?.[1] ?? null;
  const owners = await dpkgOwners(paths, deadlineMs, root);
  return paths.map((path) => {
    if (owners === null) return server === null ? null : { package: null, server };
    const owner = owners.get(path);
    return owner === undefined ? null : { package: ODD_NAMES[owner] ?? `${owner}-dbgsym`, server };
  });
}

/** Null where this is no machine of dpkg's. */
async function dpkgOwners(
  paths: readonly string[],
  deadlineMs: number,
  root: string,
): Promise<Map<string, string> | null> {
  const folder = join(root, DPKG_LISTS);
  const names = await readdir(folder).catch(() => null);
  if (names === null) return null;
  const lists = names.filter((name) => name.endsWith('.list')).slice(0, MAX_LISTS);
  const wanted = paths.flatMap((path) => namesOf(path).map((name) => ({ path, line: Buffer.from(`\n${name}\n`) })));
  const owners = new Map<string, string>();
  const reader = async () => {
    for (let list = lists.pop(); list !== undefined; list = lists.pop()) {
      if (owners.size === paths.length || performance.now() > deadlineMs) return;
      const text = await readList(join(folder, list));
      for (const { path, line } of wanted)
        if (text?.includes(line)) owners.set(path, list.replace(/(:[^:]*)?\.list$/, ''));
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return owners;
}

/** Before /usr was merged packages had files in /lib that are in /usr/lib now. */
function namesOf(path: string): string[] {
  return path.startsWith('/usr/') ? [path, path.slice('/usr'.length)] : [path, `/usr${path}`];
}

/** Null where it is no regular file, or too long. */
async function readList(path: string): Promise<Buffer | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch(() => null);
  try {
    const stat = await file?.stat();
    if (!file || !stat?.isFile() || stat.size > MAX_LIST_BYTES) return null;
    // A line begins after the one before it.
    return Buffer.concat([Buffer.from('\n'), await file.readFile()]);
  } catch {
    return null;
  } finally {
    await file?.close().catch(() => {});
  }
}
