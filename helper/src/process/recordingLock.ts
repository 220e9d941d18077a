// One recording of a process by one tracer at a time, also across helpers of several windows and terminals: a name in the abstract socket
// namespace, which the kernel frees with its owner, however that dies. Taken by a Recording before it attaches.
//
// Such names belong to whoever takes them first, and have no mode. So a name that is taken means something only where its owner
// is the caller: the kernel says who listens. Another user who sits on our names makes us take the next one. Whoever sits
// on all of them leaves us without a lock, which costs the caller nothing but two recordings where one was meant.

import { connect, createServer, type Server, type Socket } from 'node:net';
import { tracerError } from '../protocol';

export interface RecordingLock {
  release(): void;
}

/** The user who listens at the other end of a connected socket. */
export type PeerUid = (socket: Socket) => number;

const NAMES = 16;

/** What only one recording may have: a process, which its start time tells from a later one with the same pid, and a tracer. */
export interface LockedTarget {
  pid: number;
  startTicks: number;
  /** Id of the tracer. */
  tracer: string;
}

/** All of them, or none. Throws BUSY. */
export async function lockTargets(
  callerUid: number,
  targets: readonly LockedTarget[],
  peerUid: PeerUid,
): Promise<RecordingLock> {
  const locks: RecordingLock[] = [];
  const release = () => {
    for (const lock of locks.splice(0)) lock.release();
  };
  try {
    for (const target of targets) locks.push(await lockTarget(callerUid, target, peerUid));
    return { release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Throws BUSY where this caller already records the process by that tracer. Where the namespace cannot be used, no lock. */
export async function lockTarget(callerUid: number, target: LockedTarget, peerUid: PeerUid): Promise<RecordingLock> {
  const { pid } = target;
  for (let number = 0; number < NAMES; number++) {
    const name = lockName(callerUid, target, number);
    let taken = await take(name);
    if (taken === 'in use') {
      const owner = await ownerOf(name, peerUid);
      if (owner === callerUid) throw tracerError('BUSY', pid);
      if (owner === null) taken = await take(name);
    }
    if (taken !== 'in use') return taken ?? { release: () => {} };
  }
  return { release: () => {} };
}

/** The names of a target are tried by their number, from 0. */
export function lockName(callerUid: number, { pid, startTicks, tracer }: LockedTarget, number: number): string {
  return `\0ebpf-tracer/${callerUid}/${pid}-${startTicks}/${tracer}${number === 0 ? '' : `/${number}`}`;
}

function take(path: string): Promise<RecordingLock | 'in use' | null> {
  return new Promise((resolve) => {
    const server: Server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE' ? 'in use' : null));
    server.listen({ path }, () => {
      server.unref();
      resolve({ release: () => server.close() });
    });
  });
}

/** null where nobody listens: the name was freed meanwhile, or is held in another way than ours are. */
function ownerOf(path: string, peerUid: PeerUid): Promise<number | null> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('error', () => resolve(null));
    socket.once('connect', () => {
      try {
        resolve(peerUid(socket));
      } catch {
        resolve(null);
      }
      socket.destroy();
    });
  });
}
