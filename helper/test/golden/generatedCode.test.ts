// Names of code that processes generate at run time, from the files that they or their parents leave: written anew, replaced,
// written when the process ends, inherited by forked children, and owned by root.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { build } from './symbolize/build';
import { TracedSymbolizer } from './symbolize/tracedSymbolizer';

const NOBODY = 65534;

interface Forker {
  child: ChildProcess;
  /** Of each generation, the first one's first. */
  pids: number[];
  code: number;
}

/** Functions in a jitdump, read in the plainest way. */
function loadsOf(dump: Buffer): { name: string; start: number; end: number }[] {
  const loads: { name: string; start: number; end: number }[] = [];
  for (let at = 40; at + 16 <= dump.length && at + dump.readUInt32LE(at + 4) <= dump.length; ) {
    if (dump.readUInt32LE(at) === 0) {
      const start = Number(dump.readBigUInt64LE(at + 24));
      const name = dump.toString('utf8', at + 56, dump.indexOf(0, at + 56));
      loads.push({ name, start, end: start + Number(dump.readBigUInt64LE(at + 40)) });
    }
    at += dump.readUInt32LE(at + 4);
  }
  return loads;
}

describe('symbolizer, with generated code', function () {
  this.timeout(30_000);
  let program: string;
  let folder: string;
  let symbolizer: TracedSymbolizer;
  let started: Forker[] = [];
  let written = new Set<string>();

  before(function () {
    const built = build('forker', ['gcc', '-O1', 'forker.c', '-o', 'OUT'], ['forker.c']);
    if (built === null) {
      console.log('      skipped: gcc is not installed');
      return this.skip();
    }
    program = built;
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'generated-code-'));
    symbolizer = new TracedSymbolizer({ cacheDir: null, workers: 2, log: () => {} });
  });

  afterEach(async () => {
    await symbolizer.close();
    await Promise.all(started.map(end));
    for (const path of written) for (const one of [path, `${path}.2`]) rmSync(one, { force: true });
    started = [];
    written = new Set();
    rmSync(folder, { recursive: true });
  });

  async function start(generations: number, options: { uid?: number; path?: string } = {}): Promise<Forker> {
    const { uid, path = program } = options;
    const child = spawn(path, [String(generations)], { stdio: ['pipe', 'pipe', 'inherit'], uid, gid: uid });
    let text = '';
    for await (const piece of child.stdout!) {
      text += piece;
      if (text.includes('\n')) break;
    }
    const [code, ...pids] = text.trim().split(' ');
    const forker = { child, pids: pids.map(Number), code: Number.parseInt(code, 16) };
    started.push(forker);
    return forker;
  }

  async function end({ child }: Forker): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.stdin!.end();
    await once(child, 'exit');
  }

  /** `functions`: name by offset in the generated code, 16 bytes each. */
  function write(pid: number, code: number, functions: Record<number, string>, suffix = ''): string {
    const path = `/tmp/perf-${pid}.map${suffix}`;
    const lines = Object.entries(functions).map(([at, name]) => `${(code + Number(at)).toString(16)} 10 ${name}\n`);
    writeFileSync(path, lines.join(''));
    written.add(path);
    return path;
  }

  async function nameAt(pid: number, address: number): Promise<string> {
    const [[frame]] = await symbolizer.resolve(pid, [], [address]);
    return frame.name;
  }

  async function changed(pid: number): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!symbolizer.jitChanged(pid)) {
      assert.ok(Date.now() < deadline, 'no change was seen');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('reads a perf map anew that was written anew in place, longer, as long or shorter', async () => {
    const { pids, code } = await start(0);
    const [pid] = pids;
    write(pid, code, { 0: 'early_0', 16: 'early_1' });
    symbolizer.addProcess(pid);
    assert.equal(await nameAt(pid, code), 'early_0');
    for (const functions of [
      { 0: 'later_name_0', 16: 'later_name_1', 32: 'later_name_2' },
      { 0: 'third_name_0', 16: 'third_name_1', 32: 'third_name_2' },
      { 0: 'last' },
    ] as Record<number, string>[]) {
      await changed(pid);
      write(pid, code, functions);
      await changed(pid);
      for (const at of [0, 16, 32]) assert.equal(await nameAt(pid, code + at), functions[at] ?? '[anon]');
      // So that the next round has a change to wait for.
      writeFileSync(`/tmp/perf-${pid}.map`, '\n', { flag: 'a' });
    }
  });

  it('reads the map that took the place of a rotated one, and keeps the old names', async () => {
    const { pids, code } = await start(0);
    const [pid] = pids;
    const path = write(pid, code, { 0: 'old', 16: 'recompiled' });
    symbolizer.addProcess(pid);
    assert.equal(await nameAt(pid, code), 'old');
    assert.equal(symbolizer.jitChanged(pid), true);
    renameSync(path, `${path}.1`);
    written.add(`${path}.1`);
    write(pid, code, { 16: 'new' });
    await changed(pid);
    assert.deepEqual([await nameAt(pid, code), await nameAt(pid, code + 16)], ['old', 'new']);
  });

  it('reads a perf map that was written when its process ended', async () => {
    const forker = await start(0);
    const { pids, code } = forker;
    const [pid] = pids;
    symbolizer.addProcess(pid);
    assert.equal(await nameAt(pid, code), '[anon]');
    write(pid, code, { 0: 'written_last' });
    await end(forker);
    symbolizer.processExited(pid);
    assert.equal(await nameAt(pid, code), 'written_last');
  });

  it('names what a forked child inherited, over generations, until it has names of its own', async () => {
    const { pids, code } = await start(2);
    const [first, second, third] = pids;
    write(first, code, { 0: 'inherited', 16: 'replaced' });
    symbolizer.addProcess(first);
    symbolizer.processForked(second, first);
    symbolizer.processForked(third, second);
    // As it looks when those in between are gone.
    for (const pid of [first, second]) {
      symbolizer.processExited(pid);
      await symbolizer.forgotten(pid);
    }
    assert.equal(await nameAt(third, code), 'inherited');
    assert.equal(await nameAt(third, code + 16), 'replaced');
    assert.equal(symbolizer.jitChanged(third), true);
    write(third, code, { 16: 'own' });
    await changed(third);
    assert.deepEqual([await nameAt(third, code), await nameAt(third, code + 16)], ['inherited', 'own']);
  });

  it('finds the parents of a child that was forked before anybody listened', async () => {
    const { pids, code } = await start(2);
    write(pids[0], code, { 0: 'inherited' });
    symbolizer.addProcess(pids[2]);
    assert.equal(await nameAt(pids[2], code), 'inherited');
  });

  it('takes no names from a parent whose program it does not run', async () => {
    const { pids, code } = await start(0);
    // Ours, which we did not fork without an exec.
    write(process.pid, code, { 0: 'of the parent' });
    symbolizer.addProcess(pids[0]);
    assert.equal(await nameAt(pids[0], code), '[anon]');
  });

  it("names Node's functions with their lines by the jitdump that it has mapped, wherever that lies", async () => {
    const script = join(folder, 'spin.mjs');
    writeFileSync(
      script,
      [
        'function spin(n) {',
        '  let sum = 0;',
        '  for (let i = 0; i < n; i++) sum = (sum * 31 + i) | 0;',
        '  return sum;',
        '}',
        'for (let i = 0; i < 300; i++) spin(1e5);',
        // V8 writes its file in pieces of 2 MB.
        'for (let i = 0; i < 3000; i++) new Function("let s = 0; for (let i = 0; i < 9000; i++) s += " + i + "; return s")();',
        "console.log('ready');",
        'process.stdin.resume();',
      ].join('\n'),
    );
    const node = spawn(process.execPath, ['--perf-prof', script], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
    started.push({ child: node, pids: [], code: 0 });
    await once(node.stdout!, 'data');
    const spin = /^JS:[*+]spin /;
    const dump = readFileSync(join(folder, `jit-${node.pid}.dump`));
    const loads = loadsOf(dump).filter(({ name }) => spin.test(name));
    assert.ok(loads.length > 0, 'Node wrote nothing of the function yet');
    const { start, end } = loads[loads.length - 1];
    symbolizer.addProcess(node.pid!);
    const lines = new Set<number | null>();
    for (let address = start; address < end; address += 16) {
      const [[frame]] = await symbolizer.resolve(node.pid!, [], [address]);
      assert.match(frame.name, spin);
      assert.deepEqual([frame.module, frame.functionFile, frame.functionLine], ['[jit]', script, 1]);
      if (frame.line !== null) assert.equal(frame.file, script);
      lines.add(frame.line);
    }
    assert.ok(lines.has(3), `lines ${[...lines]}`);
    assert.ok(
      [...lines].every((line) => line === null || (line >= 1 && line <= 4)),
      `lines ${[...lines]}`,
    );
  });

  it('believes a perf map of root, where it tells nothing that others may not read', async function () {
    if (process.getuid!() !== 0) {
      console.log('      skipped: only root can give files away');
      return this.skip();
    }
    chmodSync(folder, 0o755);
    const path = join(folder, 'forker');
    copyFileSync(program, path);
    const cases: [string, (map: string) => void, RegExp | null][] = [
      ['root', (map) => chmodSync(map, 0o644), null],
      ['root, for itself', (map) => chmodSync(map, 0o600), /others may not read it/],
      ['root, named so by somebody', (map) => linkSync(map, `${map}.2`), /second name/],
      ['the user', (map) => chownSync(map, NOBODY, NOBODY), null],
      ['a third user', (map) => chownSync(map, 1, 1), /belongs to user 1, neither to root nor to the process's user/],
    ];
    for (const [owner, prepare, why] of cases) {
      const { pids, code } = await start(0, { uid: NOBODY, path });
      prepare(write(pids[0], code, { 0: 'named' }));
      symbolizer.addProcess(pids[0]);
      assert.equal(await nameAt(pids[0], code), why === null ? 'named' : '[anon]', owner);
      const said = symbolizer.badFiles().find((file) => file.path === `/tmp/perf-${pids[0]}.map`);
      if (why === null) assert.equal(said, undefined, owner);
      else assert.match(said?.why ?? '', why, owner);
    }
  });
});
