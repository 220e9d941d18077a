// The first samples of a recording, and programs that are gone before their tables are made: their stacks are kept, and whole.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { descendants } from '../../src/engine/descendants';
import { capture, eventually } from './captureHarness';
import { missingForEbpf } from './helperProcess';
import { SLOWNESS } from './slowness';
import {
  buildUnwindTarget,
  gdbStacks,
  type Running,
  removeWorkFolder,
  startProgram,
  wholeShare,
  workFolder,
} from './unwindHarness';

const WHOLE_LEAST = 0.995;
const MANY = 400;

/** Works for so many milliseconds of CPU time, in functions without frame pointers and in the C library's. */
const SHORT = `
#include <stdlib.h>
#include <time.h>
static volatile unsigned long sum;
static int __attribute__((noinline)) compare(const void *a, const void *b) {
  for (int i = 0; i < 500; i++) sum += i;
  return *(const int *)a - *(const int *)b;
}
int main(int count, char **arguments) {
  clock_t end = clock() + atol(arguments[1]) * (CLOCKS_PER_SEC / 1000);
  while (clock() < end) {
    int numbers[64];
    for (int i = 0; i < 64; i++) numbers[i] = i * 7919 % 64;
    qsort(numbers, 64, sizeof *numbers, compare);
  }
}
`;

function buildShort(): string {
  const program = join(workFolder(), 'short');
  writeFileSync(`${program}.c`, SHORT);
  execFileSync('cc', ['-O2', '-fomit-frame-pointer', '-o', program, `${program}.c`]);
  return program;
}

describe('samples before tables', function () {
  this.timeout(120_000 * SLOWNESS);
  let target: Running | null = null;

  before(function () {
    const missing = missingForEbpf();
    if (!missing) return;
    console.log(`      skipped: ${missing}`);
    this.skip();
  });
  afterEach(async () => {
    await target?.end();
    target = null;
  });
  after(removeWorkFolder);

  it('are whole from the first one on, and as gdb has them', async () => {
    target = await startProgram([buildUnwindTarget('target'), 'realigned']);
    const stacks = gdbStacks(target.pid);
    const { running, got } = await capture(target.pid);
    await eventually(() => got.samples.length >= MANY, `${MANY} samples arrive`);
    await running.stop();
    const { share, others } = wholeShare({ samples: got.samples, got, running });
    assert.ok(share >= WHOLE_LEAST, others);
    // In time before BPF walked any.
    const first = got.samples.reduce((a, b) => (a.timeNs < b.timeNs ? a : b));
    assert.ok(first.stackId >= 1n << 64n, 'the first one was walked later');
    for (const sample of got.samples) {
      const expected = stacks.get(sample.tid);
      if (expected) assert.deepEqual(got.stackOf(sample).user.slice(1), expected);
    }
    assert.equal(running.counters().waiting, 0);
  });

  it('are whole in programs that live 150 ms, each with its own names', async () => {
    const short = buildShort();
    const rounds = 8;
    const script = `echo ready; read line; i=0; while [ $i -lt ${rounds} ]; do ${short} 150; i=$((i+1)); done; echo done; read line`;
    target = await startProgram(['sh', '-c', script]);
    const { running, got } = await capture(target.pid);
    const ended = new Promise<void>((resolve) => target!.child.stdout!.once('data', () => resolve()));
    target.child.stdin!.write('x\n');
    await ended;
    await running.stop();
    const { share, others } = wholeShare({ samples: got.samples, got, running });
    assert.ok(share >= WHOLE_LEAST, `${others} of ${got.samples.length}`);
    // The shell's own process is no round.
    const ofRounds = got.samples.filter(({ pid }) => pid !== target!.pid);
    assert.ok(new Set(ofRounds.map(({ pid }) => pid)).size >= rounds / 2, 'samples of most rounds');
    assert.ok(ofRounds.length >= (rounds * 100) / SLOWNESS, `${ofRounds.length} samples`);
    assert.equal(got.orphans, 0);
    assert.equal(descendants(target.pid).length, 0);
  });

  it('are walked after the end of a program that was gone before', async () => {
    target = await startProgram(['sh', '-c', `echo ready; read line; exec ${buildShort()} 30`]);
    const { running, got } = await capture(target.pid, { startAtExec: true });
    target.child.stdin!.write('x\n');
    await eventually(() => got.processes.some(({ kind, pid }) => kind === 'exit' && pid === target!.pid), 'it exits');
    await running.stop();
    const { share, others } = wholeShare({ samples: got.samples, got, running });
    assert.ok(got.samples.length >= 10 / SLOWNESS, `${got.samples.length} samples`);
    assert.ok(share >= WHOLE_LEAST, others);
  });

  it('are whole where the walk in BPF is loaded late', async () => {
    target = await startProgram([buildUnwindTarget('target'), 'recurse']);
    const { running, got } = await capture(target.pid, { without: ['sample_native'] });
    await eventually(() => got.samples.length >= MANY, `${MANY} samples arrive`);
    await running.stop();
    const { share, others } = wholeShare({ samples: got.samples, got, running });
    assert.ok(share >= WHOLE_LEAST, others);
    assert.ok(
      got.samples.some(({ stackId }) => stackId >= 1n << 64n) && got.samples.some(({ stackId }) => stackId < 1n << 64n),
    );
  });

  it('say that their tables were not ready where they cannot be kept', async () => {
    target = await startProgram([buildUnwindTarget('target'), 'recurse']);
    const { running, got } = await capture(target.pid, { without: ['ringbuf'] });
    await eventually(() => got.samples.length >= MANY, `${MANY} samples arrive`);
    await running.stop();
    const step = running.attach.find(({ what }) => what === 'stacks before tables')!;
    assert.equal(step.refused[0]?.why, 'needs the BPF ring buffer');
    const reasons = new Set(got.samples.map((sample) => got.stackOf(sample).truncated));
    assert.ok(reasons.has(null), 'later ones are whole');
    reasons.delete(null);
    assert.deepEqual([...reasons], ['tablesNotReady']);
  });
});
