// Every parser of other people's bytes takes any bytes: damaged variants of what compilers wrote (../tools/mutate.ts), with no
// crash, no error that is not meant for it, no input that takes a second or much memory (ArrayBuffers included). Some
// thousand inputs by default, MATRIX=1 takes a million over all targets; FUZZ_SEED=N takes other ones.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FuzzLimits, FuzzResult } from '../tools/mutate';
import { fuzzTargets } from './fuzz/targets';
import type { FuzzOrder } from './fuzz/worker';

const MiB = 1024 * 1024;
const LIMITS: FuzzLimits = { inputMs: 1_000, memoryBytes: 128 * MiB };
const SEED = Number(process.env.FUZZ_SEED ?? 1);
/** By target: inputs in `make test`, and with MATRIX=1. */
const COUNTS: Record<string, [number, number]> = {
  '.eh_frame': [6_000, 600_000],
  'unwind tables of programs': [1_500, 400_000],
  'expressions of unwind information': [5_000, 200_000],
  'symbols of programs': [1_000, 200_000],
  'debug information': [200, 100_000],
  'compressed sections': [100, 40_000],
  '.gnu_debugdata': [100, 20_000],
  'split units': [100, 20_000],
  'packages of split units': [100, 20_000],
  'supplementary files': [100, 20_000],
  'perf maps': [1_000, 100_000],
  kallsyms: [1_000, 100_000],
  "Go's tables": [100, 50_000],
};
/** An input that takes longer than this never ends, whoever else has the CPU. */
const HANGS_MS = 30_000;
const POLL_MS = 500;

async function fuzzInWorker(name: string, count: number): Promise<FuzzResult> {
  const current = new Int32Array(new SharedArrayBuffer(4));
  const workerData: FuzzOrder = { name, seed: SEED, count, limits: LIMITS, current };
  const worker = new Worker(join(__dirname, 'fuzz/worker.js'), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  let watch: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      let last = -1;
      let sinceMs = performance.now();
      watch = setInterval(() => {
        const now = Atomics.load(current, 0);
        if (now !== last) sinceMs = performance.now();
        last = now;
        if (performance.now() - sinceMs > HANGS_MS) reject(new Error(`${name}, seed ${SEED}, input ${now} hangs`));
      }, POLL_MS);
      const at = () => `${name}, seed ${SEED}, input ${Atomics.load(current, 0)}`;
      worker.on('message', resolve);
      worker.on('error', (error) => reject(new Error(`${at()}: ${error.message}`)));
      worker.on('exit', (code) => reject(new Error(`${at()}: the worker ended with ${code}`)));
    });
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

describe('parsers of damaged bytes', function () {
  this.timeout(process.env.MATRIX ? 60 * 60_000 : 120_000);
  for (const { name } of fuzzTargets())
    it(name, async () => {
      const [few, many] = COUNTS[name];
      const found = await fuzzInWorker(name, process.env.MATRIX ? many : few);
      assert.deepEqual(found.failures, []);
      assert.equal(found.inputs, process.env.MATRIX ? many : few);
      if (process.env.MATRIX)
        console.log(
          `      ${found.inputs} inputs, ${found.refused} refused, slowest ${found.slowestMs.toFixed(0)} ms, most ${Math.ceil(found.mostBytes / MiB)} MiB`,
        );
    });
});
