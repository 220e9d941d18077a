// Questions for the workers, gathered: all addresses of one file that are asked for while the file's last answer is on its way go
// in one request. Answers are kept by address, so each is asked for once.

import type { Frame } from '../runtimes/frame';
import { GATHER_MS, MAX_CACHED_ADDRESSES } from './limits';
import type { PendingStack } from './pendingStack';
import type { Place } from './place';
import type { PlacesTask } from './pool/messages';
import type { WorkerPool } from './pool/pool';
import type { Answer } from './pool/slot';

/** Something that has addresses: a file, an image, generated code as it is named now, the kernel. */
export interface Subject {
  readonly answers: Map<number, Frame[]>;
  /** Requests of one number go to one worker. */
  affinity: number;
  /** A request about it failed as a whole (not this file's format, too slow, too large): it is not tried again. */
  failed?: boolean;
  /** Makes the request for a batch. */
  task: (positions: Float64Array) => PlacesTask | Promise<PlacesTask>;
  /** `places` of the address, innermost first; empty where the worker had no answer. */
  frames: (address: number, places: Place[]) => Frame[];
  /** The subject gave no or incomplete answers. */
  problem: (why: string) => void;
}

interface Waiting {
  subject: Subject;
  /** Who asked, by address. */
  questions: Map<number, { stack: PendingStack; index: number }[]>;
  sending: boolean;
}

export class Batches {
  private readonly waiting = new Map<Map<number, Frame[]>, Waiting>();
  /** How many answers each map holds, least recently extended first. */
  private readonly held = new Map<Map<number, Frame[]>, number>();
  private cached = 0;

  constructor(private readonly pool: WorkerPool) {}

  /** Puts the frames at `index` of `stack` once a worker has found them. */
  ask(subject: Subject, address: number, stack: PendingStack, index: number): void {
    stack.expect();
    let waiting = this.waiting.get(subject.answers);
    if (!waiting) {
      waiting = { subject, questions: new Map(), sending: false };
      this.waiting.set(subject.answers, waiting);
    }
    const asked = waiting.questions.get(address);
    if (asked) asked.push({ stack, index });
    else waiting.questions.set(address, [{ stack, index }]);
    if (waiting.sending) return;
    waiting.sending = true;
    const first = waiting;
    // Not at once: the rest of the stack, and of the ring's drain, asks first. Once a file has answered, its further
    // addresses come in a trickle, and each message wakes two threads: those are gathered for longer.
    if (subject.answers.size === 0) setImmediate(() => void this.send(first));
    else setTimeout(() => void this.send(first), GATHER_MS);
  }

  /** Is a question about the subject with this number still open? */
  isAwaited(affinity: number): boolean {
    for (const { subject } of this.waiting.values()) if (subject.affinity === affinity) return true;
    return false;
  }

  private async send(waiting: Waiting): Promise<void> {
    const { subject } = waiting;
    while (waiting.questions.size > 0) {
      const questions = [...waiting.questions];
      waiting.questions = new Map();
      const parts = await this.request(
        subject,
        Float64Array.from(questions, ([address]) => address),
      );
      await Promise.all(
        parts.map(async ({ indexes, answer }) => {
          const places = await this.placesIn(subject, answer);
          indexes.forEach((index, i) => {
            const [address, asked] = questions[index];
            const frames = subject.frames(address, places[i] ?? []);
            subject.answers.set(address, frames);
            for (const { stack, index } of asked) stack.fulfil(index, frames);
          });
        }),
      );
      this.account(subject.answers);
    }
    waiting.sending = false;
    this.waiting.delete(subject.answers);
  }

  private async request(
    subject: Subject,
    positions: Float64Array,
  ): Promise<{ indexes: Uint32Array; answer: Promise<Answer> | null }[]> {
    try {
      if (!subject.failed) return await this.pool.requestPlaces(subject.affinity, await subject.task(positions));
    } catch (error) {
      this.fail(subject, error);
    }
    return [{ indexes: Uint32Array.from(positions.keys()), answer: null }];
  }

  private async placesIn(subject: Subject, request: Promise<Answer> | null): Promise<Place[][]> {
    try {
      const answer = await request;
      for (const problem of answer?.problems ?? []) subject.problem(problem);
      return answer?.places ?? [];
    } catch (error) {
      this.fail(subject, error);
      return [];
    }
  }

  private fail(subject: Subject, error: unknown): void {
    if (!subject.failed) subject.problem(error instanceof Error ? error.message : String(error));
    subject.failed = true;
  }

  private account(answers: Map<number, Frame[]>): void {
    this.cached += answers.size - (this.held.get(answers) ?? 0);
    this.held.delete(answers);
    this.held.set(answers, answers.size);
    for (const [old, count] of this.held) {
      if (this.cached <= MAX_CACHED_ADDRESSES || (old === answers && this.held.size > 1)) return;
      old.clear();
      this.held.delete(old);
      this.cached -= count;
    }
  }
}
