// Unwind tables against binutils' and LLVM's own interpretation of the same sections: every row of a fixed set of the
// system's files and of programs built here in the variants that toolchains produce. The whole system: unwindSystem.test.ts.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DescribedRow } from '../../src/unwind/describe';
import { TableCompiler } from '../../src/unwind/load/compiler';
import {
  kindOf,
  ROW_WORDS,
  UNWIND_DEREF_FP,
  UNWIND_END,
  UNWIND_GO,
  UNWIND_NONE,
  UNWIND_PLT,
  UNWIND_SIGNAL_RETURN,
} from '../../src/unwind/rows';
import type { UnwindTable } from '../../src/unwind/table';
import { build, has, OUTPUT, tableOf } from './unwind/build';
import { compareSignedWithLlvm } from './unwind/llvmOracle';
import { compareWithReadelf } from './unwind/readelfOracle';

const MAX_UNEXPRESSIBLE = 0.001;
const LIBRARIES = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
const SYSTEM_FILES = [
  `${LIBRARIES}/libc.so.6`,
  `${LIBRARIES}/libm.so.6`,
  `${LIBRARIES}/libstdc++.so.6`,
  `${LIBRARIES}/libgcc_s.so.1`,
  `${LIBRARIES}/libcrypto.so.3`,
  `${LIBRARIES}/ld-linux-x86-64.so.2`,
  process.execPath,
  '/usr/bin/python3',
  '/usr/bin/bash',
  '/usr/bin/perl',
  '/usr/bin/openssl',
  '/usr/bin/git',
  '/usr/bin/gdb',
];

const C = 'frames.c';
const CXX = 'throws.cpp';
const VARIANTS: [string, string[][], string][] = [
  ...[
    ['gcc-O0', 'gcc', '-O0'],
    ['gcc-O2', 'gcc', '-O2'],
    ['gcc-Os', 'gcc', '-Os', '-fomit-frame-pointer'],
    ['gcc-O2-fp', 'gcc', '-O2', '-fno-omit-frame-pointer', '-mno-omit-leaf-frame-pointer'],
    ['gcc-O3-avx', 'gcc', '-O3', '-march=haswell'],
    ['gcc-O2-args', 'gcc', '-O2', '-mno-red-zone', '-mno-accumulate-outgoing-args'],
    ['gcc-O2-lazy', 'gcc', '-O2', '-Wl,-z,lazy'],
    ['gcc-O2-cet-lazy', 'gcc', '-O2', '-fcf-protection=full', '-Wl,-z,lazy,-z,ibtplt'],
    ['gcc-O2-gold', 'gcc', '-O2', '-fuse-ld=gold', '-Wl,-z,lazy'],
    ['gcc-O2-lld', 'gcc', '-O2', '-fuse-ld=lld', '-Wl,-z,lazy'],
    ['gcc-O2-nopie', 'gcc', '-O2', '-no-pie', '-fno-pie'],
    ['gcc-O2-static', 'gcc', '-O2', '-static'],
    ['gcc-O2-static-pie', 'gcc', '-O2', '-static-pie'],
    ['gcc-O2-large-model', 'gcc', '-O2', '-mcmodel=large', '-fno-pie', '-no-pie'],
    ['gcc-O2-no-header', 'gcc', '-O2', '-Wl,--no-eh-frame-hdr'],
    ['gcc-O2-sections', 'gcc', '-O2', '-ffunction-sections', '-Wl,--gc-sections'],
    ['clang-O0', 'clang', '-O0'],
    ['clang-O2', 'clang', '-O2'],
    ['clang-O3-lld', 'clang', '-O3', '-fuse-ld=lld', '-Wl,-z,lazy'],
    ['clang-O2-fp', 'clang', '-O2', '-fno-omit-frame-pointer', '-mno-omit-leaf-frame-pointer'],
  ].map(([name, ...command]): [string, string[][], string] => [`c-${name}`, [[...command, '-o', 'OUT', C]], C]),
  ['cxx-gcc-O2', [['g++', '-std=c++17', '-O2', '-o', 'OUT', CXX]], CXX],
  ['cxx-gcc-O3-lto', [['g++', '-std=c++17', '-O3', '-flto', '-o', 'OUT', CXX]], CXX],
  ['cxx-clang-O2', [['clang++', '-std=c++17', '-O2', '-o', 'OUT', CXX]], CXX],
  ['odd-gas', [['gcc', '-shared', '-o', 'OUT', 'odd.S']], 'odd.S'],
];
const CLI = join(__dirname, '../../src/cli/main.js');
const NO_EH = [
  '-g',
  '-O2',
  '-fno-asynchronous-unwind-tables',
  '-fno-unwind-tables',
  '-nostartfiles',
  '-shared',
  '-fPIC',
];
const DEBUG_FRAME_VARIANTS: [string, string[]][] = [
  ['gcc-dwarf4', ['gcc', ...NO_EH, '-gdwarf-4']],
  ['gcc-dwarf5-64', ['gcc', ...NO_EH, '-gdwarf-5', '-gdwarf64']],
  ['gcc-zlib', ['gcc', ...NO_EH, '-gz=zlib']],
  ['gcc-zlib-gnu', ['gcc', ...NO_EH, '-gz=zlib-gnu']],
  ['clang', ['clang', ...NO_EH]],
];

