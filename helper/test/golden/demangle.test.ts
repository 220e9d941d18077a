// Demangled names against binutils and LLVM: of the C++ library, of C++ and Rust programs built here, and of what compilers
// append to names. What they print besides is the return type; what we show is short, the full name is in the tooltip.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { displayName } from '../../src/symbolize/demangle/demangle';
import { demangleItanium } from '../../src/symbolize/demangle/itanium';
import { shortCppName } from '../../src/symbolize/demangle/shortName';
import { newestLlvm } from './llvmTools';
import { build, has, run } from './symbolize/build';

const STANDARD_LIBRARY = [
  '/usr/lib/x86_64-linux-gnu/libstdc++.so.6',
  '/usr/lib/aarch64-linux-gnu/libstdc++.so.6',
  '/usr/lib64/libstdc++.so.6',
].find((path) => existsSync(path));
/** Of the names in boxes. */
const MAX_DIFFERENT = 0.005;
/** The library leaves out or misplaces a parameter of some constructors and conversions: seen in the tooltip only. */
const MAX_FULL_DIFFERENT = 0.05;
/** Tables and guards are data, which nobody calls. */
const DATA = /^_Z(?:T[VTISC]|GV|GR)/;

function functionsOf(file: string, flags: string[], wanted: RegExp): string[] {
  const names = run('nm', '--defined-only', ...flags, file)
    .split('\n')
    .map((line) => /^[0-9a-f]+ [tTwWiu] (\S+)$/.exec(line)?.[1].replace(/@.*/, '') ?? '');
  return [...new Set(names)].filter((name) => wanted.test(name) && !DATA.test(name));
}

const fullNameOf = (name: string) => {
  const shown = displayName(name);
  return shown.fullName ?? shown.name;
};

/** Blanks, the aliases of standard templates and `.llvm.1234` name no other function. */
const plain = (text: string) =>
  text
    .replace(/std::basic_(string|[io]?stream)<char, std::char_traits<char>(?:, std::allocator<char> ?)? ?>/g, 'std::$1')
    .replace(/basic_/g, '')
    .replace(/ \(\.llvm\.\d+\)$/, '')
    .replace(/ (?=>)/g, '')
    .replace(/\[abi:\w+\]/g, '');

function demangledBy(tool: string, names: string[]): string[] {
  const input = `${names.join('\n')}\n`;
  return execFileSync(tool, { input, encoding: 'utf8', maxBuffer: 1 << 28 })
    .trimEnd()
    .split('\n');
}

/** Which differ; `shorten`: compared as they stand in boxes, else in full but for the return type. */
function compare(names: string[], tool: string, shorten?: (full: string) => string): string[] {
  const theirs = demangledBy(tool, names);
  return names.flatMap((name, i) => {
    const shape = shorten ?? ((full: string) => full);
    const [ours, other] = [plain(fullNameOf(name)), plain(theirs[i])].map(shape);
    return ours === other || (!shorten && other.endsWith(` ${ours}`))
      ? []
      : [`${name}\n  ours   ${ours}\n  theirs ${other}`];
  });
}

