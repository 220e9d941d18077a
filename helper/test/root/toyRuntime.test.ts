// The proof that a runtime is one BPF object, one folder and one line: the interpreter of toyRuntime/toyTarget.c, whose frames lie in
// its own memory, walked by toyRuntime/unwind_toy.bpf.c and named by toyRuntime/plugin.ts.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StackId } from '../../src/abi/records';
import { native } from '../../src/bpf/libbpf';
import { BufferSource } from '../../src/bytes/source';
import { ElfFile } from '../../src/elf/parser';
import { FileStore } from '../../src/process/fileStore';
import { ProcessTable } from '../../src/process/table';
import { RUNTIMES, recognizeRuntimes } from '../../src/runtimes';
import { ProcessRuntimes } from '../../src/runtimes/processRuntimes';
import { namedFrames } from '../../src/runtimes/stackFrames';
import type { RuntimePlugin } from '../../src/runtimes/types';
import { createSymbolizer } from '../../src/symbolize';
import { capture, eventually, sourceOf } from './captureHarness';
import { missingForEbpf } from './helperProcess';
import { SLOWNESS } from './slowness';
import { toyRuntime } from './toyRuntime/plugin';
import { isLoaded, type Running, removeWorkFolder, samplesFromNow, startProgram, workFolder } from './unwindHarness';

const TOY_FUNCTIONS = ['first', 'second', 'third', 'fourth'];
const SAMPLES = 3_000;
/** Of the map `walkers`, whose other places are the native ones'. */
const FIRST_RUNTIME_SLOT = 32;
const ROOT = join(__dirname, '../../../../..');
/** Outermost first. */
const WHOLE = ['main', 'first', 'second', 'thunk of second', 'compute', 'third', 'fourth', 'thunk of fourth', 'spin'];

