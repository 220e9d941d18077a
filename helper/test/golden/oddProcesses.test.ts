// Names in processes that are not as usual: the first thread has ended, the program was executed from memory, its code has moved
// to memory of no file. What is said of each must be what is said of the plain program.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { listProcesses } from '../../src/process/list';
import { readMaps } from '../../src/process/maps';
import { hasEnded, readStat } from '../../src/process/procfs';
import { checkTarget } from '../../src/process/validate';
import { build } from './symbolize/build';
import { TracedSymbolizer } from './symbolize/tracedSymbolizer';

describe('names in odd processes', function () {
  this.timeout(30_000);
  let program: string;
  let symbolizer: TracedSymbolizer;
  let child: ChildProcess | null = null;

  before(function () {
    const command = ['gcc', '-g', '-O2', '-fomit-frame-pointer', '-pthread', 'oddOnes.c', '-o', 'OUT'];
    const built = build('oddOnes', command, ['oddOnes.c']);
    if (built === null) {
      console.log('      skipped: gcc is not installed');
      return this.skip();
    }
    program = built;
  });

  beforeEach(() => {
    symbolizer = new TracedSymbolizer({ cacheDir: null, workers: 1, log: () => {} });
  });

  afterEach(async () => {
    await symbolizer.close();
    if (!child) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
    child = null;
  });

  /** Resolves when it works, with the address of its innermost function. */
  async function start(...args: string[]): Promise<{ pid: number; hot: number }> {
    child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const hot = await line();
    return { pid: child.pid!, hot };
  }

  async function line(): Promise<number> {
    let text = '';
    while (!text.includes('\n')) text += (await once(child!.stdout!, 'data'))[0];
    return Number.parseInt(text, 16);
  }

  async function nameAt(pid: number, address: number) {
    const [[frame]] = await symbolizer.resolve(pid, [], [address]);
    return frame;
  }

  it('sees a process through a thread that lives, where the first one has ended', async () => {
    const { pid, hot } = await start('thread');
    const stat = readStat(pid)!;
    assert.equal(stat.state, 'Z');
    assert.equal(hasEnded(pid, stat), false);
    assert.equal(checkTarget(pid, { callerUid: process.getuid!(), anyUser: false }).pid, pid);
    symbolizer.addProcess(pid);
    const { name, line: at, module } = await nameAt(pid, hot);
    assert.deepEqual([name, module], ['hot_inner', 'oddOnes']);
    assert.ok(at !== null && at > 20);
    assert.ok(readMaps(pid)!.some(({ path }) => path === '[vdso]'));
    const listed = (await listProcesses()).find((one) => one.pid === pid)!;
    assert.ok(listed.command.endsWith('oddOnes thread'), listed.command);
    assert.equal(listed.cwd, process.cwd());
    assert.equal(listed.runtime, 'native');
  });

  it('names a program that was executed from memory', async () => {
    const { pid, hot } = await start('memfd');
    symbolizer.addProcess(pid);
    const { name, line: at, module } = await nameAt(pid, hot);
    assert.deepEqual([name, module], ['hot_inner', 'memfd:unpacked']);
    assert.ok(at !== null && at > 20);
    assert.deepEqual(symbolizer.badFiles(), []);
  });
});