async function compare(path: string, section = '.eh_frame'): Promise<UnwindTable> {
  const { table, arch, isLinkers } = await tableOf(path);
  const found = await compareWithReadelf(path, table, arch, section, isLinkers);
  assert.ok(found.rows > 0, 'readelf has rows');
  assert.deepEqual({ wrong: found.wrong, examples: found.examples }, { wrong: 0, examples: [] });
  assert.deepEqual(table.problems, []);
  assert.ok(rising(table.rows), 'rows rise');
  return table;
}

function rising(rows: Uint32Array): boolean {
  for (let at = ROW_WORDS; at < rows.length; at += ROW_WORDS) if (rows[at] <= rows[at - ROW_WORDS]) return false;
  return true;
}

function kinds(table: UnwindTable): Set<number> {
  const found = new Set<number>();
  for (let at = 1; at < table.rows.length; at += ROW_WORDS) found.add(kindOf(table.rows[at]));
  return found;
}

function unexpressibleShare(table: UnwindTable): number {
  return table.unexpressible.reduce((sum, { count }) => sum + count, 0) / (table.rows.length / ROW_WORDS);
}

describe('unwind tables against readelf', function () {
  this.timeout(120_000);
  before(function () {
    if (has('readelf')) return;
    console.log('      skipped: readelf (binutils) is not installed');
    this.skip();
  });

  for (const path of SYSTEM_FILES)
    it(`agree on ${path}`, async function () {
      if (!existsSync(path)) {
        console.log(`      skipped: there is no ${path}`);
        this.skip();
      }
      assert.ok(unexpressibleShare(await compare(realpathSync(path))) < MAX_UNEXPRESSIBLE);
    });

  for (const [name, commands, source] of VARIANTS)
    it(`agree on ${name}`, async function () {
      const path = build(name, commands, source);
      if (path === null) {
        console.log(`      skipped: ${commands[0].slice(0, -3).join(' ')} does not work here`);
        this.skip();
      }
      const table = await compare(path);
      if (source !== 'odd.S') assert.ok(unexpressibleShare(table) < MAX_UNEXPRESSIBLE);
      if (name === 'c-gcc-O2') assert.ok(kinds(table).has(UNWIND_DEREF_FP), 'a realigned stack');
      if (name === 'c-gcc-O2-lazy' || name === 'c-gcc-O2-lld') assert.ok(kinds(table).has(UNWIND_PLT), 'a lazy PLT');
      if (name === 'c-gcc-O2-static') assert.ok(kinds(table).has(UNWIND_SIGNAL_RETURN), 'a signal trampoline');
    });

  for (const [name, command] of DEBUG_FRAME_VARIANTS)
    it(`agree on .debug_frame alone: ${name}`, async function () {
      const path = build(`debug-frame-${name}`, [[...command, '-o', 'OUT', C]], C);
      if (path === null) {
        console.log(`      skipped: ${command.join(' ')} does not work here`);
        this.skip();
      }
      await compare(path, '.debug_frame');
    });

  it('take .debug_frame from a separate debug file', async function () {
    const whole = build('debug-frame-gcc-dwarf4', [['gcc', ...NO_EH, '-gdwarf-4', '-o', 'OUT', C]], C);
    if (whole === null || !has('objcopy')) {
      console.log('      skipped: needs gcc and objcopy');
      this.skip();
    }
    const debug = build('debug-frame.debug', [['objcopy', '--only-keep-debug', whole, 'OUT']], C)!;
    const stripped = build('debug-frame-stripped', [['strip', '-o', 'OUT', whole]], C)!;
    // Jump stubs are known all the same.
    assert.ok((await tableOf(stripped)).table.rows.length <= 5 * ROW_WORDS);
    const { table } = await tableOf(stripped, debug);
    assert.ok(table.rows.length > 20 * ROW_WORDS);
    assert.deepEqual(table.rows, (await tableOf(whole)).table.rows);
  });

  it('are completed from a separate debug file where code is left open, in a recording and on the command line', async function () {
    // A program of which only the start-up code says how it is unwound.
    const flags = ['-g', '-O2', '-fno-asynchronous-unwind-tables', '-fno-unwind-tables'];
    const whole = build('open-gcc', [['gcc', ...flags, '-o', 'OUT', C]], C);
    if (whole === null || !has('objcopy')) {
      console.log('      skipped: needs gcc and objcopy');
      this.skip();
    }
    const debug = build('open.debug', [['objcopy', '--only-keep-debug', whole, 'OUT']], C)!;
    const link = `--add-gnu-debuglink=${debug}`;
    const stripped = build('open-stripped', [['objcopy', '--strip-all', link, whole, 'OUT']], C)!;
    const wanted = (await tableOf(whole)).table.rows;
    assert.ok(wanted.length > (await tableOf(stripped)).table.rows.length + 20 * ROW_WORDS);

    const printed = spawnSync(process.execPath, [CLI, 'unwind-table', '--json', stripped], { encoding: 'utf8' });
    assert.equal(JSON.parse(printed.stdout).rows.length, wanted.length / ROW_WORDS);

    const compiler = new TableCompiler(null);
    const fds: number[] = [];
    const handle = (path: string, id: number) => {
      fds.push(openSync(path, 'r'));
      return { id, fd: fds.at(-1)!, sizeBytes: statSync(path).size, path, crc: null };
    };
    try {
      const [program, candidate, foreign] = [stripped, debug, process.execPath].map((path, i) => handle(path, i + 1));
      const from = { fileId: program.id, fd: program.fd, sizeBytes: program.sizeBytes };
      const own = await compiler.request(from);
      assert.equal(own.wants?.debugLink?.name, basename(debug));
      const completed = await compiler.request(from, [foreign, candidate]);
      assert.deepEqual([...completed.table.rows], [...wanted]);
      const { table } = await compiler.request(from, [foreign]);
      assert.deepEqual([...table.rows], [...own.table.rows]);
      assert.match(table.problems.join(), /belongs to another build/);
      // The C library has unwind information throughout.
      const { fd, sizeBytes } = handle(SYSTEM_FILES.find((path) => existsSync(path))!, 4);
      assert.equal((await compiler.request({ fileId: 4, fd, sizeBytes })).wants, null);
      await assert.rejects(compiler.request({ fileId: 4, fd, sizeBytes, expectedBuildId: 'abab' }), /another build/);
    } finally {
      compiler.close();
      for (const fd of fds) closeSync(fd);
    }
  });

  it('read the tables of Go, of stripped programs too', async function () {
    const command = ['go', 'build', '-o', 'OUT', 'server.go'];
    const whole = has('go') ? build('go', [command], 'server.go') : null;
    if (whole === null) {
      console.log('      skipped: there is no go');
      this.skip();
    }
    const table = await compare(whole, '.debug_frame');
    const found = kinds(table);
    assert.ok(table.keepsFramePointers && found.has(UNWIND_END));
    assert.ok(process.arch !== 'x64' || found.has(UNWIND_GO));
    const stripped = build('go-stripped', [['go', 'build', '-ldflags=-s -w', '-o', 'OUT', 'server.go']], 'server.go')!;
    assert.deepEqual((await tableOf(stripped)).table.rows, table.rows);
  });

  it('read the tables of Go for arm64', async function () {
    const command = ['env', 'GOARCH=arm64', 'go', 'build', '-o', 'OUT', 'server.go'];
    const why = !process.env.MATRIX ? 'takes a minute: MATRIX=1' : has('go') ? null : 'there is no go';
    if (why !== null) {
      console.log(`      skipped: ${why}`);
      this.skip();
    }
    await compare(build('go-arm64', [command], 'server.go')!, '.debug_frame');
  });

  it('do without section headers', async function () {
    const whole = build('c-gcc-O2', [['gcc', '-O2', '-o', 'OUT', C]], C);
    if (whole === null) {
      console.log('      skipped: there is no gcc');
      this.skip();
    }
    const bytes = readFileSync(whole);
    bytes.fill(0, 0x28, 0x30);
    bytes.fill(0, 0x3c, 0x40);
    const bare = join(OUTPUT, 'without-sections');
    writeFileSync(bare, bytes);
    assert.deepEqual((await tableOf(bare)).table.rows, (await tableOf(whole)).table.rows);
  });

  const arm64 = ['clang', '--target=aarch64-linux-gnu', '-O1', '-fPIC', '-nostdlib', '-shared', '-fuse-ld=lld'];
  const signedArm64 = () =>
    build('signed-arm64', [[...arm64, '-mbranch-protection=pac-ret', '-o', 'OUT', 'signed.c']], 'signed.c');

  it('know arm64', async function () {
    const path = signedArm64();
    const frames = build(
      'frames-arm64',
      [[...arm64, '-fasynchronous-unwind-tables', '-Wl,-z,lazy', '-o', 'OUT', C]],
      C,
    );
    if (path === null || frames === null) {
      console.log('      skipped: clang cannot make arm64 libraries here (needs lld)');
      this.skip();
    }
    for (const file of [path, frames]) await compare(file);
  });

  it('know signed return addresses of arm64', async function () {
    const path = signedArm64();
    if (path === null || !has('llvm-dwarfdump')) {
      console.log('      skipped: clang cannot make arm64 libraries here (needs lld), or there is no llvm-dwarfdump');
      this.skip();
    }
    const { table } = await tableOf(path);
    const found = compareSignedWithLlvm(path, table);
    assert.ok(found.signed > 0 && found.unsigned > 0);
    assert.deepEqual(found.wrong, []);
  });
});

