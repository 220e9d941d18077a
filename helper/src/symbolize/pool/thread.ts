// Starts and ends the threads that parse: a thread is not told to end while it still loads. Koffi, which it loads first to give
// up its capabilities, takes the whole process down when it fails in a thread that may run no more JavaScript (napi_throw).
// Called by pool.ts and unwind/loadCompiler.ts; the threads themselves say isLoaded().

import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, Worker, type WorkerOptions } from 'node:worker_threads';

const LOADED = 'loaded';
/** Loading takes some 50 ms; a thread that waits for a disk that does not answer cannot be ended in any case. */
const LOAD_WAIT_MS = 5_000;

const loading = new WeakMap<Worker, Promise<unknown>>();

/** In the thread, once all native code is there and its rights are gone. */
export function isLoaded(): void {
  parentPort!.postMessage(LOADED);
}

/** `onReply`: of every message but the first. */
export function startThread<Reply>(file: string, options: WorkerOptions, onReply: (reply: Reply) => void): Worker {
  const worker = new Worker(file, { execArgv: [], ...options });
  loading.set(
    worker,
    new Promise((resolve) => {
      worker.once('exit', resolve);
      worker.on('message', (message: Reply | typeof LOADED) => {
        if (message === LOADED) resolve(null);
        else onReply(message);
      });
    }),
  );
  return worker;
}

/** Resolves when the thread is gone. Keeps the process until the thread has loaded, not longer. */
export async function endThread(worker: Worker): Promise<void> {
  await Promise.race([loading.get(worker), delay(LOAD_WAIT_MS, undefined, { ref: false })]);
  worker.unref();
  await worker.terminate();
}
