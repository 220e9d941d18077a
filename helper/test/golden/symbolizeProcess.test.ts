// The whole way, from a living (or dead, or changed) process's address to a frame, through workers.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { readMaps } from '../../src/process/maps';
import { WorkerPool } from '../../src/symbolize/pool/pool';
import { build, has, run } from './symbolize/build';
import { TracedSymbolizer } from './symbolize/tracedSymbolizer';

interface Running {
  child: ChildProcess;
  pid: number;
  work: number;
  moreWork: number;
  /** Executable memory of no file. */
  generated: number;
}

const GONE_OR_REPLACED = /deleted or replaced/;

describe('symbolizer, with processes', function () {
  this.timeout(30_000);
  let program: string;
  let folder: string;
  let symbolizer: TracedSymbolizer;
  let running: Running[] = [];

  before(function () {
    const built = build('waiter', ['gcc', '-g', '-O1', '-gdwarf-5', 'waiter.c', '-o', 'OUT'], ['waiter.c']);
    if (built === null) {
      console.log('      skipped: gcc is not installed');
      return this.skip();
    }
    program = built;
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'symbolize-process-'));
    symbolizer = new TracedSymbolizer({ cacheDir: join(folder, 'cache'), workers: 2, log: () => {} });
  });

  afterEach(async () => {
    await symbolizer.close();
    await Promise.all(running.map(end));
    running = [];
    rmSync(folder, { recursive: true });
  });

  async function start(path: string): Promise<Running> {
    const child = spawn(path, [], { stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    for await (const piece of child.stdout!) {
      text += piece;
      if (text.includes('\n')) break;
    }
    const [work, moreWork, generated] = text.split(' ').map((hex) => Number.parseInt(hex, 16));
    const started = { child, pid: child.pid!, work, moreWork, generated };
    running.push(started);
    return started;
  }

  async function end({ child }: Running): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.stdin!.end();
    await once(child, 'exit');
  }

  function copyOf(source: string, name = 'waiter'): string {
    const path = join(folder, name);
    copyFileSync(source, path);
    return path;
  }

  async function frameAt(pid: number, address: number) {
    const [frames] = await symbolizer.resolve(pid, [], [address]);
    assert.equal(frames.length, 1);
    return frames[0];
  }

  it('names functions with file and line; return addresses belong to the call before them', async () => {
    const { pid, work, moreWork } = await start(program);
    symbolizer.addProcess(pid);
    const stack = await symbolizer.resolve(pid, [], [work, moreWork + 1, moreWork]);
    const [frame] = stack[0];
    assert.match(frame.file!, /programs\/waiter\.c$/);
    assert.equal(frame.functionLine, 8);
    assert.ok(frame.line! >= 8 && frame.line! <= 12, `line ${frame.line}`);
    assert.equal(frame.module, 'waiter');
    assert.equal(frame.symbolized, true);
    assert.match(frame.sourceMd5 ?? 'none', /^([0-9a-f]{32}|none)$/);
    assert.ok(frame.binaryMtimeMs! > 0);
    assert.equal(stack[1][0].name, 'more_work');
    // A call as a function's last instruction returns to the next function's first: the caller is the one before.
    assert.notEqual(stack[2][0].name, 'more_work');
    // But an interrupted instruction, behind a signal's frame, stands where it stands.
    const [, , exact] = await symbolizer.resolve(pid, [-1], [work, moreWork], [2]);
    assert.equal(exact[0].name, 'more_work');
    // The kernel hides its own names from users.
    assert.deepEqual(
      symbolizer.badFiles().filter(({ path }) => path !== '/proc/kallsyms'),
      [],
    );
  });

  it('names code of a process that has exited since', async () => {
    const process = await start(copyOf(program));
    symbolizer.addProcess(process.pid);
    await end(process);
    symbolizer.processExited(process.pid);
    rmSync(join(folder, 'waiter'));
    assert.equal((await frameAt(process.pid, process.work)).name, 'work');
  });

  it('names a program that was deleted before it was seen', async () => {
    const { pid, work } = await start(copyOf(program));
    rmSync(join(folder, 'waiter'));
    symbolizer.addProcess(pid);
    assert.equal((await frameAt(pid, work)).name, 'work');
  });

  it('calls a program as it was executed, each process by its own name', async () => {
    const stripped = copyOf(program, 'suite');
    run('objcopy', '--strip-all', stripped);
    symlinkSync('suite', join(folder, 'server'));
    symlinkSync('server', join(folder, 'link-to-link'));
    const named: [string, string][] = [
      [stripped, 'suite'],
      [join(folder, 'server'), 'server'],
      [join(folder, 'link-to-link'), 'link-to-link'],
    ];
    for (const [path, name] of named) {
      const { pid, work } = await start(path);
      symbolizer.addProcess(pid);
      // Twice: from the worker, and from what is known.
      for (let i = 0; i < 2; i++) {
        const frame = await frameAt(pid, work);
        assert.match(frame.name, new RegExp(`^${name}\\+0x[0-9a-f]+$`));
        assert.equal(frame.module, name);
      }
      const libc = readMaps(pid)!.find((m) => m.executable && /libc[.-]/.test(m.path))!;
      const [frames] = await symbolizer.resolve(pid, [], [libc.start + 0x1000]);
      assert.deepEqual([...new Set(frames.map(({ module }) => module))], [posix.basename(libc.path)]);
    }
  });

  it('does not believe a name that leads to another file', async () => {
    const script = join(folder, 'script');
    const interpreter = copyOf(program, 'interpreter');
    writeFileSync(script, `#!${interpreter}\n`, { mode: 0o755 });
    const liar = await start(script);
    symbolizer.addProcess(liar.pid);
    assert.equal((await frameAt(liar.pid, liar.work)).module, 'interpreter');
    // The link leads elsewhere by now.
    symlinkSync('interpreter', join(folder, 'link'));
    const moved = await start(join(folder, 'link'));
    rmSync(join(folder, 'link'));
    symlinkSync('/bin/true', join(folder, 'link'));
    symbolizer.addProcess(moved.pid);
    assert.equal((await frameAt(moved.pid, moved.work)).module, 'interpreter');
  });

  it('never takes names from the binary that replaced the mapped one', async () => {
    const { pid, work } = await start(copyOf(program));
    const other = copyOf('/bin/true', 'other');
    renameSync(other, join(folder, 'waiter'));
    symbolizer.addProcess(pid);
    assert.equal((await frameAt(pid, work)).name, 'work');
    // What the kernel told in passing, about a process that is gone: only the name is left, and another file has it.
    const gone = 4_190_000;
    symbolizer.processExited(gone);
    symbolizer.processMapped(gone, {
      start: 0x10000,
      end: 0x20000,
      fileOffset: 0,
      path: join(folder, 'waiter'),
      buildId: null,
      deviceMajor: 8,
      deviceMinor: 1,
      inode: 3n,
    });
    assert.match((await frameAt(gone, 0x10010)).name, /^waiter\+0x10$/);
    assert.match(symbolizer.badFiles().find(({ path }) => path.endsWith('waiter'))!.why, GONE_OR_REPLACED);
  });

  it('does not believe a file whose build-id is not the mapped one', async () => {
    symbolizer.processMapped(4_190_001, {
      start: 0x10000,
      end: 0x20000,
      fileOffset: 0x1000,
      path: program,
      buildId: 'ab'.repeat(20),
      deviceMajor: 0,
      deviceMinor: 0,
      inode: 0n,
    });
    assert.match((await frameAt(4_190_001, 0x10200)).name, /^waiter\+0x/);
    assert.match((await frameAt(4_190_001, 0x10300)).name, /^waiter\+0x/);
    assert.match(symbolizer.badFiles()[0].why, /another build/);
  });

  it('refuses another build for that mapping only, and takes the file of the build-id where one is known', async function () {
    if (!has('readelf')) {
      console.log('      skipped: readelf is not installed');
      return this.skip();
    }
    const buildId = /Build ID: ([0-9a-f]+)/.exec(run('readelf', '-n', program))![1];
    const text = / work$/m.exec(run('readelf', '-sW', program))!;
    const at = Number.parseInt(/([0-9a-f]{16})/.exec(text.input.slice(0, text.index).split('\n').at(-1)!)![1], 16);
    const path = copyOf('/proc/self/exe', 'library');
    const mapped = (pid: number, start: number, of: string) =>
      symbolizer.processMapped(pid, {
        start,
        end: start + 0x10000,
        fileOffset: 0,
        path: of,
        buildId,
        deviceMajor: 0,
        deviceMinor: 0,
        inode: 0n,
      });
    const [first, second] = [4_190_006, 4_190_007];
    mapped(first, 0x100000, path);
    assert.match((await frameAt(first, 0x100000 + at)).name, /^library\+0x/);
    assert.match(symbolizer.badFiles()[0].why, /another build/);
    // The same file, as it should be.
    copyFileSync(program, `${path}.new`);
    renameSync(`${path}.new`, path);
    mapped(first, 0x200000, path);
    assert.equal((await frameAt(first, 0x200000 + at)).name, 'work');
    assert.match((await frameAt(first, 0x100000 + at)).name, /^library\+0x/, 'that mapping stays refused');
    // Another path, with another build behind it: the right one is open already.
    const other = copyOf('/proc/self/exe', 'other');
    const found: number[] = [];
    symbolizer.processes.onCodeFound((pid) => found.push(pid));
    mapped(second, 0x300000, other);
    await frameAt(second, 0x300000 + at);
    assert.deepEqual(found, [second]);
    assert.equal((await frameAt(second, 0x300000 + at)).name, 'work');
  });

  it('keeps the names of others when one file is damaged', async () => {
    const broken = readFileSync(program);
    broken.writeBigUInt64LE(0x7fff_ffff_ffffn, 40);
    const path = join(folder, 'broken');
    writeFileSync(path, broken);
    chmodSync(path, 0o755);
    const bad = await start(path);
    const good = await start(program);
    symbolizer.addProcess(bad.pid);
    symbolizer.addProcess(good.pid);
    assert.match((await frameAt(bad.pid, bad.work)).name, /^broken\+0x[0-9a-f]+$/);
    assert.match((await frameAt(bad.pid, bad.moreWork)).name, /^broken\+0x[0-9a-f]+$/);
    assert.equal((await frameAt(good.pid, good.work)).name, 'work');
    assert.deepEqual(
      symbolizer.badFiles().map((file) => file.path),
      [path],
    );
  });

  it('finds a separate debug file by its debug link', async function () {
    if (!has('objcopy')) {
      console.log('      skipped: objcopy is not installed');
      return this.skip();
    }
    const path = copyOf(program);
    run('objcopy', '--only-keep-debug', path, join(folder, 'waiter.debug'));
    run('objcopy', '--strip-all', `--add-gnu-debuglink=${join(folder, 'waiter.debug')}`, path);
    const { pid, work } = await start(path);
    symbolizer.addProcess(pid);
    const frame = await frameAt(pid, work);
    assert.equal(frame.name, 'work');
    assert.match(frame.file!, /waiter\.c$/);
    assert.equal(frame.functionLine, 8);
  });

  it('names generated code by the perf map of its owner, as it grows', async () => {
    const { pid, generated } = await start(program);
    const map = `/tmp/perf-${pid}.map`;
    symbolizer.addProcess(pid);
    assert.equal((await frameAt(pid, generated)).name, '[anon]');
    assert.equal(symbolizer.jitChanged(pid), false);
    try {
      writeFileSync(map, `${generated.toString(16)} 10 interpreted loop\n`);
      const deadline = Date.now() + 5_000;
      while (!symbolizer.jitChanged(pid) && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal((await frameAt(pid, generated)).name, 'interpreted loop');
      assert.equal((await frameAt(pid, generated)).module, '[jit]');
      assert.equal(symbolizer.jitChanged(pid), false);
      writeFileSync(map, `${generated.toString(16)} 10 optimized loop\n`, { flag: 'a' });
      assert.equal(symbolizer.jitChanged(pid), true);
      assert.equal((await frameAt(pid, generated)).name, 'optimized loop');
    } finally {
      rmSync(map, { force: true });
    }
  });

  it('looks for the perf map under the pid that the target itself has', async function () {
    const unshare = process.getuid!() === 0 && has('unshare');
    if (!unshare) {
      console.log('      skipped: needs root and unshare');
      return this.skip();
    }
    const shell = spawn('unshare', ['--pid', '--fork', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [text] = (await once(shell.stdout!, 'data')) as [Buffer];
    const generated = Number.parseInt(text.toString().split(' ')[2], 16);
    const pid = Number(readFileSync(`/proc/${shell.pid}/task/${shell.pid}/children`, 'utf8'));
    const inner = /^NSpid:.*\s(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
    const map = `/tmp/perf-${inner}.map`;
    const had = existsSync(map);
    try {
      if (had) {
        console.log(`      skipped: somebody else's ${map} is in the way`);
        return this.skip();
      }
      writeFileSync(map, `${generated.toString(16)} 10 inner\n`);
      symbolizer.addProcess(pid);
      assert.equal((await frameAt(pid, generated)).name, 'inner');
    } finally {
      if (!had) rmSync(map, { force: true });
      shell.stdin!.end();
      await once(shell, 'exit');
    }
  });

  it('parses without any capability', async function () {
    const effective = () =>
      readdirSync('/proc/self/task').map((tid) => {
        const status = readFileSync(`/proc/self/task/${tid}/status`, 'utf8');
        return /^CapEff:\s*([0-9a-f]+)$/m.exec(status)![1];
      });
    if (effective().every((mask) => /^0+$/.test(mask))) {
      console.log('      skipped: this process has no capabilities to give up');
      return this.skip();
    }
    const { pid, work } = await start(program);
    symbolizer.addProcess(pid);
    await frameAt(pid, work);
    assert.ok(effective().some((mask) => /^0+$/.test(mask)));
    assert.doesNotMatch(/^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1], /^0+$/);
  });

  it('does not trust a perf map that somebody else wrote', async function () {
    if (process.getuid!() !== 0) {
      console.log('      skipped: only root can give files away');
      return this.skip();
    }
    const { pid, generated } = await start(program);
    const map = `/tmp/perf-${pid}.map`;
    try {
      writeFileSync(map, `${generated.toString(16)} 10 planted\n`);
      chownSync(map, 65534, 65534);
      symbolizer.addProcess(pid);
      assert.equal((await frameAt(pid, generated)).name, '[anon]');
      assert.match(symbolizer.badFiles()[0].why, /belongs to user 65534/);
    } finally {
      rmSync(map, { force: true });
    }
  });

  it('names modules and BPF programs, and says so where the kernel hides its addresses', async () => {
    const { pid } = await start(program);
    const ask = async (kallsyms: string) => {
      const path = join(folder, 'kallsyms');
      writeFileSync(path, kallsyms);
      const kallsymsFd = openSync(path, 'r');
      const one = new TracedSymbolizer({ cacheDir: null, workers: 1, log: () => {}, kallsymsFd });
      one.addProcess(pid);
      const frames = (await one.resolve(pid, [-0x3fff0000 + 8, -0x3ffe0000 + 8], [])).map(([frame]) => frame);
      const bad = one.badFiles();
      await one.close();
      closeSync(kallsymsFd);
      return { shown: frames.map(({ name, module }) => `${name} ${module}`), bad };
    };
    const open = await ask(
      'ffffffffc0010000 t ext4_read\t[ext4]\nffffffffc0020000 t bpf_prog_6deef7357e7b4530_count\t[bpf]\n',
    );
    assert.deepEqual(open, { shown: ['ext4_read [ext4]', 'bpf_prog_6deef7357e7b4530_count [bpf]'], bad: [] });
    const hidden = await ask('0000000000000000 T _stext\n0000000000000000 t schedule\n');
    assert.deepEqual(hidden.shown, ['[kernel]+0xffffffffc0010008 [kernel]', '[kernel]+0xffffffffc0020007 [kernel]']);
    assert.deepEqual(hidden.bad, [
      { path: '/proc/kallsyms', why: 'the kernel hides its addresses (kernel.kptr_restrict)' },
    ]);
  });

  it('drops nothing: the vdso, the kernel, memory without a name, addresses of nothing', async () => {
    const { pid, generated } = await start(program);
    symbolizer.addProcess(pid);
    const vdso = readMaps(pid)!.find((m) => m.path === '[vdso]')!;
    const addresses = [generated, 0x10, 2 ** 47 - 4096, vdso.start + 0x800];
    const stack = await symbolizer.resolve(pid, [-2130706432, -1], addresses);
    assert.equal(stack.length, 2 + addresses.length);
    for (const frames of stack) for (const frame of frames) assert.notEqual(frame.name, '');
    assert.deepEqual(
      stack.slice(2, 5).map(([frame]) => frame.name),
      ['[anon]', '[anon]', '[anon]'],
    );
    assert.equal(stack[0][0].kind, 'kernel');
    assert.equal(stack[1][0].name, '[kernel]+0xfffffffffffffffe');
    assert.equal(stack[5][0].module, '[vdso]');
  });

  it('a forked process starts with its parent’s mappings, an executed one with its own', async () => {
    const parent = await start(program);
    symbolizer.addProcess(parent.pid);
    const child = 4_190_002;
    symbolizer.processForked(child, parent.pid);
    assert.equal((await frameAt(child, parent.work)).name, 'work');
    symbolizer.processExecuted(child);
    assert.equal((await frameAt(child, parent.work)).name, '[anon]');
    assert.equal((await frameAt(parent.pid, parent.work)).name, 'work');
  });

  it('closes every file it opened', async () => {
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    const { pid, work } = await start(program);
    const withChild = open();
    symbolizer.addProcess(pid);
    await symbolizer.resolve(pid, [-2130706432], [work]);
    assert.ok(open() > withChild);
    await symbolizer.close();
    await Promise.all(running.map(end));
    const deadline = Date.now() + 5_000;
    while (open() > before && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(open() <= before, `${open()} files are open, ${before} were`);
  });

  it('answers what was asked before the process was released', async () => {
    const { pid, work, moreWork } = await start(copyOf(program));
    symbolizer.addProcess(pid);
    const asked = symbolizer.resolve(pid, [], [work, moreWork + 1]);
    symbolizer.processes.close();
    assert.deepEqual(
      (await asked).map(([frame]) => frame.name),
      ['work', 'more_work'],
    );
  });

  it('ends a worker that takes too long, and goes on with another', async () => {
    const impatient = new WorkerPool(1, null, { requestMs: 1 });
    const task = { kind: 'forget', ids: [] } as const;
    await assert.rejects(impatient.request(0, { ...task, ids: [] }), /took longer than 0.001 s/);
    await impatient.close();
    const patient = new WorkerPool(1, null);
    const bad = { id: 1, fd: -1, sizeBytes: 1 << 20, path: 'nothing' };
    await assert.rejects(patient.request(0, { kind: 'describe', file: bad }));
    assert.equal((await patient.request(0, { ...task, ids: [] })).ok, true);
    await patient.close();
    await assert.rejects(patient.request(0, { ...task, ids: [] }), /ended/);
  });

  it('makes its cache folder for the user alone, and works without one', async () => {
    const { pid, work } = await start(program);
    symbolizer.addProcess(pid);
    await frameAt(pid, work);
    assert.ok(existsSync(join(folder, 'cache')));
    const without = new TracedSymbolizer({ cacheDir: '/proc/nowhere', workers: 1, log: () => {} });
    without.addProcess(pid);
    const [[frame]] = await without.resolve(pid, [], [work]);
    await without.close();
    assert.equal(frame.name, 'work');
  });
});
