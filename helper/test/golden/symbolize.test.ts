// Symbolization against llvm-symbolizer, addr2line and Go's own addr2line, on programs built here in the variants that
// toolchains produce, and on the C library of the system.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from '../../src/bytes/crc32';
import { shortGoName } from '../../src/runtimes/go/shortName';
import { build, has, OUTPUT, run } from './symbolize/build';
import { askLlvm, compare, offsetOf, openForTest, sampleAddresses } from './symbolize/oracle';

/** Share of addresses that may differ, and why they do: several functions that linkers folded into one address. */
const MAX_DIFFERENT = 0.005;
const ADDRESSES = 3_000;

const C_VARIANTS: [string, string[]][] = [
  ['c-gcc-O0-dwarf4', ['gcc', '-g', '-O0', '-gdwarf-4']],
  ['c-gcc-O2-dwarf5', ['gcc', '-g', '-O2', '-gdwarf-5']],
  ['c-gcc-O2-dwarf3', ['gcc', '-g', '-O2', '-gdwarf-3', '-gstrict-dwarf']],
  ['c-gcc-O2-dwarf2', ['gcc', '-g', '-O2', '-gdwarf-2', '-gstrict-dwarf']],
  ['c-gcc-O2-dwarf64', ['gcc', '-g', '-O2', '-gdwarf-5', '-gdwarf64']],
  ['c-gcc-O2-gz', ['gcc', '-g', '-O2', '-gz=zlib']],
  ['c-gcc-O2-gz-gnu', ['gcc', '-g', '-O2', '-gz=zlib-gnu']],
  ['c-gcc-O2-nopie', ['gcc', '-g', '-O2', '-no-pie']],
  ['c-gcc-O2-static', ['gcc', '-g', '-O2', '-static']],
  ['c-gcc-O2-static-pie', ['gcc', '-g', '-O2', '-static-pie']],
  ['c-gcc-O2-lto', ['gcc', '-g', '-O2', '-flto']],
  ['c-gcc-O2-sections', ['gcc', '-g', '-O2', '-ffunction-sections', '-Wl,--gc-sections']],
  ['c-gcc-O2-gmlt', ['gcc', '-g1', '-O2']],
  ['c-clang-O0-dwarf5', ['clang', '-g', '-O0', '-gdwarf-5']],
  ['c-clang-O2-dwarf4', ['clang', '-g', '-O2', '-gdwarf-4']],
  ['c-clang-O2-dwarf5', ['clang', '-g', '-O2', '-gdwarf-5']],
  ['c-clang-O2-gmlt', ['clang', '-gline-tables-only', '-O2']],
  ['c-clang-O2-split', ['clang', '-g', '-O2', '-gdwarf-5', '-gsplit-dwarf=single']],
];
const CXX_VARIANTS: [string, string[]][] = [
  ['cxx-gcc-O0-dwarf4', ['g++', '-std=c++17', '-g', '-O0', '-gdwarf-4']],
  ['cxx-gcc-O2-dwarf5', ['g++', '-std=c++17', '-g', '-O2', '-gdwarf-5']],
  ['cxx-clang-O2-dwarf5-gz', ['clang++', '-std=c++17', '-g', '-O2', '-gdwarf-5', '-gz']],
];
const RUST_VARIANTS: [string, string[]][] = [
  ['rust-O0', ['rustc', '-g']],
  ['rust-O2', ['rustc', '-g', '-O', '-C', 'symbol-mangling-version=v0']],
  ['rust-O2-dwarf5', ['rustc', '-g', '-O', '-C', 'dwarf-version=5']],
];

