// Names in processes that are not as usual: the first thread has ended, the program was executed from memory, its code has moved
// to memory of no file. What is said of each must be what is said of the plain program.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { hasEnded, readStat } from '../../src/client/processStat';
import { listProcesses } from '../../src/process/list';
import { readMaps } from '../../src/process/maps';
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

  /** Recognizing takes a worker's answer. */
  async function namedAtLast(pid: number, address: number): Promise<string> {
    for (const deadline = Date.now() + 20_000; ; ) {
      const { name } = await nameAt(pid, address);
      if (name !== '[anon]' || Date.now() > deadline) return name;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const isNameless = (pid: number, address: number) =>
    readMaps(pid)!.some(({ start, end, path }) => path === '' && start <= address && address < end);

  for (const [how, what] of [
    ['mmap', 'was copied onto'],
    ['mremap', 'was moved onto'],
    ['half', 'was copied in part onto'],
  ])
    it(`names code that ${what} memory of no file before the recording`, async () => {
      const { pid, hot } = await start('moved', how);
      assert.ok(isNameless(pid, hot));
      symbolizer.addProcess(pid);
      assert.equal(await namedAtLast(pid, hot), 'hot_inner');
      assert.ok((await nameAt(pid, hot)).line !== null);
      assert.deepEqual(symbolizer.processes.takeRemapped(), [pid], 'known stacks have other names now');
      // What is read anew does not take it back.
      symbolizer.processes.reread(pid);
      assert.equal((await nameAt(pid, hot)).name, 'hot_inner');
    });

  it('names code that moves while it is recorded', async () => {
    const { pid, hot } = await start('moved', 'late');
    symbolizer.addProcess(pid);
    const found: number[] = [];
    symbolizer.processes.onCodeFound((one) => found.push(one));
    assert.equal((await nameAt(pid, hot)).name, 'hot_inner');
    child!.stdin!.write('\n');
    await line();
    const { start: from, end } = readMaps(pid)!.find((one) => one.start <= hot && hot < one.end)!;
    const child2 = 4_190_003;
    symbolizer.processMapped(pid, anonymous(from, end));
    assert.equal((await nameAt(pid, hot)).name, '[anon]');
    symbolizer.processForked(child2, pid);
    assert.equal(await namedAtLast(pid, hot), 'hot_inner');
    assert.equal((await nameAt(child2, hot)).name, 'hot_inner', 'so does a child that was forked meanwhile');
    assert.deepEqual(found.sort(), [pid, child2].sort());
    // A compiler's code at the same place is something else.
    symbolizer.processMapped(child2, anonymous(from, end));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal((await nameAt(child2, hot)).name, '[anon]', 'its memory cannot be compared');
  });

  it('tells a file’s code by where the file is mapped', async () => {
    const { pid, hot } = await start();
    const { start: from, end, fileOffset } = readMaps(pid)!.find((one) => one.start <= hot && hot < one.end)!;
    symbolizer.addProcess(pid);
    const code = symbolizer.processes.codeOf(pid).find((one) => one.start === from)!;
    assert.ok('file' in code);
    const ranges = [{ start: from, end }];
    const { textReader } = symbolizer.files;
    const [piece] = await textReader!.piecesOf(code.file, { start: from, fileOffset }, ranges);
    assert.deepEqual([piece.start, piece.end, piece.fileOffset], [from, end, fileOffset]);
    assert.ok(piece.samples.length > 0);
    const shifted = await textReader!.piecesOf(code.file, { start: from + 0x10000000, fileOffset }, ranges);
    assert.deepEqual(shifted, []);
  });

  const anonymous = (start: number, end: number) => ({
    start,
    end,
    fileOffset: 0,
    path: '//anon',
    buildId: null,
    deviceMajor: 0,
    deviceMinor: 0,
    inode: 0n,
  });
});
