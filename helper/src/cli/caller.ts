// On whose behalf the command line works: its user, or under sudo the user who typed it. Recordings, caches and launched
// commands are theirs. Used by record.ts, heldLaunch.ts and symbolize.ts.

import { userCacheFolder } from '../client/cacheFolder';
import { becomeUser } from '../privilege/becomeUser';
import { userEntry } from '../process/users';

export interface Caller {
  uid: number;
  gid: number;
  /** Set where this process is root on behalf of somebody else. */
  dropTo: { uid: number; gid: number } | null;
  /** What a launched command gets. */
  environment: NodeJS.ProcessEnv;
}

export function findCaller(environment = process.env, uid = process.getuid!(), gid = process.getgid!()): Caller {
  const [sudoUid, sudoGid] = [Number(environment.SUDO_UID), Number(environment.SUDO_GID)];
  const bySudo = uid === 0 && /^\d+$/.test(environment.SUDO_UID ?? '') && /^\d+$/.test(environment.SUDO_GID ?? '');
  if (!bySudo || sudoUid === 0) return { uid, gid, dropTo: null, environment };
  const user = userEntry(sudoUid);
  const own: NodeJS.ProcessEnv = { ...environment };
  for (const name of ['SUDO_UID', 'SUDO_GID', 'SUDO_USER', 'SUDO_COMMAND']) delete own[name];
  if (user) Object.assign(own, { HOME: user.home, USER: user.name, LOGNAME: user.name });
  return { uid: sudoUid, gid: sudoGid, dropTo: { uid: sudoUid, gid: sudoGid }, environment: own };
}

/** Where what may be deleted at any time is kept; null: nowhere. */
export function cacheDirOf({ environment, dropTo }: Caller): string | null {
  if (!dropTo) return userCacheFolder(environment);
  // Under sudo XDG_CACHE_HOME is root's unless it was kept on purpose; the caller's own folder is meant.
  return environment.HOME === undefined ? null : userCacheFolder({ HOME: environment.HOME });
}

/** Becomes the caller for good: called once the helper, which needs root to start, runs. */
export function becomeCaller({ dropTo }: Caller): void {
  if (dropTo) becomeUser(dropTo);
}
