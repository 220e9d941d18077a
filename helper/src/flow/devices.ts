// Network devices of a namespace, as the thread that asks sees them: name, index, whether frames have an Ethernet header. Entering
// another namespace changes this thread alone, and only between two lines of synchronous code.

import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { native } from '../bpf/libbpf';

export interface Device {
  name: string;
  index: number;
  loopback: boolean;
  /** Null: frames of a kind that is not read. */
  link: 'ethernet' | 'bare' | null;
}

const CLONE_NEWNET = 0x4000_0000;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SIOCGIFHWADDR = 0x8927;
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;
/** include/uapi/linux/if_arp.h: what has no header of its own in front of IP. */
const BARE = new Set([256, 512, 519, 768, 769, 776, 778, 823, 65534]);
const ETHERNET = 1;
const LOOPBACK = 772;

/** A network namespace, held open. */
export class NetworkNamespace {
  readonly inode: number;
  private readonly fd: number;

  /** Of a file that names one (/proc/PID/ns/net, /run/netns/NAME). Throws where that cannot be opened or is none. */
  constructor(readonly path: string) {
    this.fd = openSync(path, 'r');
    this.inode = statSync(`/proc/self/fd/${this.fd}`).ino;
  }

  /** Runs `action` in it. Throws where it may not be entered. */
  inside<T>(action: () => T): T {
    const own = openSync('/proc/thread-self/ns/net', 'r');
    try {
      const isOwn = statSync(`/proc/self/fd/${own}`).ino === this.inode;
      if (!isOwn) enter(this.fd);
      try {
        return action();
      } finally {
        if (!isOwn) enter(own);
      }
    } finally {
      closeSync(own);
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

function enter(fd: number): void {
  const { system } = native();
  if (system.setns(fd, CLONE_NEWNET) < 0) throw new Error(`entering a network namespace: ${system.errnoName()}`);
}

/** Those of the thread's namespace. */
export function listDevices(): Device[] {
  const { system } = native();
  const names = readFileSync('/proc/thread-self/net/dev', 'latin1')
    .split('\n')
    .slice(2)
    .map((line) => line.slice(0, line.lastIndexOf(':')).trim())
    .filter((name) => name !== '');
  const socket = system.socket(AF_INET, SOCK_DGRAM, 0);
  try {
    return names.flatMap((name) => {
      const index = system.deviceIndex(name);
      const request = Buffer.alloc(IFREQ_BYTES);
      request.write(name, 'latin1');
      // Gone since.
      if (index === 0 || system.ioctlMemory(socket, SIOCGIFHWADDR, request) < 0) return [];
      const type = request.readUInt16LE(NAME_BYTES);
      const link = type === ETHERNET || type === LOOPBACK ? 'ethernet' : BARE.has(type) ? 'bare' : null;
      return [{ name, index, loopback: type === LOOPBACK, link } as const];
    });
  } finally {
    system.close(socket);
  }
}
