// Addresses in a stack that are no return addresses (exactTarget.c): where a signal came, the trampoline that its handler returns
// to, and what a stack made by makecontext returns to. BPF says which they are, and looks their rows up where they are.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type NativeStack, sourceOf } from './captureHarness';
import { missingForEbpf } from './helperProcess';
import { type Running, removeWorkFolder, startProgram, unwound, wholeShare, workFolder } from './unwindHarness';

const SAMPLES = 200;
const WHOLE_LEAST = 0.99;

describe('exact addresses in stacks', function () {
  this.timeout(60_000);
  let program: string;
  let starts: Map<string, number>;
  let running: Running | null = null;

  before(function () {
    const why = missingForEbpf();
    if (why !== null) {
      console.log(`      skipped: ${why}`);
      return this.skip();
    }
    program = join(workFolder(), 'exact');
    execFileSync('cc', ['-g', '-O2', '-no-pie', '-fomit-frame-pointer', '-o', program, sourceOf('exactTarget.c')]);
    const symbols = execFileSync('nm', [program], { encoding: 'utf8' }).matchAll(/^([0-9a-f]+) [tT] (\w+)$/gm);
    starts = new Map([...symbols].map(([, start, name]) => [name, Number.parseInt(start, 16)]));
  });
  afterEach(async () => {
    await running?.end();
    running = null;
  });
  after(removeWorkFolder);

  /** Stacks of samples in works(), and of all samples the share that was walked whole. */
  async function stacksBelow(mode: string): Promise<NativeStack[]> {
    running = await startProgram([program, mode]);
    const got = await unwound(running.pid, SAMPLES);
    const { share, others } = wholeShare(got);
    assert.ok(share >= WHOLE_LEAST, `${share} whole; ${others}`);
    const works = starts.get('works')!;
    const stacks = got.samples.map((sample) => got.got.stackOf(sample));
    const inside = stacks.filter(({ user: [ip] }) => ip >= works && ip < works + 64);
    assert.ok(inside.length > SAMPLES / 4, `${inside.length} of ${stacks.length} samples in works()`);
    return inside;
  }

  const exactOf = ({ kernel, user, exact }: NativeStack) => exact.map((at) => user[at - kernel.length]);

  it('of a fault at the first instruction and of the trampoline are told, and the walk goes on by their own rows', async () => {
    for (const stack of await stacksBelow('signal')) {
      const [trampoline, fault, ...more] = exactOf(stack);
      assert.equal(fault, starts.get('touches_guard'));
      assert.deepEqual(more, []);
      // works, handler, trampoline, touches_guard, uses_guard, main.
      assert.deepEqual([stack.user.indexOf(trampoline), stack.user.indexOf(fault)], [2, 3]);
      const callers = stack.user.slice(4, 6).map((address) => {
        const known = [...starts].filter(([, start]) => start < address).sort(([, a], [, b]) => b - a);
        return known[0][0];
      });
      assert.deepEqual(callers, ['uses_guard', 'main']);
    }
  });

  it('that a stack of makecontext returns to end it, and no address is exact beside', async () => {
    const stacks = await stacksBelow('context');
    for (const stack of stacks) {
      assert.deepEqual(exactOf(stack), [stack.user[2]]);
      assert.equal(stack.user.length, 3);
    }
  });
});
