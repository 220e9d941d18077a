// The thread that looks for probe points (worker.ts), as the main thread sees it: one file at a time, ended when one takes too long or
// there is nothing to do.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { endThread, startThread } from '../../workers/thread';
import type { ProbePoints } from './probePoints';
import type { PointsReply, PointsRequest } from './worker';

const TIMEOUT_MS = 30_000;
const IDLE_MS = 5_000;
const HEAP_MIB = 128;

interface Pending {
  request: PointsRequest;
  done(result: ProbePoints | null | { why: string }): void;
}

export class PointFinder {
  private worker: Worker | null = null;
  private pending: Pending[] = [];
  private timer: NodeJS.Timeout | null = null;

  /** Null: no such library is in the file. `why`: it could not be read. */
  find(request: PointsRequest): Promise<ProbePoints | null | { why: string }> {
    return new Promise((done) => {
      this.pending.push({ request, done });
      if (this.pending.length === 1) this.next();
    });
  }

  close(): void {
    for (const { done } of this.pending.splice(1)) done({ why: 'the recording has ended' });
    this.drop('the recording has ended');
  }

  private next(): void {
    const [first] = this.pending;
    if (!first) {
      this.worker?.unref();
      this.arm(IDLE_MS, () => this.drop('idle'));
      this.timer?.unref();
      return;
    }
    this.worker ??= this.start();
    this.worker.ref();
    this.worker.postMessage(first.request);
    this.arm(TIMEOUT_MS, () => this.drop(`took longer than ${TIMEOUT_MS / 1000} s`));
  }

  private start(): Worker {
    const resourceLimits = { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: 16 };
    const worker = startThread<PointsReply>(workerFile(), { resourceLimits }, (reply) => {
      if (worker !== this.worker || this.pending[0]?.request.fileId !== reply.fileId) return;
      this.pending.shift()!.done('why' in reply ? { why: reply.why } : reply.points);
      this.next();
    });
    worker.on('error', (error) => worker === this.worker && this.drop(error.message));
    worker.on('exit', () => worker === this.worker && this.drop('the worker ended'));
    return worker;
  }

  /** The file in hand fails, the others go to the next thread. */
  private drop(why: string): void {
    const { worker } = this;
    this.worker = null;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.pending.shift()?.done({ why });
    if (worker) void endThread(worker);
    if (this.pending.length > 0) this.next();
  }

  private arm(delayMs: number, action: () => void): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(action, delayMs);
  }
}

/** Beside the bundle, or in the tests' tree. */
function workerFile(): string {
  const bundled = join(__dirname, 'tlsWorker.js');
  return existsSync(bundled) ? bundled : join(__dirname, 'worker.js');
}
