// Starts and ends the threads that parse: a thread is not told to end while it still loads. Koffi, which it loads first to give up
// its capabilities, takes the whole process down when it fails in a thread that may run no more JavaScript (napi_throw). The
// threads themselves say isLoaded().

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, Worker, type WorkerOptions } from 'node:worker_threads';

const LOADED = 'loaded';
/** Loading takes some 50 ms, seconds on a busy machine; nobody waits longer for a thread that waits for a disk. */
const LOAD_WAIT_MS = 5_000;

/** A thread ends within milliseconds. */
const END_WAIT_MS = 2_000;

const alive = new Set<Worker>();
/** Until it has loaded, or is gone. */
const loading = new Map<Worker, Promise<unknown>>();

/** In the thread, once all native code is there and its rights are gone. */
export function isLoaded(): void {
  parentPort!.postMessage(LOADED);
}

/** The script of a thread: its bundle beside the caller's, or in the tests' tree the file beside the caller's folder. */
export function workerFile(folder: string, bundle: string, source = 'worker.js'): string {
  const bundled = join(folder, bundle);
  return existsSync(bundled) ? bundled : join(folder, source);
}

/** `onReply`: of every message but the first. */
export function startThread<Reply>(file: string, options: WorkerOptions, onReply: (reply: Reply) => void): Worker {
  const worker = new Worker(file, { execArgv: [], ...options });
  alive.add(worker);
  worker.once('exit', () => alive.delete(worker));
  const loaded = new Promise((resolve) => {
    worker.once('exit', resolve);
    worker.on('message', (message: Reply | typeof LOADED) => {
      if (message === LOADED) resolve(null);
      else onReply(message);
    });
  });
  loading.set(
    worker,
    loaded.then(() => loading.delete(worker)),
  );
  return worker;
}

/**
 * Ends the thread as soon as it has loaded, and keeps the process until then. Resolves when it is gone; after `waitMs` without
 * it, for nobody's work should hang on that.
 */
export async function endThread(worker: Worker, waitMs = LOAD_WAIT_MS): Promise<void> {
  const ended = Promise.resolve(loading.get(worker)).then(() => {
    worker.unref();
    return worker.terminate();
  });
  await within(ended, waitMs);
}

/** Before process.exit(), which ends threads wherever they are. */
export async function threadsLoaded(): Promise<void> {
  await within(Promise.all(loading.values()), LOAD_WAIT_MS);
}

/**
 * Ends all threads, as process.exit() would. False where one does not end: it waits for a file system that does not answer, and
 * process.exit() would wait for it.
 */
export async function endThreads(waitMs = END_WAIT_MS): Promise<boolean> {
  await threadsLoaded();
  const ended = Promise.all([...alive].map((worker) => worker.terminate())).then(() => true);
  return Promise.race([ended, delay(waitMs, false)]);
}

async function within(promise: Promise<unknown>, waitMs: number): Promise<void> {
  await Promise.race([promise, delay(waitMs, undefined, { ref: false })]);
}
