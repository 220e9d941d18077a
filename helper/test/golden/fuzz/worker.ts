// The thread in which ../fuzz.test.ts fuzzes: apart, so that a parser that does not come back can be ended and named. Which
// input is in hand stands in shared memory. Answers null where the target cannot be made on this machine.

import { parentPort, workerData } from 'node:worker_threads';
import { type FuzzLimits, fuzz } from '../../tools/mutate';
import { fuzzTargets } from './targets';

export interface FuzzOrder {
  name: string;
  seed: number;
  count: number;
  limits: FuzzLimits;
  current: Int32Array;
}

const { name, seed, count, limits, current } = workerData as FuzzOrder;
void fuzzTargets()
  .then((targets) => {
    const target = targets.find((candidate) => candidate.name === name);
    return target && fuzz(target, seed, 0, count, limits, (number) => Atomics.store(current, 0, number));
  })
  .then((result) => parentPort!.postMessage(result ?? null));
