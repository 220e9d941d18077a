// One worker thread with the requests that wait for it: started when there is work, one request at a time, ended when idle or when
// a request takes too long. A request that ends its worker fails alone; those behind it go to a fresh worker.

import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { endThread, startThread, workerFile } from '../../workers/thread';
import { trimMemory } from '../../workers/trim';
import { WORKER_HEAP_MIB } from '../limits';
import type { Place } from '../place';
import type { Reply, Request, Task, WorkerSettings } from './messages';
import { unpackPlaces } from './packedPlaces';

export type Answer = Omit<Extract<Reply, { ok: true }>, 'places'> & { places: Place[][] };

/** A worker that waits for a disk that does not answer cannot be ended; nobody waits for it longer than this. */
const TERMINATE_WAIT_MS = 2_000;

interface Job {
  task: Task;
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
}

export interface WorkerLimits {
  /** How long a request may take. */
  requestMs: number;
  /** How long a worker is without work until it rests, and then until it ends. */
  restMs: number;
  idleMs: number;
  youngHeapMib: number;
}

export class Slot {
  private worker: Worker | null = null;
  private readonly waiting: Job[] = [];
  private current: Job | null = null;
  private sequence = 0;
  private timer: NodeJS.Timeout | null = null;
  private closed = false;
  /** The last job was to rest. */
  private rested = false;

  constructor(
    private readonly settings: WorkerSettings,
    private readonly limits: WorkerLimits,
  ) {}

  get running(): boolean {
    return this.worker !== null;
  }

  add(task: Task): Promise<Answer> {
    if (this.closed) return Promise.reject(new Error('symbolization was ended'));
    return new Promise((resolve, reject) => {
      this.waiting.push({ task, resolve, reject });
      this.next();
    });
  }

  async end(why: string): Promise<void> {
    this.closed = true;
    for (const job of this.waiting.splice(0)) job.reject(new Error(why));
    await this.drop(why);
  }

  private next(): void {
    if (this.current || this.closed) return;
    const job = this.waiting.shift();
    if (!job) {
      this.pause();
      return;
    }
    this.current = job;
    this.rested = job.task.kind === 'rest';
    this.worker ??= this.start();
    const { worker } = this;
    worker.ref();
    const { requestMs } = this.limits;
    this.arm(requestMs, () => void this.drop(`took longer than ${requestMs / 1000} s`));
    worker.postMessage({ sequence: ++this.sequence, task: job.task } satisfies Request);
  }

  /** No work: the thread may not hold the process, soon gives back what it can spare, and goes after a while. */
  private pause(): void {
    this.worker?.unref();
    if (this.rested) this.arm(this.limits.idleMs, () => void this.drop('idle').then(trimMemory));
    // Should it fail, the worker has ended, which is as good.
    else this.arm(this.limits.restMs, () => this.add({ kind: 'rest' }).catch(() => {}));
    this.timer?.unref();
  }

  private start(): Worker {
    const { youngHeapMib } = this.limits;
    const resourceLimits = { maxOldGenerationSizeMb: WORKER_HEAP_MIB, maxYoungGenerationSizeMb: youngHeapMib };
    const worker = startThread<Reply>(
      workerFile(__dirname, 'symbolizeWorker.js', '../worker.js'),
      { workerData: this.settings, resourceLimits },
      (reply) => {
        const job = this.current;
        if (worker !== this.worker || !job || reply.sequence !== this.sequence) return;
        this.current = null;
        if (reply.ok) job.resolve({ ...reply, places: unpackPlaces(reply.places) });
        else job.reject(new Error(reply.why));
        this.next();
      },
    );
    worker.on('error', (error) => worker === this.worker && void this.drop(describe(error)));
    worker.on('exit', () => worker === this.worker && void this.drop('the worker ended'));
    return worker;
  }

  /** Ends the worker; the request in hand fails, the next one starts another. */
  private async drop(why: string): Promise<void> {
    const { worker, current } = this;
    this.worker = null;
    this.current = null;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    current?.reject(new Error(why));
    if (this.waiting.length > 0) this.next();
    if (worker) await Promise.race([endThread(worker), delay(TERMINATE_WAIT_MS, undefined, { ref: false })]);
  }

  private arm(delayMs: number, action: () => void): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(action, delayMs);
  }
}

function describe(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'needs too much memory' : error.message;
}
