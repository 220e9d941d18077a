// Every parser of other people's bytes takes any bytes: damaged variants of what compilers wrote (../tools/mutate.ts), with no
// crash, no error that is not meant for it, no input that takes a second or much memory (ArrayBuffers included). Some
// thousand inputs by default, MATRIX=1 takes a million over all targets; FUZZ_SEED=N takes other ones.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FuzzLimits, FuzzResult } from '../tools/mutate';
import type { FuzzOrder } from './fuzz/worker';

const MiB = 1024 * 1024;
const LIMITS: FuzzLimits = { inputMs: 1_000, memoryBytes: 128 * MiB };
const SEED = Number(process.env.FUZZ_SEED ?? 1);
/**
 * By target: inputs in `make test`, with MATRIX=1, and the largest share of them in which nothing may be found, refused or not:
 * a parser that refuses everything, or gives nothing at the first doubt, is no parser. Some tenths above what was seen.
 */
const COUNTS: Record<string, [number, number, number]> = {
  '.eh_frame': [6_000, 600_000, 0.2],
  'unwind tables of programs': [1_500, 400_000, 0.15],
  'expressions of unwind information': [5_000, 200_000, 0.85],
  'symbols of programs': [1_000, 200_000, 0.75],
  'debug information': [200, 100_000, 0.75],
  'compressed sections': [100, 40_000, 0.75],
  // Coded and checksummed: hardly any damage leaves something that can be unpacked. Undamaged it must give names.
  '.gnu_debugdata': [100, 20_000, 1],
  'split units': [100, 20_000, 0.9],
  'packages of split units': [100, 20_000, 0.9],
  'supplementary files': [100, 20_000, 0.85],
  'perf maps': [1_000, 100_000, 0.1],
  jitdumps: [1_000, 100_000, 0.75],
  kallsyms: [1_000, 100_000, 0.1],
  "Go's tables": [100, 50_000, 0.6],
};
/** An input that takes longer than this never ends, whoever else has the CPU. */
const HANGS_MS = 30_000;
const POLL_MS = 500;

/** Null where what is damaged cannot be built here. */
async function fuzzInWorker(name: string, count: number): Promise<FuzzResult | null> {
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
  for (const [name, [few, many, mostBarren]] of Object.entries(COUNTS))
    it(name, async function () {
      const found = await fuzzInWorker(name, process.env.MATRIX ? many : few);
      if (found === null) {
        console.log('      skipped: a compiler or a tool that builds what is damaged is not installed');
        return this.skip();
      }
      const { inputs, refused, empty, slowestMs, mostBytes, failures } = found;
      const figures = `${inputs} inputs, ${refused} refused, ${empty} without anything found`;
      assert.deepEqual(failures, []);
      assert.equal(inputs, process.env.MATRIX ? many : few);
      assert.ok((refused + empty) / inputs <= mostBarren, figures);
      if (process.env.MATRIX)
        console.log(`      ${figures}, slowest ${slowestMs.toFixed(0)} ms, most ${Math.ceil(mostBytes / MiB)} MiB`);
    });
});
