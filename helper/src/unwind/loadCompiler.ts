// The thread that makes tables (loadWorker.ts), as the main thread sees it: one request at a time, ended when it takes too
// long or has nothing to do. A request that ends it fails alone. Called by load.ts.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { trimMemory } from '../symbolize/pool/trim';
import type { LoadedTable, TableReply, TableRequest } from './loadWorker';

const TIMEOUT_MS = 60_000;
const IDLE_MS = 5_000;
const HEAP_MIB = 256;

interface Pending {
  sequence: number;
  resolve(loaded: LoadedTable): void;
  reject(error: Error): void;
}

export class TableCompiler {
  private worker: Worker | null = null;
  private pending: Pending | null = null;
  private timer: NodeJS.Timeout | null = null;
  private sequence = 0;

  constructor(private readonly cacheDir: string | null) {}

  /** Not before the last one is answered. Rejects with a plain sentence. */
  request(from: TableRequest['from']): Promise<LoadedTable> {
    this.worker ??= this.start();
    const { worker } = this;
    worker.ref();
    const sequence = ++this.sequence;
    this.arm(TIMEOUT_MS, () => this.drop(`took longer than ${TIMEOUT_MS / 1000} s`));
    worker.postMessage({ sequence, from } satisfies TableRequest);
    return new Promise((resolve, reject) => {
      this.pending = { sequence, resolve, reject };
    });
  }

  close(): void {
    this.drop('the recording has ended');
  }

  private start(): Worker {
    const worker = new Worker(workerFile(), {
      workerData: { cacheDir: this.cacheDir },
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: 16 },
    });
    worker.on('message', (reply: TableReply) => {
      const { pending } = this;
      if (worker !== this.worker || !pending || pending.sequence !== reply.sequence) return;
      this.pending = null;
      worker.unref();
      this.arm(IDLE_MS, () => this.drop('idle'));
      this.timer?.unref();
      if (reply.ok) pending.resolve(reply.loaded);
      else pending.reject(new Error(reply.why));
    });
    worker.on('error', (error) => worker === this.worker && this.drop(error.message));
    worker.on('exit', () => worker === this.worker && this.drop('the worker ended'));
    return worker;
  }

  private drop(why: string): void {
    const { worker, pending } = this;
    this.worker = null;
    this.pending = null;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    pending?.reject(new Error(why));
    worker?.unref();
    void worker?.terminate().then(trimMemory);
  }

  private arm(delayMs: number, action: () => void): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(action, delayMs);
  }
}

/** Beside the bundle, or in the tests' tree. */
function workerFile(): string {
  const bundled = join(__dirname, 'unwindWorker.js');
  return existsSync(bundled) ? bundled : join(__dirname, 'loadWorker.js');
}
