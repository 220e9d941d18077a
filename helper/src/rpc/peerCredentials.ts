// Who is at the other end of an accepted Unix socket, as the kernel knows it (SO_PEERCRED, unix(7)): the user and process that
// called connect(). Asked of each connection before anything is read from it.

import type { Socket } from 'node:net';
import { checkCall, libc } from '../privilege/libc';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid, four bytes each. */
const UCRED_BYTES = 12;

export interface PeerCredentials {
  pid: number;
  uid: number;
  gid: number;
}

/** Throws where the socket has no file descriptor (already closed). */
export function peerCredentials(socket: Socket): PeerCredentials {
  // Node shows a connection's descriptor nowhere else.
  const fd = (socket as unknown as { _handle: { fd: number } | null })._handle?.fd ?? -1;
  const ucred = Buffer.alloc(UCRED_BYTES);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(UCRED_BYTES);
  checkCall('getsockopt(SO_PEERCRED)', libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, length));
  return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) };
}