describe('symbolization against llvm-symbolizer', function () {
  this.timeout(120_000);
  before(function () {
    if (!has('llvm-symbolizer')) {
      console.log('      skipped: llvm-symbolizer is not installed');
      this.skip();
    }
  });

  const cases: [string, string[], string][] = [
    ...C_VARIANTS.map(([name, command]): [string, string[], string] => [name, command, 'ring.c']),
    ...CXX_VARIANTS.map(([name, command]): [string, string[], string] => [name, command, 'words.cpp']),
    ...RUST_VARIANTS.map(([name, command]): [string, string[], string] => [name, command, 'shapes.rs']),
  ];
  for (const [name, command, source] of cases)
    it(name, async function () {
      const file = build(name, [...command, source, '-o', 'OUT'], source === 'ring.c' ? [source, 'ring.h'] : [source]);
      if (file === null) {
        console.log(`      skipped: ${command.join(' ')} did not build`);
        return this.skip();
      }
      // LLVM has given up GNU's own form of compression.
      await expectAgreement(file, null, name.endsWith('gz-gnu') ? decompressed(file) : file);
    });

  it('a program of which the debug information was stripped into a file of its own', async function () {
    const whole = build(
      'c-gcc-O2-dwarf5',
      ['gcc', '-g', '-O2', '-gdwarf-5', 'ring.c', '-o', 'OUT'],
      ['ring.c', 'ring.h'],
    );
    if (whole === null || !has('objcopy')) {
      console.log('      skipped: gcc or objcopy is not installed');
      return this.skip();
    }
    const debug = join(OUTPUT, 'stripped.debug');
    const stripped = join(OUTPUT, 'stripped');
    run('objcopy', '--only-keep-debug', '--compress-debug-sections', whole, debug);
    run('objcopy', '--strip-all', whole, stripped);
    const before = await openForTest(stripped);
    assert.equal(before.symbols.placesOf(offsetOf(before.elf, before.elf.section('.text')!.address))[0].file, null);
    before.close();
    await expectAgreement(stripped, debug, whole);
  });

  it('the debug link of a program without a build-id, by its CRC', async function () {
    if (!has('objcopy')) {
      console.log('      skipped: objcopy is not installed');
      return this.skip();
    }
    const whole = build(
      'c-gcc-no-build-id',
      ['gcc', '-g', '-O2', '-Wl,--build-id=none', 'ring.c', '-o', 'OUT'],
      ['ring.c', 'ring.h'],
    );
    if (whole === null) {
      console.log('      skipped: gcc is not installed');
      return this.skip();
    }
    const debug = join(OUTPUT, 'linked.debug');
    const stripped = join(OUTPUT, 'linked');
    run('objcopy', '--only-keep-debug', whole, debug);
    run('objcopy', '--strip-all', `--add-gnu-debuglink=${debug}`, whole, stripped);
    const opened = await openForTest(stripped);
    const link = opened.elf.debugLink();
    opened.close();
    assert.equal(opened.elf.buildId, null);
    assert.deepEqual(link, { name: 'linked.debug', crc: crc32(readFileSync(debug)) });
    const wrong = await openForTest(stripped, debug, link!.crc ^ 1);
    assert.equal(wrong.symbols.placesOf(offsetOf(wrong.elf, wrong.elf.section('.text')!.address))[0].name, null);
    wrong.close();
    await expectAgreement(stripped, debug, whole, link!.crc);
  });

  it('the C library with its debug file', async function () {
    const libc = spawnSync('ldd', [process.execPath], { encoding: 'utf8' }).stdout.match(/(\S*libc\.so\.6) \(/)?.[1];
    if (!libc) {
      console.log('      skipped: ldd names no C library for this Node');
      return this.skip();
    }
    const opened = await openForTest(libc);
    const id = opened.elf.buildId;
    opened.close();
    const debug = `/usr/lib/debug/.build-id/${id?.slice(0, 2)}/${id?.slice(2)}.debug`;
    try {
      readFileSync(debug, { flag: 'r' });
    } catch {
      console.log('      skipped: libc6-dbg is not installed');
      return this.skip();
    }
    await expectAgreement(libc, debug, debug);
  });
});

/** A copy with the same code, and debug information that every tool can read. */
function decompressed(file: string): string {
  run('objcopy', '--decompress-debug-sections', file, `${file}.plain`);
  return `${file}.plain`;
}

/** `oracle`: the file with everything in it, which llvm-symbolizer is asked about. */
async function expectAgreement(file: string, debug: string | null, oracle = file, crc: number | null = null) {
  const opened = await openForTest(file, debug, crc);
  const whole = oracle === file ? opened : await openForTest(oracle);
  try {
    const addresses = sampleAddresses(whole.elf, ADDRESSES);
    assert.ok(addresses.length > 300, `only ${addresses.length} addresses`);
    const ours = addresses.map((address) => opened.symbols.placesOf(offsetOf(opened.elf, address)));
    const expected = askLlvm(oracle, addresses)!;
    const aliases = aliasesOf(oracle);
    const result = compare(addresses, expected, ours, (name, i) => aliases(name, ours[i].at(-1)!.linkageName));
    const { wrongFunction, wrongLine } = result;
    assert.ok(
      wrongFunction.length <= addresses.length * MAX_DIFFERENT,
      `functions:\n${wrongFunction.slice(0, 20).join('\n')}`,
    );
    assert.ok(wrongLine.length <= addresses.length * MAX_DIFFERENT, `lines:\n${wrongLine.slice(0, 20).join('\n')}`);
    assert.ok(
      ours.filter((places) => places.at(-1)!.name !== null).length >= addresses.length * 0.995,
      'functions without a name',
    );
    // Compiled and linked at once, a program's split information is gone with the object; the line table is left.
    const problems = [...opened.symbols.problems].filter(
      (problem) => !/split debug information is missing/.test(problem),
    );
    assert.deepEqual(problems, []);
  } finally {
    opened.close();
    if (whole !== opened) whole.close();
  }
}

/** Do two linkage names stand for one address? */
function aliasesOf(file: string): (a: string, b: string | null) => boolean {
  const addresses = new Map<string, Set<string>>();
  for (const line of run('nm', '--defined-only', file).split('\n')) {
    const [address, , name] = line.split(' ');
    if (!name) continue;
    const plain = name.replace(/@.*/, '');
    addresses.set(plain, (addresses.get(plain) ?? new Set()).add(address));
  }
  return (a, b) => {
    const ours = addresses.get(b?.replace(/@.*/, '') ?? '');
    return [...(addresses.get(a.replace(/@.*/, '')) ?? [])].some((address) => ours?.has(address));
  };
}

describe('symbolization of Go programs against go tool addr2line', function () {
  this.timeout(120_000);
  const variants: [string, string[]][] = [
    ['go', []],
    ['go-stripped', ['-ldflags=-s -w']],
    ['go-pie', ['-buildmode=pie']],
    ['go-pie-stripped', ['-buildmode=pie', '-ldflags=-s -w']],
  ];
  for (const [name, flags] of variants)
    it(name, async function () {
      const command = ['go', 'build', ...flags, '-o', 'OUT', 'queue.go'];
      const file = has('go') ? build(name, command, ['queue.go']) : null;
      // Where the symbols are gone, Go's tool is asked about the same program with its symbols.
      const whole = build(
        name.replace('-stripped', ''),
        command.filter((f) => f !== '-ldflags=-s -w'),
        ['queue.go'],
      );
      if (file === null || whole === null) {
        console.log('      skipped: go is not installed');
        return this.skip();
      }
      const opened = await openForTest(file);
      const unstripped = await openForTest(whole);
      const addresses = sampleAddresses(unstripped.elf, ADDRESSES);
      const input = `${addresses.map((a) => `0x${a.toString(16)}`).join('\n')}\n`;
      const answer = spawnSync('go', ['tool', 'addr2line', whole], { input, encoding: 'utf8', maxBuffer: 1 << 28 });
      const lines = answer.stdout.trim().split('\n');
      assert.equal(lines.length, addresses.length * 2, answer.stderr);
      const wrong: string[] = [];
      addresses.forEach((address, i) => {
        // Go's tool knows the function and the innermost line, not what was inlined between: see goInlines.test.ts.
        const places = opened.symbols.placesOf(offsetOf(opened.elf, address));
        const [{ file: source, line }] = places;
        const want = `${shortGoName(lines[2 * i])} ${lines[2 * i + 1]}`;
        const got = `${places.at(-1)!.name} ${source ?? '<autogenerated>'}:${line ?? 1}`;
        if (got !== want && lines[2 * i] !== '?') wrong.push(`0x${address.toString(16)}: ${got}, not ${want}`);
      });
      opened.close();
      unstripped.close();
      assert.ok(wrong.length <= addresses.length * MAX_DIFFERENT, `${wrong.length}: ${wrong.slice(0, 20).join('\n')}`);
    });
});

describe('symbolization against addr2line', function () {
  this.timeout(60_000);
  it('agrees on every instruction of a C program', async function () {
    const file = build(
      'c-gcc-O2-dwarf5',
      ['gcc', '-g', '-O2', '-gdwarf-5', 'ring.c', '-o', 'OUT'],
      ['ring.c', 'ring.h'],
    );
    if (file === null || !has('addr2line')) {
      console.log('      skipped: gcc or addr2line is not installed');
      return this.skip();
    }
    const opened = await openForTest(file);
    const addresses = run('objdump', '-d', '-j', '.text', file)
      .split('\n')
      .map((line) => /^ +([0-9a-f]+):/.exec(line)?.[1])
      .filter((address) => address !== undefined)
      .map((address) => Number.parseInt(address, 16));
    const answer = run('addr2line', '-e', file, ...addresses.map((a) => a.toString(16)))
      .trim()
      .split('\n');
    const wrong = addresses.filter((address, i) => {
      const place = opened.symbols.placesOf(offsetOf(opened.elf, address))[0];
      const want = answer[i].replace(/ \(discriminator \d+\)$/, '');
      return !/:[?0]$/.test(want) && want !== `${place.file}:${place.line}`;
    });
    opened.close();
    assert.ok(addresses.length > 200);
    assert.deepEqual(wrong, []);
  });
});

describe('symbolization of jump stubs against objdump', () => {
  const variants: [string, string[]][] = [
    ['plt-default', []],
    ['plt-ibt', ['-fcf-protection', '-Wl,-z,ibtplt']],
    ['plt-now', ['-Wl,-z,now']],
    ['plt-lazy-nopie', ['-no-pie', '-Wl,-z,lazy']],
  ];
  for (const [name, flags] of variants)
    it(name, async function () {
      const file = build(name, ['gcc', '-O1', ...flags, 'ring.c', '-o', 'OUT'], ['ring.c']);
      if (file === null || !has('objdump')) {
        console.log('      skipped: gcc or objdump is not installed');
        return this.skip();
      }
      const opened = await openForTest(file);
      const stubs = [...run('objdump', '-d', file).matchAll(/^([0-9a-f]+) <(\w+@plt)>:$/gm)];
      assert.ok(stubs.length > 0);
      for (const [, address, stub] of stubs)
        for (const inside of [0, 7]) {
          const place = opened.symbols.placesOf(offsetOf(opened.elf, Number.parseInt(address, 16) + inside))[0];
          assert.equal(place.name, stub);
        }
      opened.close();
    });
});

describe('languages whose names no library demangles', function () {
  this.timeout(60_000);
  it('D: the debug information has a short name', async function () {
    const file = has('gdc') ? build('d-gdc-O1', ['gdc', '-g', '-O1', 'shapes.d', '-o', 'OUT'], ['shapes.d']) : null;
    if (file === null) {
      console.log('      skipped: gdc is not installed');
      return this.skip();
    }
    const opened = await openForTest(file);
    const named = run('nm', '--defined-only', file)
      .split('\n')
      .flatMap((line) => /^([0-9a-f]+) [TW] (_D\w*?(?:5twice|5mixed)M?F\w*|_Dmain)$/.exec(line)?.slice(1, 3) ?? [])
      .map((text, i, all) => (i % 2 === 0 ? ([Number.parseInt(text, 16), all[i + 1]] as const) : null))
      .filter((pair) => pair !== null);
    const shown = named.map(([address, linkageName]) => {
      const place = opened.symbols.placesOf(offsetOf(opened.elf, address)).at(-1)!;
      assert.equal(place.linkageName, linkageName);
      assert.equal(place.fullName, linkageName);
      return place.name;
    });
    opened.close();
    assert.deepEqual(shown.sort(), ['D main', 'mixed', 'twice']);
  });
});

describe('debug files', () => {
  it('of another build are refused', async function () {
    const a = build('c-gcc-O2-dwarf5', ['gcc', '-g', '-O2', '-gdwarf-5', 'ring.c', '-o', 'OUT'], ['ring.c', 'ring.h']);
    const b = build('c-gcc-O0-dwarf4', ['gcc', '-g', '-O0', '-gdwarf-4', 'ring.c', '-o', 'OUT'], ['ring.c', 'ring.h']);
    if (a === null || b === null || !has('objcopy')) {
      console.log('      skipped: gcc or objcopy is not installed');
      return this.skip();
    }
    const stripped = join(OUTPUT, 'mismatched');
    copyFileSync(a, stripped);
    run('objcopy', '--strip-all', stripped);
    const opened = await openForTest(stripped, b);
    const place = opened.symbols.placesOf(offsetOf(opened.elf, opened.elf.section('.text')!.address))[0];
    opened.close();
    rmSync(stripped);
    assert.equal(place.file, null);
  });
});
