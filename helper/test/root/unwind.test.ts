// Unwinding by tables against gdb, which has its own reader of the same unwind information: every sample of a thread that
// stands still in its stack must have exactly the return addresses that gdb finds.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, eventually } from './captureHarness';
import { bpfObjectsOf, missingForEbpf } from './helperProcess';
import { stillThere } from './kernelObjects';
import { SLOWNESS } from './slowness';
import {
  buildUnwindTarget,
  gdbStacks,
  isLoaded,
  type Running,
  removeWorkFolder,
  samplesFromNow,
  startProgram,
  type Unwound,
  unwound,
  wholeShare,
  workFolder,
} from './unwindHarness';

const SAMPLES = 60;

describe('unwinding by tables', function () {
  this.timeout(120_000 * SLOWNESS);
  let program: string;
  let target: Running | null = null;
  let hasGdb = false;

  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    program = buildUnwindTarget('target');
    hasGdb = spawnSync('gdb', ['--version']).status === 0;
  });
  afterEach(async () => {
    await target?.end();
    target = null;
  });
  after(removeWorkFolder);

  function needGdb(context: Mocha.Context): void {
    if (hasGdb) return;
    console.log('      skipped: no gdb to compare with');
    context.skip();
  }

  /** Each thread's samples against gdb's stack of that thread. */
  function assertAsGdb({ samples, got }: Unwound, stacks: Map<number, number[]>): void {
    const hex = (pcs: number[]) => pcs.map((pc) => pc.toString(16)).join(' ');
    let equal = 0;
    let compared = 0;
    let different = '';
    for (const sample of samples) {
      const expected = stacks.get(sample.tid);
      if (!expected) continue;
      compared++;
      const found = hex(got.stackOf(sample).user.slice(1));
      if (found === hex(expected)) equal++;
      else different = `${found}\nnot ${hex(expected)}`;
    }
    assert.ok(compared >= SAMPLES / 2, `${compared} samples of threads that gdb saw`);
    assert.ok(equal >= 0.99 * compared, `${equal} of ${compared} as gdb has them; else\n${different}`);
  }

  function assertWhole(result: Unwound, least = 0.99): void {
    const { share, others } = wholeShare(result);
    assert.ok(share >= least, `${(share * 100).toFixed(1)} % whole: ${others}`);
  }

  const MODES: { mode: string; what: string; flags?: string[] }[] = [
    { mode: 'recurse', what: 'callee-saved registers and recursion' },
    { mode: 'realigned', what: 'alloca and realigned frames' },
    { mode: 'unwinding', what: 'the exception unwinder itself' },
    { mode: 'callback', what: 'a callback through the libc' },
    { mode: 'signal', what: 'a signal handler' },
    { mode: 'altstack', what: 'a signal handler on a stack of its own' },
    { mode: 'thread', what: 'a thread' },
    { mode: 'realigned', what: 'a static-pie program', flags: ['-static-pie', '-Wl,--no-warnings'] },
    { mode: 'unwinding', what: 'a program at a fixed address', flags: ['-no-pie'] },
    { mode: 'altstack', what: 'a program with frame pointers', flags: ['-fno-omit-frame-pointer'] },
  ];
  for (const { mode, what, flags } of MODES)
    it(`walks ${what} as gdb does`, async function () {
      needGdb(this);
      const built = flags ? buildUnwindTarget(`target${flags.join('')}`, flags) : program;
      target = await startProgram([built, mode]);
      const stacks = gdbStacks(target.pid);
      const result = await unwound(target.pid, SAMPLES);
      assertWhole(result);
      assertAsGdb(result, stacks);
      const { byTable } = result.running.counters().unwinding!.frames;
      assert.ok(byTable > 0);
    });

  // The same oracle for the walk in user space: BPF is told of no table, so every sample comes raw.
  for (const { mode, what, flags } of MODES)
    it(`walks raw samples of ${what} as gdb does`, async function () {
      needGdb(this);
      const built = flags ? buildUnwindTarget(`target${flags.join('')}`, flags) : program;
      target = await startProgram([built, mode]);
      const stacks = gdbStacks(target.pid);
      const result = await unwound(target.pid, SAMPLES, { without: ['publishedtables'] });
      assert.equal(result.running.counters().unwinding!.frames.byTable, 0, 'none was walked in BPF');
      assertWhole(result);
      assertAsGdb(result, stacks);
    });

  it('walks 500 frames where it may, and says where it may not', async function () {
    needGdb(this);
    target = await startProgram([program, 'recurse', '500']);
    const stacks = gdbStacks(target.pid);
    const deep = await unwound(target.pid, SAMPLES, { maxFrames: 1023 });
    if (deep.running.attach.some(({ taken }) => taken === 'tables, bpf_loop')) {
      assertWhole(deep);
      assertAsGdb(deep, stacks);
      const depths = deep.samples.map((sample) => deep.got.stackOf(sample).user.length);
      assert.ok(Math.min(...depths) > 500, String(depths));
    }
    for (const { maxFrames, without, frames } of [
      { maxFrames: undefined, without: [], frames: 127 },
      { maxFrames: 300, without: [], frames: 300 },
      { maxFrames: 300, without: ['sample_native'], frames: 127 },
    ]) {
      const { samples, got, running } = await unwound(target.pid, SAMPLES, { maxFrames, without });
      const taken = running.attach.find(({ what }) => what === 'unwinding')?.taken;
      const bounded = taken?.startsWith('tables, bounded loop') === true;
      assert.equal(taken?.endsWith(', at most 127 frames'), bounded && maxFrames !== undefined, `${taken}`);
      const expected = bounded ? 127 : frames;
      const stopped = samples.filter((sample) => {
        const { truncated, user } = got.stackOf(sample);
        return truncated === 'tooDeep' && user.length === expected;
      });
      assert.ok(stopped.length >= 0.99 * samples.length, `${stopped.length} of ${samples.length} at ${expected}`);
    }
  });

  it('walks code that never stands still: jump stubs, the vdso, prologues, exceptions', async () => {
    target = await startProgram([program, 'moves']);
    const result = await unwound(target.pid, 600);
    assertWhole(result);
    const lengths = new Set(result.samples.map((sample) => result.got.stackOf(sample).user.length));
    assert.ok(lengths.size > 2, 'stacks of different depth');
  });

  it('walks a library that is loaded while it records', async function () {
    needGdb(this);
    const source = join(workFolder(), 'library.c');
    const library = join(workFolder(), 'library.so');
    writeFileSync(source, 'void enter(void (*back)(void)) { back(); __asm__ volatile("" ::: "memory"); }\n');
    execFileSync('cc', ['-O2', '-fomit-frame-pointer', '-shared', '-fPIC', '-o', library, source]);
    const started = await startProgram([program, 'library', library]);
    target = started;
    let stacks = new Map<number, number[]>();
    const { running, got } = await capture(started.pid);
    try {
      started.child.stdin!.write('x');
      await eventually(() => got.samples.length > 0 && isLoaded(running), 'it runs and its tables are there');
      stacks = gdbStacks(started.pid);
      const result = { samples: await samplesFromNow(got, SAMPLES), got, running };
      assertWhole(result);
      assertAsGdb(result, stacks);
    } finally {
      await running.stop();
    }
  });

  it('walks a program whose file was deleted and replaced', async function () {
    needGdb(this);
    const copy = join(workFolder(), 'deleted');
    copyFileSync(program, copy);
    target = await startProgram([copy, 'realigned']);
    const stacks = gdbStacks(target.pid);
    rmSync(copy);
    writeFileSync(copy, 'another file');
    const result = await unwound(target.pid, SAMPLES);
    assertWhole(result);
    assertAsGdb(result, stacks);
  });

  it('walks a stripped program whose debug file alone has its rows', async function () {
    const file = (name: string) => join(workFolder(), name);
    const calls = Array.from(
      { length: 6 },
      (_, i) =>
        `__attribute__((noinline)) int step${i + 1}(int n) { volatile char room[${8 * i + 9}] = {0}; return step${i}(n) + room[n & 7]; }`,
    );
    writeFileSync(
      file('bare.c'),
      `#include <stdio.h>
      volatile int spins;
      __attribute__((noinline)) int step0(int n) { for (;;) spins += n; return n; }
      ${calls.join('\n')}
      int main(void) { puts("ready"); fflush(stdout); return step6(1); }`,
    );
    const flags = ['-g', '-O1', '-fomit-frame-pointer', '-fno-asynchronous-unwind-tables', '-fno-unwind-tables'];
    try {
      execFileSync('cc', [...flags, '-o', file('whole'), file('bare.c')]);
      execFileSync('objcopy', ['--only-keep-debug', file('whole'), file('bare.debug')]);
      execFileSync('objcopy', [
        '--strip-all',
        `--add-gnu-debuglink=${file('bare.debug')}`,
        file('whole'),
        file('bare'),
      ]);
    } catch (error) {
      console.log(`      skipped: cannot be built here (${(error as Error).message.split('\n')[0]})`);
      this.skip();
    }
    target = await startProgram([file('bare')]);
    const result = await unwound(target.pid, SAMPLES);
    assertWhole(result);
    const depths = result.samples.map((sample) => result.got.stackOf(sample).user.length);
    assert.ok(Math.min(...depths) >= 8, `${Math.min(...depths)} frames`);
  });

  it('follows a fork and an exec', async () => {
    target = await startProgram(['sh', '-c', `echo ready; read go; ${program} moves & wait`]);
    const shell = target;
    const result = await unwound(shell.pid, 300, {}, () => shell.child.stdin!.write('\n'));
    const children = result.samples.filter(({ pid }) => pid !== target!.pid);
    assert.ok(children.length >= 290);
    assertWhole({ ...result, samples: children });
    for (const pid of new Set(children.map((sample) => sample.pid))) process.kill(pid, 'SIGKILL');
  });

  it('says of 32-bit code that it is not supported', async function () {
    const source = join(workFolder(), 'x32.s');
    const object = join(workFolder(), 'x32.o');
    const built = join(workFolder(), 'x32');
    // write(1, "r\n", 2), then work for ever.
    writeFileSync(
      source,
      `.globl _start
_start: movl $4, %eax
 movl $1, %ebx
 movl $text, %ecx
 movl $2, %edx
 int $0x80
1: incl %esi
 jmp 1b
.data
text: .ascii "r\\n"
`,
    );
    try {
      execFileSync('as', ['--32', '-o', object, source]);
      execFileSync('ld', ['-m', 'elf_i386', '-o', built, object]);
      target = await startProgram([built]);
    } catch (error) {
      console.log(`      skipped: no 32-bit programs here (${(error as Error).message.split('\n')[0]})`);
      this.skip();
    }
    const { running, got } = await capture(target.pid);
    await eventually(() => got.samples.length >= 50, '50 samples arrive');
    await running.stop();
    const inOrder = [...got.samples].sort((a, b) => a.timeNs - b.timeNs);
    const ends = inOrder.map((sample) => got.stackOf(sample).truncated);
    // Of the first samples it may not be known yet; once it is, it stays so.
    const known = ends.indexOf('code32Bit');
    assert.deepEqual([...new Set(ends.slice(known))], ['code32Bit']);
    assert.ok(ends.slice(0, known).every((end) => end === 'tablesNotReady'));
  });

  for (const without of [['sample_native'], ['sample_native', 'sample_native_bounded'], ['mmaparrays']])
    it(`walks the same without ${without}`, async function () {
      needGdb(this);
      target = await startProgram([program, 'realigned']);
      const stacks = gdbStacks(target.pid);
      const result = await unwound(target.pid, SAMPLES, { without });
      assertAsGdb(result, stacks);
      const { taken } = result.running.attach.find(({ what }) => what === 'unwinding')!;
      assert.match(taken!, /tables/);
    });

  it('walks by frame pointers where there is no walker by tables', async () => {
    target = await startProgram([program, 'recurse']);
    const { running, got } = await capture(target.pid, {
      without: ['sample_native', 'sample_native_bounded', 'sample_native_alone'],
    });
    await eventually(() => got.samples.length >= 50, '50 samples arrive');
    await running.stop();
    assert.equal(running.attach.find(({ what }) => what === 'unwinding')!.taken, 'frame pointers');
    assert.equal(running.counters().unwinding, undefined);
    assert.ok(got.samples.every((sample) => got.stackOf(sample).truncated !== null));
  });

  it('leaves nothing in the kernel', async () => {
    target = await startProgram([program, 'moves']);
    const before = new Set(bpfObjectsOf(process.pid));
    const { running } = await capture(target.pid);
    await eventually(() => isLoaded(running), 'the unwind tables are loaded');
    const held = bpfObjectsOf(process.pid).filter((object) => !before.has(object));
    await running.stop();
    let left = held;
    const isGone = () => {
      left = stillThere(held);
      return left.length === 0;
    };
    await eventually(isGone, 'the kernel has let go of all').catch((error) => {
      throw new Error(`${error.message}: ${left}, of ${bpfObjectsOf(process.pid)}`);
    });
  });
});
