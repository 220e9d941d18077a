// Symbolization's worker threads: how they answer many questions, and what they leave behind when the work has come to a
// pause, and when they have ended.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { FileTask } from '../../src/symbolize/pool/messages';
import { WorkerPool } from '../../src/symbolize/pool/pool';
import type { WorkerLimits } from '../../src/symbolize/pool/slot';
import { nodesCode } from './mappedFile';

const MB = 1e6;
const NEVER_MS = 600_000;
/** Their names and places are what is given back. */
const ADDRESSES = 20_000;
/** Starts of a worker take 0.1 s each, and many times that on a loaded machine: then there are fewer. */
const ROUNDS = 60;
const ROUNDS_FEWEST = 12;
const ROUNDS_MOST_MS = 15_000;
/** Part of the golden ratio: however many rounds there are, their moments lie evenly. */
const MOMENT_STEP = 0.618;
/** A thread loads in some 50 ms. */
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
  const path = nodesCode();
  let fd = -1;

  /** Reads Node's own symbols, a large table, by a pool of one worker. */
  async function work(limits: Partial<WorkerLimits>): Promise<void> {
    pool = new WorkerPool(1, null, limits);
    const { size } = statSync(path);
    const file = { id: 1, fd, sizeBytes: size, path };
    const positions = Float64Array.from({ length: ADDRESSES }, (_, i) => Math.floor((size / ADDRESSES) * i));
    const none = { debug: [], rootPrefix: '', expectedBuildId: null };
    const { places } = await pool.request(1, { kind: 'symbolize', file, positions, ...none });
    assert.equal(places.length, positions.length);
  }

  beforeEach(() => {
    fd = openSync(path, 'r');
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

  /** Large enough for several parts. */
  function many(): FileTask {
    const { size } = statSync(path);
    const file = { id: 1, fd, sizeBytes: size, path };
    // In no order.
    const positions = Float64Array.from({ length: 1_500 }, (_, i) => Math.floor((size / 1_500) * ((i * 7) % 1_500)));
    return { kind: 'symbolize', file, positions, debug: [], rootPrefix: '', expectedBuildId: null };
  }

  it('answer many positions in parts, each once and for what was asked', async () => {
    const task = many();
    const own = new WorkerPool(1, null);
    pool = own;
    const names = new Map<number, string | null>();
    for (const { indexes, answer } of await own.requestPlaces(1, task)) {
      const { places } = await answer;
      assert.equal(places.length, indexes.length);
      indexes.forEach((index, i) => {
        assert.ok(!names.has(index), `${index} comes twice`);
        names.set(index, places[i][0].name);
      });
    }
    assert.equal(names.size, task.positions.length);
    assert.ok(new Set(names.values()).size > 100, 'there are hardly any names');
    for (let index = 0; index < names.size; index += 97) {
      const { places } = await own.request(1, { ...task, positions: task.positions.slice(index, index + 1) });
      assert.equal(names.get(index), places[0][0].name);
    }
  });

  it('do not go on with the parts of a file that is too much', async () => {
    pool = new WorkerPool(1, null);
    // No descriptor: nothing can be read.
    const broken = { ...many(), file: { ...many().file, fd: 1_000_000 } };
    await assert.rejects(pool.requestPlaces(1, broken), /EBADF/);
    const parts = await pool.requestPlaces(1, {
      kind: 'image',
      imageId: 5,
      bytes: Uint8Array.of(1),
      positions: many().positions,
    });
    const outcomes = await Promise.allSettled(parts.map(({ answer }) => answer));
    assert.equal(outcomes.length, 3);
    assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  });

  it('may be ended at any moment of their start', () => {
    const source = `
      const { WorkerPool } = require(${JSON.stringify(require.resolve('../../src/symbolize/pool/pool'))});
      (async () => {
        const isTime = () => performance.now() < ${ROUNDS_MOST_MS};
        for (let round = 0; round < ${ROUNDS} && (round < ${ROUNDS_FEWEST} || isTime()); round++) {
          const pool = new WorkerPool(1, null);
          pool.request(1, { kind: 'forget', ids: [] }).catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, ((round * ${MOMENT_STEP}) % 1) * ${LOADING_MS}));
          await pool.close();
        }
        console.log('alive');
      })();`;
    // A crash of native code would take this process down: it happens in another one.
    assert.equal(execFileSync(process.execPath, ['-e', source], { encoding: 'utf8' }), 'alive\n');
  });
});