describe('demangled names', function () {
  this.timeout(60_000);

  it('of the C++ library are those of c++filt', function () {
    if (!STANDARD_LIBRARY || !has('c++filt')) {
      console.log('      skipped: there is no libstdc++ or no c++filt');
      return this.skip();
    }
    const names = functionsOf(STANDARD_LIBRARY, ['-D'], /^_Z/);
    assert.ok(names.length > 3_000, `${names.length} functions`);
    for (const [shorten, share] of [
      [shortCppName, MAX_DIFFERENT],
      [undefined, MAX_FULL_DIFFERENT],
    ] as const) {
      const different = compare(names, 'c++filt', shorten);
      const text = `${different.length} of ${names.length}\n${different.slice(0, 8).join('\n')}`;
      assert.ok(different.length <= names.length * share, text);
    }
  });

  // Where the library fails our own reader stands in for it, so it is held to all that it may meet.
  it("of C++ programs are llvm-cxxfilt's by our own reader of today's ABI, too", function () {
    const tool = newestLlvm('llvm-cxxfilt')?.command;
    if (!STANDARD_LIBRARY || !tool) {
      console.log('      skipped: there is no libstdc++ or no llvm-cxxfilt of version 19 or later');
      return this.skip();
    }
    const names = functionsOf(STANDARD_LIBRARY, ['-D'], /^_Z/);
    const theirs = demangledBy(tool, names);
    const different = names.flatMap((name, i) => {
      if (theirs[i] === name) return [];
      const [ours, other] = [demangleItanium(name) ?? name, theirs[i]].map((full) =>
        plain(full).replace(/ (?=>)/g, ''),
      );
      return ours === other ? [] : [`${name}\n  ours   ${ours}\n  theirs ${other}`];
    });
    const text = `${different.length} of ${names.length}\n${different.slice(0, 8).join('\n')}`;
    assert.ok(different.length <= names.length * MAX_DIFFERENT, text);
  });

  it('of C++20 functions are read, where the library cannot', function () {
    const tool = newestLlvm('llvm-cxxfilt')?.command;
    const compiler = ['clang++-22', 'clang++-21', 'clang++-20', 'clang++-19'].find(has);
    const flags = ['-std=c++20', '-O0', '-g0', '-c', 'constraints.cpp', '-o', 'OUT'];
    const object = compiler && tool ? build('constraints', [compiler, ...flags], ['constraints.cpp']) : null;
    if (object === null) {
      console.log('      skipped: there is no clang++ of version 19 or later, or no llvm-cxxfilt of such');
      return this.skip();
    }
    const names = functionsOf(object, [], /^_Z/);
    assert.ok(
      names.some((name) => /Tk|Q/.test(name)),
      names.join(' '),
    );
    const theirs = demangledBy(tool!, names);
    for (const [i, name] of names.entries()) {
      const shown = displayName(name);
      assert.ok(!shown.name.startsWith('_Z'), name);
      if (theirs[i] === name || /lambda/.test(theirs[i])) continue;
      assert.equal(shown.name, shortCppName(theirs[i].replace(/ requires .*$/, '')), name);
    }
  });

  it("of Rust's current scheme are those of llvm-cxxfilt", function () {
    const flags = ['-g', '-C', 'opt-level=1', '-C', 'symbol-mangling-version=v0'];
    const tool = newestLlvm('llvm-cxxfilt')?.command;
    const program =
      has('rustc') && tool
        ? build('rust-v0-names', ['rustc', ...flags, 'shapes.rs', '-o', 'OUT'], ['shapes.rs'])
        : null;
    if (program === null) {
      console.log('      skipped: there is no rustc or no llvm-cxxfilt');
      return this.skip();
    }
    const names = functionsOf(program, [], /^_R/);
    assert.ok(names.length > 20, `${names.length} functions`);
    assert.deepEqual(compare(names, tool!), []);
  });

  it('say what compilers did to a function, shortly and in full', () => {
    const cases: [mangled: string, name: string, full: string | null][] = [
      ['_ZN3foo3barEi.constprop.0', 'foo::bar', 'foo::bar(int) [clone .constprop.0]'],
      ['_ZN3foo3barEi.isra.0.cold', 'foo::bar [cold]', 'foo::bar(int) [clone .isra.0] [clone .cold]'],
      ['_ZN3foo3barEi.part.0', 'foo::bar', 'foo::bar(int) [clone .part.0]'],
      ['_ZN3foo3barEi.lto_priv.0', 'foo::bar', 'foo::bar(int)'],
      ['foo.cold', 'foo [cold]', 'foo.cold'],
      ['foo.isra.0', 'foo', 'foo.isra.0'],
      ['foo.constprop.0.cold', 'foo [cold]', 'foo.constprop.0.cold'],
      ['foo.part.12', 'foo', 'foo.part.12'],
      ['foo.llvm.8127361', 'foo', null],
      ['foo.cold.bar', 'foo.cold.bar', null],
      ['main.cold.func1', 'main.cold.func1', null],
      [
        '_ZThn16_NSt9strstreamD1Ev',
        'std::strstream::~strstream [thunk]',
        'non-virtual thunk to std::strstream::~strstream()',
      ],
      [
        '_ZTv0_n24_NSt9strstreamD0Ev',
        'std::strstream::~strstream [thunk]',
        'virtual thunk to std::strstream::~strstream()',
      ],
      ['_ZTW1x', 'TLS wrapper function for x', null],
      ['_ZZ4mainENKUliE0_clEi', 'main::{lambda(int)#2}::operator()', 'main::{lambda(int)#2}::operator()(int) const'],
      [
        '_ZNSt17_Function_handlerIFviEZ4mainEUliE_E9_M_invokeERKSt9_Any_dataOi',
        'std::_Function_handler<…>::_M_invoke',
        'std::_Function_handler<void (int), main::{lambda(int)#1}>::_M_invoke(std::_Any_data const&, int&&)',
      ],
      ['_RNCNvCs1234_3app4main0B3_', 'app::main::{closure#0}', null],
      ['_ZN3app4main28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE.llvm.12', 'app::main::{{closure}}', null],
    ];
    for (const [mangled, name, fullName] of cases) assert.deepEqual(displayName(mangled), { name, fullName }, mangled);
  });
});
