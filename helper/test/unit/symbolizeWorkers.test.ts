// What symbolization's worker threads leave behind when the work has come to a pause, and when they have ended.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type WorkerLimits, WorkerPool } from '../../src/symbolize/pool/pool';

const MB = 1e6;
const NEVER_MS = 600_000;
/** A thread loads in some 50 ms. */
const ROUNDS = 60;
const LOADING_MS = 90;
/** Far less than what a worker gives back (some 30 MB here), far more than what this process does meanwhile. */
const FELT_BYTES = 8 * MB;

const threads = () => readdirSync('/proc/self/task').length;
const rssBytes = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) * 1024;

async function until(condition: () => boolean): Promise<boolean> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await delay(20)) if (condition()) return true;
  return false;
}

describe("symbolization's workers", function () {
  this.timeout(40_000);
  let pool: WorkerPool | null = null;
  let fd = -1;

  /** Reads Node's own symbols, a large table, by a pool of one worker. */
  async function work(limits: Partial<WorkerLimits>): Promise<void> {
    pool = new WorkerPool(1, null, limits);
    const { size } = statSync(process.execPath);
    const file = { id: 1, fd, sizeBytes: size, path: process.execPath };
    const offsets = Float64Array.from({ length: 1_000 }, (_, i) => Math.floor((size / 1_000) * i));
    const none = { debug: [], rootPrefix: '', expectedBuildId: null };
    const { places } = await pool.request(1, { kind: 'symbolize', file, offsets, ...none });
    assert.equal(places.length, offsets.length);
  }

  beforeEach(() => {
    fd = openSync(process.execPath, 'r');
  });

  afterEach(async () => {
    await pool?.close();
    pool = null;
    closeSync(fd);
  });

  it('give memory back when there is no work, and go on afterwards', async () => {
    await work({ restMs: 200, idleMs: NEVER_MS });
    const [withWorker, atWork] = [threads(), rssBytes()];
    assert.ok(await until(() => rssBytes() < atWork - FELT_BYTES), `${atWork} at work, ${rssBytes()} after it`);
    assert.equal(threads(), withWorker);
    assert.equal((await pool?.request(1, { kind: 'forget', ids: [1] }))?.ok, true);
  });

  it('end when there is none for long, and leave no memory', async () => {
    await work({ restMs: 50, idleMs: 200 });
    const [withWorker, atWork] = [threads(), rssBytes()];
    assert.ok(await until(() => threads() < withWorker), 'the thread is still there');
    assert.ok(await until(() => rssBytes() < atWork - FELT_BYTES), `${atWork} at work, ${rssBytes()} after it`);
    assert.equal((await pool?.request(1, { kind: 'forget', ids: [1] }))?.ok, true);
  });

  it('may be ended at any moment of their start', () => {
    const source = `
      const { WorkerPool } = require(${JSON.stringify(require.resolve('../../src/symbolize/pool/pool'))});
      (async () => {
        for (let round = 0; round < ${ROUNDS}; round++) {
          const pool = new WorkerPool(1, null);
          pool.request(1, { kind: 'forget', ids: [] }).catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, (round / ${ROUNDS}) * ${LOADING_MS}));
          await pool.close();
        }
        console.log('alive');
      })();`;
    // A crash of native code would take this process down: it happens in another one.
    assert.equal(execFileSync(process.execPath, ['-e', source], { encoding: 'utf8' }), 'alive\n');
  });
});