describe('a runtime', function () {
  this.timeout(120_000 * SLOWNESS);
  let running: Running | undefined;

  before(function () {
    const missing = missingForEbpf() ?? (process.arch === 'x64' ? null : 'its thunks are x86-64 code');
    if (!missing) return;
    console.log(`      skipped: ${missing}`);
    this.skip();
  });
  afterEach(async () => {
    await running?.end();
    running = undefined;
  });
  after(removeWorkFolder);

  const inFolder = (name: string) => sourceOf(join('toyRuntime', name));

  /** Path of the object without its ending. */
  function builtWalker(): string {
    const flags = execFileSync('make', ['--no-print-directory', '-C', ROOT, 'print-bpf-cflags'], { encoding: 'utf8' });
    const object = join(workFolder(), 'unwind_toy');
    const args = [...flags.trim().split(/\s+/), '-c', inFolder('unwind_toy.bpf.c'), '-o', `${object}.o`];
    execFileSync('clang', args, { cwd: ROOT });
    return object;
  }

  /** Starts the program and a capture that knows the toy runtime. */
  async function recorded() {
    const program = join(workFolder(), 'toyTarget');
    execFileSync('cc', ['-O1', '-g', '-fno-omit-frame-pointer', '-o', program, inFolder('toyTarget.c')]);
    const toy = toyRuntime(builtWalker()) as RuntimePlugin;
    running = await startProgram([program]);
    const { pid } = running;
    const files = new FileStore();
    const processes = new ProcessTable(files);
    const symbolizer = createSymbolizer({ files, cacheDir: null, workers: 1, log: () => {} });
    // The toy goes by the name of a runtime that has frames of its own nowhere yet.
    const runtimes = new ProcessRuntimes(processes, [...RUNTIMES.filter(({ id }) => id !== toy.id), toy]);
    processes.add(pid);
    for (const code of processes.codeOf(pid))
      if ('file' in code && code.file.path === program)
        runtimes.recognized(
          code.file,
          recognizeRuntimes(ElfFile.parse(new BufferSource(readFileSync(program))), assert.fail, [toy]),
        );
    const { running: recording, got } = await capture(pid, { processes, runtimes, kernel: false, frequencyHz: 1_999 });
    const named = new Map<StackId, Promise<string[]>>();
    const keep = got.stack.bind(got);
    got.stack = (record) => {
      keep(record);
      // At once, as a recording does.
      const frames = namedFrames(runtimes, record, (kernel, user, exact) =>
        symbolizer.resolve(processes, record.pid, kernel, user, exact),
      );
      named.set(
        record.stackId,
        Promise.resolve(frames).then((all) => all.flat().map(({ name }) => name)),
      );
    };
    const end = async () => {
      await recording.stop();
      runtimes.close();
      await symbolizer.close();
    };
    await eventually(() => isLoaded(recording), 'the unwind tables are loaded');
    return { pid, recording, got, named, runtimes, end };
  }

  /** Takes the walkers of runtimes out of the map `walkers` of this process's captures (bpf/lib/scratch.bpf.h). */
  function removeWalkers(): void {
    let removed = 0;
    for (const fd of readdirSync('/proc/self/fd').map(Number)) {
      const info = infoOf(fd);
      if (!/^map_type:\t3$/m.test(info) || !/^max_entries:\t64$/m.test(info)) continue;
      for (let slot = FIRST_RUNTIME_SLOT; slot < 64; slot++) {
        const key = Buffer.alloc(4);
        key.writeUInt32LE(slot);
        if (native().libbpf.delete(fd, key) === 0) removed++;
      }
    }
    assert.ok(removed > 0, 'no walker was found');
  }

  const infoOf = (fd: number): string => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    } catch {
      return '';
    }
  };

  /** From main() inwards. Null where a thunk was interrupted without its frame: the walk by frame pointer leaves its caller out. */
  function fromMain(names: readonly string[]): string[] | null {
    const outermostFirst = [...names].reverse();
    const inner = outermostFirst.slice(outermostFirst.indexOf('main'));
    return inner.at(-1) === 'thunk of ' ? null : inner;
  }

  it('that keeps its frames in memory of its own has them in stacks, between native ones and in their order', async () => {
    const { recording, got, named, runtimes, end } = await recorded();
    try {
      const samples = await samplesFromNow(got, SAMPLES);
      const torn = new Set<string>();
      let deepest = 0;
      let frameless = 0;
      for (const { stackId } of samples) {
        const inner = fromMain((await named.get(stackId))!);
        if (!inner) frameless++;
        else if (inner.some((name, i) => name !== WHOLE[i])) torn.add(inner.join(' '));
        else if (inner.length === WHOLE.length) deepest++;
      }
      assert.ok(frameless < SAMPLES / 100, `${frameless} in a thunk without its frame`);
      assert.deepEqual([...torn], [], 'each stack is a part of the whole one, from outside');
      assert.ok(deepest > SAMPLES / 2, `${deepest} of ${SAMPLES} in spin()`);
      assert.equal(recording.counters().skippedPasses, 0);
      assert.ok(named.size < 200, `${named.size} different stacks: what moves is not part of their names`);
      assert.deepEqual(
        runtimes.reports().map(({ runtime, status, problems }) => ({ runtime, status, problems })),
        [{ runtime: 'perl', status: 'named', problems: [] }],
      );
    } finally {
      await end();
    }
  });

  it('that has no walker any more: its samples come without its frames, and are counted', async () => {
    const { recording, got, named, end } = await recorded();
    try {
      await samplesFromNow(got, 100);
      assert.equal(recording.counters().skippedPasses, 0);
      removeWalkers();
      await eventually(() => recording.counters().skippedPasses! > 100, 'samples are counted whose walker is missing');
      const [sample] = (await samplesFromNow(got, 100)).slice(-1);
      const names = await named.get(sample!.stackId)!;
      assert.ok(names.includes('main'), 'the native frames are there');
      assert.ok(!names.some((name) => TOY_FUNCTIONS.includes(name)), `no frame of the toy's: ${names.join(' ')}`);
    } finally {
      await end();
    }
  });

  it('is known of a child by fork from its first sample on', async () => {
    const { pid, got, named, end } = await recorded();
    try {
      process.kill(pid, 'SIGUSR1');
      const ofChild = () => got.samples.filter((sample) => sample.pid !== pid);
      await eventually(() => ofChild().length >= 200, '200 samples of the child arrive');
      const torn = new Set<string>();
      // What fork() itself does further in is the C library's.
      const known = WHOLE.indexOf('compute') + 1;
      for (const { stackId } of ofChild()) {
        const inner = fromMain((await named.get(stackId))!);
        if (inner?.slice(0, known).some((name, i) => name !== WHOLE[i])) torn.add(inner.join(' '));
      }
      assert.deepEqual([...torn], []);
    } finally {
      await end();
    }
  });
});
