// Names of user ids, from /etc/passwd (users of a network directory show as numbers: asking it would block).
// Used by the process list, the target check and the CLI.

import { readText } from './procfs';

export interface UserEntry {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

let entries: Map<number, UserEntry> | null = null;

export function userEntry(uid: number): UserEntry | null {
  entries ??= parsePasswd(readText('/etc/passwd') ?? '');
  return entries.get(uid) ?? null;
}

export function userName(uid: number): string {
  return userEntry(uid)?.name ?? `uid ${uid}`;
}

/** passwd(5); the first entry of a uid wins. */
export function parsePasswd(text: string): Map<number, UserEntry> {
  const users = new Map<number, UserEntry>();
  for (const line of text.split('\n')) {
    const [name, , uid, gid, , home] = line.split(':');
    if (home === undefined || uid === '' || users.has(Number(uid))) continue;
    users.set(Number(uid), { name, uid: Number(uid), gid: Number(gid), home });
  }
  return users;
}
