// Which file systems of a process may keep whoever touches them waiting for ever: those whose server is a program or another
// machine. Told from /proc/PID/mountinfo, which asks no server. Layout: proc_pid_mountinfo(5).

import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';

/** Served by the kernel from memory or from disks of this machine; whatever is not here may stall. */
const LOCAL = new Set(
  (
    'ext2 ext3 ext4 xfs btrfs zfs f2fs bcachefs reiserfs jfs nilfs2 squashfs erofs iso9660 udf vfat msdos exfat ntfs3 hfsplus ' +
    'tmpfs ramfs rootfs devtmpfs devpts proc sysfs cgroup cgroup2 mqueue hugetlbfs tracefs debugfs securityfs pstore bpf ' +
    'configfs fusectl efivarfs binfmt_misc rpc_pipefs nsfs selinuxfs resctrl'
  ).split(' '),
);
/** Over others, so as patient as those: believed where only root may mount. */
const OVER_OTHERS = new Set(['overlay', 'aufs']);
/** The system's own, on nearly every machine; nobody's files are there. */
const BINFMT = '/proc/sys/fs/binfmt_misc';

const MAX_BYTES = 4 << 20;
/** Files are opened by the dozen. */
const KEPT_MS = 50;
const MAX_KEPT = 64;

export interface SlowMount {
  /** As the process names it. */
  point: string;
  type: string;
  device: string;
}

const kept = new Map<string, { atMs: number; mounts: SlowMount[] }>();

/** Mounts of a process that may stall, the deepest first; null where nobody can tell, which may be anything. */
export function slowMounts(pid: number | 'self'): SlowMount[] | null {
  let namespace: string;
  let ownUsers: boolean;
  try {
    namespace = `${readlinkSync(`/proc/${pid}/ns/mnt`)} ${readlinkSync(`/proc/${pid}/root`)}`;
    ownUsers = readlinkSync(`/proc/${pid}/ns/user`) === readlinkSync('/proc/self/ns/user');
  } catch {
    return null;
  }
  const known = kept.get(namespace);
  if (known && performance.now() - known.atMs < KEPT_MS) return known.mounts;
  const text = readBounded(`/proc/${pid}/mountinfo`);
  if (text === null) return null;
  const mounts = parseSlowMounts(text, ownUsers);
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(namespace, { atMs: performance.now(), mounts });
  return mounts;
}

/** `rootsMounts`: nobody but root can have mounted there. */
export function parseSlowMounts(mountinfo: string, rootsMounts: boolean): SlowMount[] {
  const mounts: SlowMount[] = [];
  for (const line of mountinfo.split('\n')) {
    // "36 35 98:0 /root /point options [optional fields] - type source options"
    const [mount, superblock] = line.split(' - ');
    const [, , device, , point] = mount.split(' ');
    const type = superblock?.split(' ')[0];
    if (point === undefined || type === undefined || LOCAL.has(type)) continue;
    if ((rootsMounts && OVER_OTHERS.has(type)) || (type === 'autofs' && point === BINFMT)) continue;
    mounts.push({ point: unescapePoint(point), type, device });
  }
  return mounts.sort((a, b) => b.point.length - a.point.length);
}

/** Space, tab, newline and backslash are written as three octal digits. */
function unescapePoint(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** The mount that a path (absolute, as the process names it) or a mapping's device lies in, among those that may stall. */
export function slowMountOf(mounts: readonly SlowMount[], path: string, device: string | null): SlowMount | null {
  const byDevice = device === null ? undefined : mounts.find((mount) => mount.device === device);
  if (byDevice) return byDevice;
  return mounts.find(({ point }) => path === point || path.startsWith(point === '/' ? '/' : `${point}/`)) ?? null;
}

function readBounded(path: string): string | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const pieces: Buffer[] = [];
    const piece = Buffer.alloc(1 << 16);
    for (let sum = 0, got = 0; sum < MAX_BYTES; sum += got) {
      got = readSync(fd, piece);
      if (got === 0) break;
      pieces.push(Buffer.from(piece.subarray(0, got)));
    }
    return Buffer.concat(pieces).toString('utf8');
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}
