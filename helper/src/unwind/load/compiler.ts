// The thread that makes tables (worker.ts), as the main thread sees it: answers requests in order, is ended when one takes
// too long or there is nothing to do. A request that ends it fails alone, the others go to the next thread.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { endThread, startThread } from '../../workers/thread';
import { trimMemory } from '../../workers/trim';
import type { LoadedTable, TableReply, TableRequest } from './worker';

const TIMEOUT_MS = 60_000;
const IDLE_MS = 5_000;
const HEAP_MIB = 256;
const ENDED = 'the recording has ended';

interface Pending {
  request: TableRequest;
  resolve(loaded: LoadedTable): void;
  reject(error: Error): void;
}

export class TableCompiler {
  private worker: Worker | null = null;
  /** In the order in which they were asked; the thread works on the first. */
  private pending: Pending[] = [];
  private timer: NodeJS.Timeout | null = null;
  private sequence = 0;

  constructor(private readonly cacheDir: string | null) {}

  /** `debug`: as TableRequest has it. Rejects with a plain sentence. */
  request(from: TableRequest['from'], debug?: TableRequest['debug']): Promise<LoadedTable> {
    return new Promise((resolve, reject) => {
      this.pending.push({ request: { sequence: ++this.sequence, from, debug }, resolve, reject });
      this.post(this.pending.length - 1);
    });
  }

  close(): void {
    while (this.pending.length > 1) this.pending.pop()?.reject(new Error(ENDED));
    this.drop(ENDED);
  }

  /** Sends what is pending from that place on. */
  private post(first: number): void {
    if (first === 0) this.watch();
    this.worker ??= this.start();
    this.worker.ref();
    for (const { request } of this.pending.slice(first)) this.worker.postMessage(request);
  }

  private watch(): void {
    this.arm(TIMEOUT_MS, () => this.drop(`took longer than ${TIMEOUT_MS / 1000} s`));
  }

  private start(): Worker {
    const workerData = { cacheDir: this.cacheDir };
    const resourceLimits = { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: 16 };
    const worker = startThread<TableReply>(workerFile(), { workerData, resourceLimits }, (reply) => {
      if (worker !== this.worker || this.pending[0]?.request.sequence !== reply.sequence) return;
      const pending = this.pending.shift()!;
      if (this.pending.length > 0) this.watch();
      else {
        worker.unref();
        this.arm(IDLE_MS, () => this.drop('idle'));
        this.timer?.unref();
      }
      if (reply.ok) pending.resolve(reply.loaded);
      else pending.reject(new Error(reply.why));
    });
    worker.on('error', (error) => worker === this.worker && this.drop(error.message));
    worker.on('exit', () => worker === this.worker && this.drop('the worker ended'));
    return worker;
  }

  private drop(why: string): void {
    const { worker } = this;
    this.worker = null;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.pending.shift()?.reject(new Error(why));
    if (worker) void endThread(worker).then(trimMemory);
    if (this.pending.length > 0) this.post(0);
  }

  private arm(delayMs: number, action: () => void): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(action, delayMs);
  }
}

/** Beside the bundle, or in the tests' tree. */
function workerFile(): string {
  const bundled = join(__dirname, 'unwindWorker.js');
  return existsSync(bundled) ? bundled : join(__dirname, 'worker.js');
}
