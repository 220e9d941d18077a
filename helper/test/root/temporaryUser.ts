// A user without any rights for one test, and groups that only this user is in; removed again with all that names them.

import { execFileSync } from 'node:child_process';
import { findInPath } from '../../src/client/findInPath';

export interface TemporaryUser {
  name: string;
  uid: number;
  gid: number;
  /** As `id -G` says: the user's own group and the further ones. */
  groups: number[];
  remove(): void;
}

/** Why there can be none here; null where there can. */
export function whyNoTemporaryUser(): string | null {
  const absent = ['useradd', 'userdel', 'groupadd', 'groupdel'].filter((name) => !findInPath(name));
  return process.getuid!() !== 0 ? 'needs root' : absent.length > 0 ? `needs ${absent.join(', ')}` : null;
}

/** `purpose`: a letter or two, so that several may be there at once. */
export function makeTemporaryUser(purpose: string, furtherGroups: number): TemporaryUser {
  const name = `tracer${purpose}${process.pid % 100_000}`;
  const groups = Array.from({ length: furtherGroups }, (_, i) => `${name}-${i}`);
  for (const group of groups) execFileSync('groupadd', [group]);
  const further = groups.length > 0 ? ['--groups', groups.join(',')] : [];
  execFileSync('useradd', ['--no-create-home', '--shell', '/bin/sh', ...further, name]);
  const id = (flag: string) => execFileSync('id', [flag, name], { encoding: 'utf8' }).trim().split(' ').map(Number);
  return {
    name,
    uid: id('-u')[0],
    gid: id('-g')[0],
    groups: id('-G'),
    remove() {
      execFileSync('userdel', [name], { stdio: 'ignore' });
      for (const group of groups) execFileSync('groupdel', [group]);
    },
  };
}