describe('ebpf-tracer unwind-table', function () {
  this.timeout(60_000);
  const path = existsSync(SYSTEM_FILES[0]) ? SYSTEM_FILES[0] : process.execPath;
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [CLI, 'unwind-table', ...args], { encoding: 'utf8', maxBuffer: 1 << 30 });

  it('prints every row as JSON', async () => {
    const { table } = await tableOf(path);
    const printed = run(path, '--json');
    assert.equal(printed.status, 0, printed.stderr);
    const { buildId, arch, rows } = JSON.parse(printed.stdout) as {
      buildId: string;
      arch: string;
      rows: DescribedRow[];
    };
    assert.deepEqual([buildId, arch, rows.length], [table.buildId, table.arch, table.rows.length / ROW_WORDS]);
    const last = rows.at(-1)!;
    assert.deepEqual(last, { pc: last.pc, cfa: null, fp: null, ra: null, raSigned: false, signalFrame: false });
    assert.equal(kindOf(table.rows.at(-1)!), UNWIND_NONE);
    assert.ok(rows.some(({ cfa, fp }) => typeof cfa === 'object' && cfa?.offset === 16 && fp?.offset === -16));
  });

  it('prints a table for people', () => {
    const printed = run(path);
    assert.equal(printed.status, 0, printed.stderr);
    const lines = printed.stdout.split('\n');
    assert.match(lines[0], /^build-id [0-9a-f]{40}, (x86-64|aarch64), \d+ rows/);
    assert.match(lines[2], /^address +CFA +saved (rbp|x29) +return address$/);
    assert.match(lines[3], /^[0-9a-f]{16} {2}\S+ +\S+ +\S+$/);
  });

  it('says what is wrong with a file, and what to do', () => {
    const text = run('/etc/passwd');
    assert.equal(text.status, 1);
    assert.match(text.stderr, /^ebpf-tracer: \/etc\/passwd is no program.*: not an ELF file\.\nGive an ELF file/);
    const missing = run('/no/such/file', '--json');
    assert.equal(missing.status, 1);
    assert.equal(JSON.parse(missing.stdout).error.code, 'FILE_UNREADABLE');
    assert.equal(run('/dev/zero').status, 1);
    assert.equal(run().status, 2);
  });
});
