// Whose a process's user namespace is, by the ioctl()s of ioctl_nsfs(2): /proc does not tell.

import { closeSync, openSync, readlinkSync } from 'node:fs';
import { libc } from './libc';

/** <linux/nsfs.h> */
const NS_GET_PARENT = 0xb702;
const NS_GET_OWNER_UID = 0xb704;
const SYS_IOCTL = { x64: 16, arm64: 29 }[process.arch as 'x64' | 'arm64'];
const MAX_DEPTH = 33;

/** Who makes a user namespace has all rights in it: is its, or the outermost one's around it, owner the caller? */
export function ownsNamespace(pid: number, uid: number): boolean {
  let fd = -1;
  try {
    const own = readlinkSync('/proc/self/ns/user');
    if (SYS_IOCTL === undefined || readlinkSync(`/proc/${pid}/ns/user`) === own) return false;
    fd = openSync(`/proc/${pid}/ns/user`, 'r');
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const parent = libc().syscallTail(SYS_IOCTL, fd, NS_GET_PARENT, null);
      // Not one of those below ours.
      if (parent < 0) return false;
      if (readlinkSync(`/proc/self/fd/${parent}`) === own) {
        closeSync(parent);
        const owner = Buffer.alloc(4);
        return libc().syscallTail(SYS_IOCTL, fd, NS_GET_OWNER_UID, owner) >= 0 && owner.readUInt32LE() === uid;
      }
      closeSync(fd);
      fd = parent;
    }
  } catch {
    // Gone, or not ours to see.
  } finally {
    if (fd >= 0) closeSync(fd);
  }
  return false;
}
