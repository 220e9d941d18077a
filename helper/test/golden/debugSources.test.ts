// Where symbols of stripped programs come from: .gnu_debugdata, debug files in folders of the user's, debug links, and
// what is said of those that do not fit. Made with binutils and xz as distributions do; compared with nm and gdb.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { openDebugFiles } from '../../src/elf/debugFiles';
import { OWN_ROOT } from '../../src/process/roots';
import { build, has, run } from './symbolize/build';
import { offsetOf, openForTest } from './symbolize/oracle';

const FLAGS = ['-g', '-O1', '-fno-inline', '-rdynamic'];

function ring(name: string, flags: string[] = []): string | null {
  return build(name, ['gcc', ...FLAGS, ...flags, 'ring.c', '-o', 'OUT'], ['ring.c', 'ring.h']);
}

function functionsOf(file: string, ...flags: string[]): { name: string; address: number }[] {
  const lines = run('nm', '--defined-only', ...flags, file).split('\n');
  return lines.flatMap((line) => {
    const match = /^([0-9a-f]+) [tT] (\w+)$/.exec(line);
    return match ? [{ address: Number.parseInt(match[1], 16), name: match[2] }] : [];
  });
}

/** As GDB's manual says to make it. `compressed`: what stands in the section. */
function withMiniDebug(folder: string, whole: string, compress: (mini: Buffer) => Buffer): string {
  const exported = new Set(functionsOf(whole, '-D').map(({ name }) => name));
  const kept = functionsOf(whole).filter(({ name }) => !exported.has(name));
  const file = (name: string) => join(folder, name);
  writeFileSync(file('kept'), kept.map(({ name }) => `${name}\n`).join(''));
  run('objcopy', '--only-keep-debug', whole, file('debug'));
  run('objcopy', '-S', '--remove-section', '.comment', `--keep-symbols=${file('kept')}`, file('debug'), file('mini'));
  writeFileSync(file('mini.xz'), compress(readFileSync(file('mini'))));
  run('objcopy', '--strip-all', `--add-section=.gnu_debugdata=${file('mini.xz')}`, whole, file('stripped'));
  return file('stripped');
}

const xz = (mini: Buffer, ...options: string[]) =>
  execFileSync('xz', ['-c', ...options], { input: mini, maxBuffer: 1 << 28 });

