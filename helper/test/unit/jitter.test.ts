// Varied sampling periods: the mean rate stays, the periods differ.

import assert from 'node:assert/strict';
import { Jitter } from '../../src/bpf/jitter';

/** A repeatable Math.random (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('jitter', () => {
  for (const frequencyHz of [1, 7, 99, 999, 4999])
    for (const tickMs of [5, 40, 170, 250])
      it(`keeps ${frequencyHz} Hz when looked at every ${tickMs} ms or so`, () => {
        const random = seeded(frequencyHz * 1000 + tickMs);
        const jitter = new Jitter(frequencyHz, 0, random);
        const periods = new Set<number>([jitter.periodNs]);
        const meanNs = 1e9 / frequencyHz;
        const endNs = 3000 * Math.max(meanNs, 50e6);
        let [nowNs, startedNs, samples] = [0, 0, 0];
        while (nowNs < endNs) {
          nowNs += tickMs * 1e6 * (1 + random());
          if (!jitter.isDue(nowNs)) continue;
          // As the kernel does it: a whole period from the change on, what had begun is dropped.
          samples += Math.floor((nowNs - startedNs) / jitter.periodNs);
          startedNs = nowNs;
          const periodNs = jitter.next(nowNs);
          assert.ok(periodNs >= 0.74 * meanNs && periodNs <= 1.26 * meanNs, `${periodNs} ns at ${frequencyHz} Hz`);
          periods.add(Math.round(periodNs / meanNs / 0.01));
        }
        const ratio = samples / (startedNs / meanNs);
        assert.ok(Math.abs(ratio - 1) < 0.01, `${ratio} of the rate asked for`);
        assert.ok(periods.size >= 5, `periods in percent of the mean: ${[...periods]}`);
      });
});
