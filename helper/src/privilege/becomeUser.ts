// From root to a user with all of the user's groups, in every thread of the process. By the C library's own calls, which
// reach all threads: Node's refuse where its libuv might use io_uring (Debian's does). The reason for that is looked at
// here instead: a kernel thread that polls an io_uring keeps the rights of whoever made it (CVE-2024-22017).

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { checkCall, libc } from './libc';

export interface User {
  uid: number;
  gid: number;
}

/** For good. Throws where anything did not take effect in some thread: the process must not go on then. */
export function becomeUser({ uid, gid }: User): void {
  const { accountName, initgroups, setgroups, setresgid, setresuid } = libc();
  const name = accountName(uid);
  if (name !== null) checkCall('initgroups', initgroups(name, gid));
  // No such user in the account database (a container's bare uid): then it has no further groups.
  else checkCall('setgroups', setgroups(0, null));
  checkCall('setresgid', setresgid(gid, gid, gid));
  checkCall('setresuid', setresuid(uid, uid, uid));
  const others = identities().filter((ids, _, [main]) => ids !== main);
  if (others.length > 0) throw new Error(`${others.length} threads did not become user ${uid}`);
  if (hasPollingIoUring()) throw new Error('an io_uring of this process keeps the rights that it gives up');
}

/** Of each thread, the main one first: its user, group and further groups. */
function identities(): string[] {
  return readdirSync('/proc/self/task').flatMap((tid) => {
    try {
      const status = readFileSync(`/proc/self/task/${tid}/status`, 'latin1');
      return [(status.match(/^(Uid|Gid|Groups):.*$/gm) ?? []).join('\n')];
    } catch {
      return []; // It has ended.
    }
  });
}

/** `SqThread` of /proc/self/fdinfo is the thread's id, -1 where there is none (io_uring/fdinfo.c of the kernel). */
function hasPollingIoUring(): boolean {
  return readdirSync('/proc/self/fd').some((fd) => {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:[io_uring]') return false;
      return !/^SqThread:\s*-1$/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
    } catch {
      return false; // The folder's own descriptor.
    }
  });
}