describe('symbols in .gnu_debugdata', function () {
  this.timeout(60_000);
  let folder: string;
  let whole: string;
  before(function () {
    const built = ring('c-exported');
    if (built === null || !has('objcopy') || !has('xz')) {
      console.log('      skipped: needs gcc, objcopy and xz');
      return this.skip();
    }
    whole = built;
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Names that we give to the functions of `whole` in the stripped program. */
  async function namesIn(stripped: string) {
    const opened = await openForTest(stripped);
    const named = functionsOf(whole)
      .filter(({ address }) => opened.elf.isCode(address))
      .map(({ name, address }) => ({
        name,
        address,
        ours: opened.symbols.placesOf(offsetOf(opened.elf, address))[0].name,
      }));
    opened.close();
    return { named, problems: [...opened.symbols.problems] };
  }

  for (const options of [[], ['-9e'], ['--check=crc32'], ['--block-size=1KiB']])
    it(`name what .dynsym does not, xz ${options.join(' ')}`, async () => {
      const stripped = withMiniDebug(folder, whole, (mini) => xz(mini, ...options));
      const { named, problems } = await namesIn(stripped);
      assert.deepEqual(problems, []);
      const exported = new Set(functionsOf(whole, '-D').map(({ name }) => name));
      assert.ok(named.filter(({ name }) => exported.has(name)).length >= 2);
      assert.ok(named.filter(({ name }) => !exported.has(name)).length >= 4);
      for (const { name, ours } of named) assert.equal(ours, name);
    });

  it('are those that gdb finds', async function () {
    if (!has('gdb')) {
      console.log('      skipped: gdb is not installed');
      return this.skip();
    }
    const stripped = withMiniDebug(folder, whole, (mini) => xz(mini));
    const { named } = await namesIn(stripped);
    const commands = named.flatMap(({ address }) => ['-ex', `info symbol ${address}`]);
    const answer = spawnSync('gdb', ['-nx', '-batch', ...commands, stripped], { encoding: 'utf8' }).stdout;
    const names = [...answer.matchAll(/^(\w+) in section/gm)].map(([, name]) => name);
    assert.deepEqual(
      named.map(({ ours }) => ours),
      names,
    );
  });

  const damaged: [string, RegExp, (mini: Buffer) => Buffer][] = [
    ['is cut off', /gnu_debugdata/, (mini) => xz(mini).subarray(0, 200)],
    ['has wrong bytes', /gnu_debugdata/, (mini) => Buffer.from(xz(mini)).fill(0xa5, 100, 140)],
    ['is no xz', /not in xz format/, (mini) => mini],
    ['holds no program', /not an ELF file|too small/, () => xz(Buffer.from('hello'.repeat(100)))],
    ['is a bomb', /inflates to more than/, () => xz(Buffer.alloc(60 << 20))],
    ['asks for much memory', /dictionary/, (mini) => Buffer.from(xz(mini, '--lzma2=dict=512MiB'))],
    [
      'asks for much memory in its second block',
      /gnu_debugdata/,
      (mini) => withDictionaryOf4GiB(xz(Buffer.concat([mini, mini]), `--block-size=${mini.length}`)),
    ],
  ];
  for (const [what, why, compress] of damaged)
    it(`cost nothing but themselves where the section ${what}`, async () => {
      const stripped = withMiniDebug(folder, whole, compress);
      const { named, problems } = await namesIn(stripped);
      assert.match(problems.join(), why);
      const exported = new Set(functionsOf(whole, '-D').map(({ name }) => name));
      for (const { name, ours } of named) if (exported.has(name)) assert.equal(ours, name);
    });
});

/** Changes the last block's header, whose checksum goes with it. */
function withDictionaryOf4GiB(compressed: Buffer): Buffer {
  const { crc32 } = require('node:zlib') as { crc32?: (data: Buffer) => number };
  const out = Buffer.from(compressed);
  // Header size, flags (no sizes), LZMA2, one byte of properties.
  for (let at = out.length - 12; at > 24; at--) {
    const sizeBytes = (out[at] + 1) * 4;
    const flags = out[at + 1];
    const filter = at + 2 + (flags & 0x40 ? lebBytes(out, at + 2) : 0);
    const properties = flags & 0x80 ? filter + lebBytes(out, filter) : filter;
    if (at % 4 !== 0 || (flags & 0x3f) !== 0 || out[properties] !== 0x21 || out[properties + 1] !== 1) continue;
    out[properties + 2] = 40;
    const sum = crc32 ? crc32(out.subarray(at, at + sizeBytes - 4)) : 0;
    out.writeUInt32LE(sum, at + sizeBytes - 4);
    return out;
  }
  throw new Error('no second block');
}

function lebBytes(data: Buffer, at: number): number {
  let count = 1;
  while (data[at + count - 1] & 0x80) count++;
  return count;
}

describe('debug files of the user', function () {
  this.timeout(60_000);
  let folder: string;
  let whole: string;
  before(function () {
    const built = ring('c-exported');
    if (built === null || !has('objcopy')) {
      console.log('      skipped: gcc or objcopy is not installed');
      return this.skip();
    }
    whole = built;
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Paths of the candidates for the program at `path`. */
  async function candidates(path: string, folders: string[]): Promise<string[]> {
    const opened = await openForTest(path);
    const { buildId } = opened.elf;
    const description = { buildId, debugLink: opened.elf.debugLink(), wantsDebugFile: true };
    opened.close();
    const { closeSync } = await import('node:fs');
    return openDebugFiles({ path, root: OWN_ROOT }, description, () => 1, folders).map(({ path, fd }) => {
      closeSync(fd);
      return path;
    });
  }

  it('are found as dbgsym packages unpack, as /usr/lib/debug is laid out, and by debug link', async () => {
    const stripped = join(folder, 'bin', 'stripped');
    mkdirSync(dirname(stripped));
    const debug = join(folder, 'stripped.debug');
    run('objcopy', '--only-keep-debug', whole, debug);
    run('objcopy', '--strip-all', `--add-gnu-debuglink=${debug}`, whole, stripped);
    const opened = await openForTest(stripped);
    const id = opened.elf.buildId!;
    opened.close();
    const byId = `.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`;
    const places = [
      ['unpacked', `usr/lib/debug/${byId}`],
      ['laid', byId],
      ['flat', 'stripped.debug'],
      ['mirrored', `${dirname(stripped)}/stripped.debug`.slice(1)],
    ];
    for (const [name, place] of places) {
      const own = join(folder, name);
      mkdirSync(dirname(join(own, place)), { recursive: true });
      copyFileSync(debug, join(own, place));
      assert.deepEqual(await candidates(stripped, [own]), [join(own, place)], name);
    }
    assert.deepEqual(await candidates(stripped, []), []);
  });

  it('are read with their lines; another build is said, by what differs', async () => {
    const other = ring('c-exported-other', ['-O0'])!;
    const [stripped, debug] = [join(folder, 'stripped'), join(folder, 'stripped.debug')];
    run('objcopy', '--only-keep-debug', whole, debug);
    run('objcopy', '--strip-all', `--add-gnu-debuglink=${debug}`, whole, stripped);
    const address = functionsOf(whole).find(({ name }) => name === 'main')!.address;
    const good = await openForTest(stripped, debug);
    const place = good.symbols.placesOf(offsetOf(good.elf, address))[0];
    good.close();
    assert.equal(basename(place.file ?? ''), 'ring.c');
    const byId = await openForTest(stripped, other);
    const byCrc = await openForTest(stripped, other, good.elf.debugLink()!.crc);
    byId.close();
    byCrc.close();
    assert.match([...byId.symbols.problems].join(), /belongs to another build: its build-id differs/);
    assert.match([...byCrc.symbols.problems].join(), /belongs to another build: its checksum/);
  });
});
