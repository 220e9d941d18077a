// One thread that answers requests in the order in which they were asked: started with the first, ended when there is nothing to do
// for a while or one takes too long. A request that ends it fails alone, the others go to the next thread. For work without a
// state of its own in the thread; what has one (symbolize/pool, runtimes/sourceMaps) looks after its thread itself.

import { parentPort, type Worker } from 'node:worker_threads';
import { endThread, isLoaded, startThread } from './thread';
import { trimMemory } from './trim';

const IDLE_MS = 5_000;

/** What the thread sends back, with the request's own number. */
export type ThreadReply<Answer> = { sequence: number } & ({ ok: true; answer: Answer } | { ok: false; why: string });

export interface RequestThreadOptions {
  /** The script of the thread (workerFile()). */
  file: string;
  workerData?: unknown;
  heapMib: number;
  timeoutMs: number;
}

interface Pending<Request, Answer> {
  message: Request & { sequence: number };
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class RequestThread<Request extends object, Answer> {
  private worker: Worker | null = null;
  /** In the order in which they were asked; the thread works on the first. */
  private pending: Pending<Request, Answer>[] = [];
  private timer: NodeJS.Timeout | null = null;
  private sequence = 0;

  constructor(private readonly options: RequestThreadOptions) {}

  /** Rejects with a plain sentence. */
  request(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.pending.push({ message: { ...request, sequence: ++this.sequence }, resolve, reject });
      this.post(this.pending.length - 1);
    });
  }

  /** Whatever is asked for is rejected with `why`. */
  close(why: string): void {
    while (this.pending.length > 1) this.pending.pop()?.reject(new Error(why));
    this.drop(why);
  }

  /** Sends what is pending from that place on. */
  private post(first: number): void {
    if (first === 0) this.watch();
    this.worker ??= this.start();
    this.worker.ref();
    for (const { message } of this.pending.slice(first)) this.worker.postMessage(message);
  }

  private watch(): void {
    const { timeoutMs } = this.options;
    this.arm(timeoutMs, () => this.drop(`took longer than ${timeoutMs / 1000} s`));
  }

  private start(): Worker {
    const { file, workerData, heapMib } = this.options;
    const resourceLimits = { maxOldGenerationSizeMb: heapMib, maxYoungGenerationSizeMb: 16 };
    const worker = startThread<ThreadReply<Answer>>(file, { workerData, resourceLimits }, (reply) => {
      if (worker !== this.worker || this.pending[0]?.message.sequence !== reply.sequence) return;
      const pending = this.pending.shift()!;
      if (this.pending.length > 0) this.watch();
      else {
        worker.unref();
        this.arm(IDLE_MS, () => this.drop('idle'));
        this.timer?.unref();
      }
      if (reply.ok) pending.resolve(reply.answer);
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

/**
 * In the thread, once its rights are gone: answers what comes, one after another however many wait. What `answer` throws is
 * the reason that the request is rejected with.
 */
export function answerRequests<Request, Answer>(answer: (request: Request) => Answer | Promise<Answer>): void {
  const reply = async ({ sequence, ...request }: Request & { sequence: number }): Promise<ThreadReply<Answer>> => {
    try {
      return { sequence, ok: true, answer: await answer(request as Request) };
    } catch (error) {
      return { sequence, ok: false, why: error instanceof Error ? error.message : String(error) };
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  parentPort!.on('message', (message: Request & { sequence: number }) => {
    last = last.then(async () => parentPort!.postMessage(await reply(message)));
  });
  isLoaded();
}
