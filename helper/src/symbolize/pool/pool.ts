// The worker threads. All about one file goes to one of them, so that it can keep what it parsed. (A second worker for thousands of
// addresses of one file was tried: it opens the file and warms up for itself, so that a quarter more of processor time and 40 MB
// gained 8 % of the time.)

import {
  ARRAY_BUDGET_BYTES,
  MAX_BATCH_ADDRESSES,
  REQUEST_TIMEOUT_MS,
  WORKER_IDLE_MS,
  WORKER_REST_MS,
  WORKER_YOUNG_HEAP_MIB,
} from '../limits';
import type { PlacesTask, Task } from './messages';
import { type Answer, Slot, type WorkerLimits } from './slot';

const LIMITS: WorkerLimits = {
  requestMs: REQUEST_TIMEOUT_MS,
  restMs: WORKER_REST_MS,
  idleMs: WORKER_IDLE_MS,
  youngHeapMib: WORKER_YOUNG_HEAP_MIB,
};
/** Parts of a job that a worker has before it at once: it goes on while the main thread is busy with an answer. */
const PARTS_AHEAD = 2;

export interface PartOfPlaces {
  /** Of the positions that were asked for, in the order of the answer's places. */
  indexes: Uint32Array;
  answer: Promise<Answer>;
}

export class WorkerPool {
  private readonly slots: Slot[];

  /** `limits`: only where they differ from a recording's. */
  constructor(count: number, cacheDir: string | null, limits: Partial<WorkerLimits> = {}) {
    const workers = Math.max(1, count);
    const settings = { cacheDir, arrayBudgetBytes: ARRAY_BUDGET_BYTES / workers };
    this.slots = Array.from({ length: workers }, () => new Slot(settings, { ...LIMITS, ...limits }));
  }

  /**
   * Requests with the same `affinity` go to the same worker, in order, so that it can keep what it parsed.
   * Rejects with a plain sentence when the file is bad, takes too long or too much memory.
   */
  request(affinity: number, task: Task): Promise<Answer> {
    return this.slots[affinity % this.slots.length].add(task);
  }

  /**
   * The same for any number of positions, in parts: so that the time limit means something, and what is found can be used
   * while the rest is looked for. Of a file they come in the order of its units. A part that fails fails those behind it.
   */
  async requestPlaces(affinity: number, task: PlacesTask): Promise<PartOfPlaces[]> {
    const { positions } = task;
    const isLarge = positions.length > MAX_BATCH_ADDRESSES && 'file' in task;
    const asked = isLarge ? await this.request(affinity, { kind: 'order', of: task }) : null;
    const order = asked?.order ?? Uint32Array.from(positions.keys());
    const parts: PartOfPlaces[] = [];
    for (let first = 0; first < order.length; first += MAX_BATCH_ADDRESSES) {
      const indexes = order.subarray(first, first + MAX_BATCH_ADDRESSES);
      const ask = () => this.request(affinity, { ...task, positions: Float64Array.from(indexes, (i) => positions[i]) });
      const before = parts.at(-PARTS_AHEAD);
      parts.push({ indexes, answer: before ? before.answer.then(ask) : ask() });
    }
    return parts;
  }

  /** Tells workers that run to forget files; resolves when none reads them any more. */
  async forget(ids: number[]): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.running && slot.add({ kind: 'forget', ids })));
  }

  async close(): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.end('symbolization was ended')));
  }
}
