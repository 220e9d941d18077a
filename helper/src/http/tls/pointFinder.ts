// The thread that looks for probe points (worker.ts), as the main thread sees it.

import { RequestThread } from '../../workers/requestThread';
import { workerFile } from '../../workers/thread';
import type { ProbePoints } from './probePoints';
import type { PointsRequest } from './worker';

const TIMEOUT_MS = 30_000;
const HEAP_MIB = 128;

export class PointFinder {
  private readonly thread = new RequestThread<PointsRequest, ProbePoints | null>({
    file: workerFile(__dirname, 'tlsWorker.js'),
    heapMib: HEAP_MIB,
    timeoutMs: TIMEOUT_MS,
  });

  /** Null: no such library is in the file. `why`: it could not be read. */
  find(request: PointsRequest): Promise<ProbePoints | null | { why: string }> {
    return this.thread.request(request).catch((error: Error) => ({ why: error.message }));
  }

  close(): void {
    this.thread.close('the recording has ended');
  }
}
