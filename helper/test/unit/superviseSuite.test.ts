// What ends a suite's leftovers: processes that a crashed, a hung or a careless suite leaves behind.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const SUPERVISOR = 'helper/test/tools/superviseSuite.mjs';

/** Running; a zombie has ended. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

/** Runs `script` under the supervisor until its first line; it prints the pid of a process that it left, in a session of its own. */
async function supervised(script: string): Promise<{ left: number; end(): void; ended: Promise<unknown> }> {
  const child = spawn(process.execPath, [SUPERVISOR, 'sh', '-c', `setsid sleep 600 & echo $!; ${script}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const left = await new Promise<number>((resolve) =>
    child.stdout.once('data', (text) => resolve(Number.parseInt(text, 10))),
  );
  child.stdout.resume();
  return { left, ended, end: () => child.stdin.end() };
}

describe('the supervisor of a suite', function () {
  this.timeout(60_000);

  for (const [how, script, status] of [
    ['ends in peace', 'exit 3', 3],
    ['crashes', 'kill -SEGV $$', 'SIGSEGV'],
  ] as const)
    it(`ends what a suite left that ${how}, and says how the suite ended`, async () => {
      const { left, ended } = await supervised(script);
      assert.ok(left > 1);
      assert.equal(await ended, status);
      assert.equal(runs(left), false);
    });

  it('ends a suite that hangs, with all that it started, once nobody waits for it', async () => {
    const { left, ended, end } = await supervised('sleep 600');
    assert.equal(runs(left), true);
    end();
    assert.equal(await ended, 'SIGKILL');
    assert.equal(runs(left), false);
  });
});
