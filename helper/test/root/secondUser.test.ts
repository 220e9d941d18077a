// A second local user who would like to be in the way: nobody's recordings can be held up by others.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { type LockedTarget, lockName, lockTarget } from '../../src/process/recordingLock';
import type { TracerError } from '../../src/protocol';
import { peerCredentials } from '../../src/rpc/peerCredentials';
import { STRANGER } from './helperProcess';
import { PUBLIC_NODE } from './publicCopy';

const locked = (pid: number, startTicks: number): LockedTarget => ({ pid, startTicks, tracer: 'cpu' });

describe('a second local user', function () {
  this.timeout(60_000);
  const children: ChildProcess[] = [];
  before(function () {
    if (process.getuid!() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  it('cannot make a process look as if it were being recorded already', async () => {
    const names = [0, 1, 2].map((number) => lockName(0, locked(4242, 7), number));
    const hold = `const held = ${JSON.stringify(names)}; let n = 0;
      for (const path of held) require('net').createServer().listen({ path }, () => ++n === held.length && console.log('held'));`;
    const squatter = spawn(PUBLIC_NODE, ['-e', hold], {
      uid: STRANGER,
      gid: STRANGER,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(squatter);
    await new Promise((resolve) => squatter.stdout!.once('data', resolve));
    const peerUid = (socket: Parameters<typeof peerCredentials>[0]) => peerCredentials(socket).uid;
    const lock = await lockTarget(0, locked(4242, 7), peerUid);
    // What is held by the caller still is.
    await assert.rejects(lockTarget(0, locked(4242, 7), peerUid), (error: TracerError) => error.report.code === 'BUSY');
    lock.release();
    const probe = connect({ path: names[0] });
    await new Promise((resolve) => probe.once('connect', resolve));
    assert.equal(peerUid(probe), STRANGER);
    probe.destroy();
  });
});
