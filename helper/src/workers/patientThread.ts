// Work that may never come back, done in a thread while the caller waits only so long: system calls on file systems whose server
// does not answer cannot be interrupted, only left alone. A thread that hangs is abandoned; how many of them there may be is
// bounded, for each holds memory.

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker, workerData } from 'node:worker_threads';

const WAITING = 0;
const DONE = 1;
const ABANDONED = 2;
/** A thread starts within some 60 ms, on a busy machine within seconds; it touches nothing of anybody's until then. */
const START_LIMIT_MS = 5_000;
const IDLE_MS = 10_000;

export const STALLED = Symbol('stalled');

interface Request {
  name: string;
  args: unknown[];
  unanswered?: boolean;
}
type Answer = { value: unknown } | { error: string };
interface Settings {
  port: MessagePort;
  /** [0]: what becomes of the request in hand; [1]: the thread has started. */
  state: Int32Array;
  own: unknown;
}

interface Running {
  worker: Worker;
  port: MessagePort;
  state: Int32Array;
}

export class PatientThread {
  private running: Running | null = null;
  private abandoned = 0;
  private idle: NodeJS.Timeout | null = null;

  /** `file` calls serveRequests(). */
  constructor(
    private readonly file: string,
    private readonly limitMs: number,
    private readonly maxAbandoned: number,
    /** For the thread, as its `workerData.own`. */
    private readonly own: unknown,
  ) {}

  /** Does a thread hang, also in what nobody waits for? `name`: work that takes no time. */
  isHanging(name: string, args: unknown[]): boolean {
    if (this.running) this.call(name, args, () => {});
    return this.abandoned > 0;
  }

  /**
   * Blocks until it is done, for `limitMs` at the most; STALLED then, and at once where too many threads hang. Throws an Error with
   * the message of what the work throws. `onReturn` is called should it come back later.
   */
  call<Result>(name: string, args: unknown[], onReturn: () => void): Result | typeof STALLED {
    if (this.abandoned >= this.maxAbandoned) return STALLED;
    this.endWhenIdle();
    this.running ??= this.start();
    const { port, state } = this.running;
    Atomics.store(state, 0, WAITING);
    port.postMessage({ name, args } satisfies Request);
    Atomics.wait(state, 1, 0, START_LIMIT_MS);
    Atomics.wait(state, 0, WAITING, this.limitMs);
    if (Atomics.compareExchange(state, 0, WAITING, ABANDONED) === WAITING) {
      this.abandon(this.running, onReturn);
      return STALLED;
    }
    const answer = receiveMessageOnPort(port)?.message as Answer | undefined;
    if (!answer || 'error' in answer) throw new Error(answer?.error ?? 'no answer');
    return answer.value as Result;
  }

  /** Nobody waits for it. */
  send(name: string, args: unknown[]): void {
    if (this.abandoned >= this.maxAbandoned) return;
    this.running ??= this.start();
    this.running.port.postMessage({ name, args, unanswered: true } satisfies Request);
  }

  /** A thread costs some 7 MB, and mostly there is nothing to do. */
  private endWhenIdle(): void {
    if (this.idle) clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      void this.running?.worker.terminate();
      this.running = null;
    }, IDLE_MS);
    this.idle.unref();
  }

  private start(): Running {
    const { port1: port, port2 } = new MessageChannel();
    const state = new Int32Array(new SharedArrayBuffer(8));
    const settings: Settings = { port: port2, state, own: this.own };
    const worker = new Worker(this.file, { execArgv: [], workerData: settings, transferList: [port2] });
    worker.unref();
    worker.once('error', () => {
      if (this.running?.worker === worker) this.running = null;
    });
    port.unref();
    return { worker, port, state };
  }

  private abandon({ worker, port }: Running, onReturn: () => void): void {
    this.running = null;
    this.abandoned++;
    worker.once('exit', () => {
      this.abandoned--;
      onReturn();
    });
    // It comes back: then it closes what it opened, and ends.
    port.once('message', () => void worker.terminate());
    port.unref();
    worker.unref();
  }
}

/** In the thread. `undo`: of a result that nobody waits for any more. */
export function serveRequests(
  work: Record<string, (...args: never[]) => unknown>,
  undo: (name: string, value: unknown) => void,
): void {
  const { port, state } = workerData as Settings;
  port.on('message', ({ name, args, unanswered }: Request) => {
    let answer: Answer;
    try {
      answer = { value: work[name](...(args as never[])) };
    } catch (error) {
      answer = { error: error instanceof Error ? error.message : String(error) };
    }
    if (unanswered) return;
    // The answer first: who is woken up takes it without waiting.
    port.postMessage(answer);
    if (Atomics.compareExchange(state, 0, WAITING, DONE) === ABANDONED && 'value' in answer) undo(name, answer.value);
    Atomics.notify(state, 0);
  });
  Atomics.store(state, 1, 1);
  Atomics.notify(state, 1);
}
