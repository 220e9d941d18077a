// One recording a process at a time, also across helpers of several windows and terminals: a name in the abstract socket
// namespace, which the kernel frees with its owner, however that dies. Taken by a Recording before it attaches.

import { createServer, type Server } from 'node:net';
import { tracerError } from '../protocol';

export interface RecordingLock {
  release(): void;
}

/**
 * Throws BUSY where this caller already records the process. The start time tells a reused pid from the old one.
 * Names are per caller, so that nobody can keep others from recording; where the namespace cannot be used, no lock.
 */
export function lockTarget(callerUid: number, pid: number, startTicks: number): Promise<RecordingLock> {
  return new Promise((resolve, reject) => {
    const server: Server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(tracerError('BUSY', pid));
      else resolve({ release: () => {} });
    });
    server.listen({ path: `\0ebpf-tracer/${callerUid}/${pid}-${startTicks}` }, () => {
      server.unref();
      resolve({ release: () => server.close() });
    });
  });
}
