// Threads that parse are never ended while they load native code: that would end the process.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { endThread, startThread, threadsLoaded } from '../../src/workers/thread';

const LOAD_MS = 400;

describe('threads that parse', () => {
  const folder = mkdtempSync(join(tmpdir(), 'threads-'));
  const file = join(folder, 'slow.js');
  writeFileSync(
    file,
    `const { parentPort } = require('node:worker_threads');
     setTimeout(() => { parentPort.postMessage('loaded'); parentPort.on('message', () => {}); }, ${LOAD_MS});`,
  );
  after(() => rmSync(folder, { recursive: true }));

  /** A thread, and whether it has said that it has loaded. */
  function slowThread(): { worker: Worker; hasLoaded: () => boolean } {
    let loaded = false;
    const worker = startThread<never>(file, {}, () => {});
    worker.on('message', () => {
      loaded = true;
    });
    return { worker, hasLoaded: () => loaded };
  }

  it('are ended once they have loaded, however short the patience', async () => {
    const { worker, hasLoaded } = slowThread();
    await endThread(worker, 1);
    assert.equal(hasLoaded(), false, 'the caller waited for it');
    await once(worker, 'exit');
    assert.equal(hasLoaded(), true, 'it was ended while it loaded');
  });

  it('are waited for before the process exits', async () => {
    const { worker, hasLoaded } = slowThread();
    await threadsLoaded();
    assert.equal(hasLoaded(), true);
    await endThread(worker);
    assert.equal(worker.threadId, -1);
  });
});
