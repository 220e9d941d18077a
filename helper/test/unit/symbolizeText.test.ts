// The text formats (perf maps, kallsyms, /proc/PID/maps and status) and names as people read them.

import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseMaps } from '../../src/process/maps';
import { MapsTable } from '../../src/process/mapsTable';
import { parseStatus } from '../../src/process/perfMaps';
import { shortGoName } from '../../src/runtimes/go/shortName';
import { displayName, isLeftMangled } from '../../src/symbolize/demangle/demangle';
import { demangleItanium } from '../../src/symbolize/demangle/itanium';
import { shortCppName, shortRustName } from '../../src/symbolize/demangle/shortName';
import { hexOfKernelAddress } from '../../src/symbolize/kernel/labels';
import { readKallsyms } from '../../src/symbolize/kernel/parser';
import { findKernelFunction, kernelSymbol, NO_FUNCTION } from '../../src/symbolize/kernel/resolver';
import { PerfMap } from '../../src/symbolize/perfmap/resolver';

describe('symbolize: /proc/PID/maps', () => {
  it('reads files, deleted files, names with blanks and newlines, and memory without a name', () => {
    const maps = parseMaps(
      [
        '00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/a b (x)',
        '7f0000000000-7f0000001000 r-xp 00000000 fd:01 99  /tmp/new\\012line (deleted)',
        '7f0000002000-7f0000003000 rwxp 00000000 00:00 0 ',
        '7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0   [vdso]',
        'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]',
        'not a mapping',
        '5-3 r-xp 00000000 00:00 0',
      ].join('\n'),
    );
    assert.deepEqual(
      maps.map(({ path, deleted, executable, inode }) => [path, deleted, executable, inode]),
      [
        ['/usr/bin/a b (x)', false, true, 173521n],
        ['/tmp/new\nline', true, true, 99n],
        ['', false, true, 0n],
        ['[vdso]', false, true, 0n],
        ['[vsyscall]', false, true, 0n],
      ],
    );
    assert.deepEqual([maps[0].start, maps[0].end, maps[0].fileOffset], [0x400000, 0x452000, 0x1000]);
    assert.deepEqual([maps[1].deviceMajor, maps[1].deviceMinor], [0xfd, 1]);
  });
});

describe('symbolize: table of mappings', () => {
  const range = (start: number, end: number, name: string) => ({ start, end, fileOffset: 0, name });

  it('a later mapping cuts what it covers, at either end, in the middle and whole', () => {
    const table = MapsTable.of([range(0, 100, 'a'), range(200, 300, 'b'), range(300, 310, 'c')]);
    table.add(range(40, 60, 'middle'));
    table.add(range(250, 320, 'over'));
    assert.deepEqual(
      table.all.map(({ start, end, fileOffset, name }) => [start, end, fileOffset, name]),
      [
        [0, 40, 0, 'a'],
        [40, 60, 0, 'middle'],
        [60, 100, 60, 'a'],
        [200, 250, 0, 'b'],
        [250, 320, 0, 'over'],
      ],
    );
    assert.equal(table.find(39)?.name, 'a');
    assert.equal(table.find(40)?.name, 'middle');
    assert.equal(table.find(100), null);
    assert.equal(table.find(320), null);
  });

  it('agrees with a byte-wise picture after many mappings', () => {
    const table = new MapsTable<ReturnType<typeof range>>();
    const picture: (string | null)[] = new Array(200).fill(null);
    for (let i = 0; i < 500; i++) {
      const start = (i * 7919) % 190;
      const end = Math.min(200, start + 1 + ((i * 104729) % 23));
      table.add(range(start, end, String(i)));
      picture.fill(String(i), start, end);
    }
    picture.forEach((name, address) => {
      assert.equal(table.find(address)?.name ?? null, name, `at ${address}`);
    });
  });

  it('a copy goes its own way', () => {
    const parent = MapsTable.of([range(0, 10, 'a')]);
    const child = parent.copy();
    child.add(range(0, 10, 'b'));
    parent.add(range(20, 30, 'c'));
    assert.deepEqual([parent.find(5)?.name, child.find(5)?.name, child.find(25)], ['a', 'b', null]);
  });
});

describe('symbolize: perf maps', () => {
  const folder = mkdtempSync(join(tmpdir(), 'symbolize-perfmap-'));
  const path = join(folder, 'perf-1.map');
  after(() => rmSync(folder, { recursive: true }));

  function opened(text: string): { map: PerfMap; read: () => void; close: () => void } {
    writeFileSync(path, text);
    const fd = openSync(path, 'r');
    const map = new PerfMap(fd);
    const read = () => map.update(statSync(path).size);
    read();
    return { map, read, close: () => closeSync(fd) };
  }

  it('takes in what is appended, and lines once they are whole', () => {
    const { map, read, close } = opened('1000 100 first function\n2000 8');
    assert.deepEqual(map.find(0x10ff), { name: 'first function', start: 0x1000 });
    assert.equal(map.find(0x1100), null);
    assert.equal(map.find(0x2000), null);
    appendFileSync(path, '0 second\n');
    read();
    assert.equal(map.find(0x207f)?.name, 'second');
    close();
  });

  it('believes the later of two lines for one address', () => {
    const { map, read, close } = opened('1000 100 old\n1080 100 newer\n');
    assert.equal(map.find(0x1010), null, 'what was partly overwritten is gone');
    assert.equal(map.find(0x1090)?.name, 'newer');
    appendFileSync(path, '1000 1000 newest\n');
    read();
    assert.equal(map.find(0x1090)?.name, 'newest');
    close();
  });

  it('starts anew when the file was cut', () => {
    const { map, read, close } = opened('1000 100 a\n2000 100 b\n');
    truncateSync(path, 0);
    read();
    appendFileSync(path, '3000 100 c\n');
    read();
    assert.deepEqual([map.find(0x1000), map.find(0x3000)?.name], [null, 'c']);
    close();
  });

  it('starts anew when the file was written anew in place, however long it is now', () => {
    const { map, read, close } = opened('1000 100 a\n2000 100 b\n');
    writeFileSync(path, '1000 100 a\n2000 100 c\n3000 100 d\n');
    read();
    assert.deepEqual([map.find(0x1000)?.name, map.find(0x2000)?.name, map.find(0x3000)?.name], ['a', 'c', 'd']);
    writeFileSync(path, '4000 100 a\n5000 100 c\n6000 100 d\n');
    read();
    assert.deepEqual([map.find(0x1000), map.find(0x4000)?.name], [null, 'a']);
    close();
  });

  it('sees one changed line of a large map that was written anew', () => {
    const lines = (name: string) =>
      Array.from(
        { length: 20_000 },
        (_, i) => `${(0x100000 + i * 64).toString(16)} 40 ${i === 9_000 ? name : 'same'}\n`,
      );
    const { map, read, close } = opened(lines('x').join(''));
    writeFileSync(path, lines('longer_name').join(''));
    read();
    assert.equal(map.find(0x100000 + 9_000 * 64)?.name, 'longer_name');
    close();
  });

  it('gives no name that was read from the middle of another line', () => {
    const { map, close } = opened('1000 100 first\n2000 100 second\n');
    writeFileSync(path, '3000 100 something_else\n1000 100 first\n');
    assert.deepEqual([map.find(0x1000), map.find(0x2000)], [null, null]);
    close();
  });

  it('leaves out lines that are none', () => {
    const { map, close } = opened(
      '\n \nx y z\n-5 3 minus\n1000\n1000 10\n1000 0 empty\n0 10 zero\n4000 10 good\n1000 fffffffffffffff huge\n',
    );
    assert.equal(map.find(0x1000), null);
    assert.equal(map.find(0x4008)?.name, 'good');
    close();
  });

  it('reads a large map in any order of addresses', () => {
    const lines: string[] = [];
    for (let i = 0; i < 40_000; i++)
      lines.push(`${(((i * 7919) % 40_000) * 64 + 0x100000).toString(16)} 40 f${(i * 7919) % 40_000}`);
    const { map, close } = opened(`${lines.join('\n')}\n`);
    for (let i = 0; i < 40_000; i += 997) assert.equal(map.find(0x100000 + i * 64 + 63)?.name, `f${i}`);
    close();
  });
});

describe('symbolize: kallsyms', () => {
  const folder = mkdtempSync(join(tmpdir(), 'symbolize-kallsyms-'));
  after(() => rmSync(folder, { recursive: true }));
  function table(text: string) {
    const path = join(folder, 'kallsyms');
    writeFileSync(path, text);
    const fd = openSync(path, 'r');
    try {
      return readKallsyms(fd);
    } finally {
      closeSync(fd);
    }
  }

  it('finds functions of the kernel and of modules', () => {
    const symbols = table(
      [
        'ffffffff81000100 T first_name',
        'ffffffff81000100 t other_name',
        'ffffffff81000200 D data',
        'ffffffff81000300 t schedule',
        'ffffffffc0000010 t ext4_readpage\t[ext4]',
        'ffffffffc0000100 t _RINvNtC3std3mem8align_ofjE\t[rust_module]',
        'ffffffffc0000200 t _ZN3foo3barEi',
        'ffffffffc0000300 t vfs_read.llvm.123456',
        '0000000000001000 A per_cpu',
        '',
      ].join('\n'),
    )!;
    const at = (address: bigint) => {
      const found = findKernelFunction(symbols, Number(BigInt.asIntN(64, address)));
      return found === NO_FUNCTION ? null : kernelSymbol(symbols, found);
    };
    const named = (name: string, module = '[kernel]', fullName: string | null = null) => ({ name, fullName, module });
    assert.deepEqual(at(0xffffffff81000180n), named('first_name'));
    assert.deepEqual(at(0xffffffff81000301n), named('schedule'));
    assert.deepEqual(at(0xffffffffc0000020n), named('ext4_readpage', '[ext4]'));
    assert.deepEqual(at(0xffffffffc0000100n), named('std::mem::align_of::<usize>', '[rust_module]'));
    assert.deepEqual(at(0xffffffffc0000200n), named('foo::bar', '[kernel]', 'foo::bar(int)'));
    assert.deepEqual(at(0xffffffffc0000300n), named('vfs_read'));
    assert.equal(at(0xffffffff81000000n), null);
    assert.equal(at(0xffffffffd0000000n), null);
  });

  it('knows when the kernel hides them', () => {
    assert.equal(table('0000000000000000 T _stext\n0000000000000000 t schedule\n'), null);
    assert.equal(table(''), null);
    assert.equal(table('\u0000\u0001garbage\n\n'), null);
  });

  it('writes kernel addresses as the kernel does', () => {
    assert.equal(hexOfKernelAddress(-2130706432), 'ffffffff81000000');
  });
});

describe('symbolize: /proc/PID/status', () => {
  it('gives the effective user and the innermost pid', () => {
    const status = 'Name:\tx\nPid:\t4711\nUid:\t1000\t1001\t1002\t1003\nNSpid:\t4711\t12\t1\n';
    assert.deepEqual(parseStatus(status), { uid: 1001, namespacePid: 1 });
    assert.deepEqual(parseStatus('Pid:\t7\nUid:\t0\t0\t0\t0\n'), { uid: 0, namespacePid: 7 });
    assert.equal(parseStatus(''), null);
  });
});

describe('symbolize: names', () => {
  it('leaves Swift and D as they are, for want of a library', () => {
    for (const name of [
      '$s4main5helloyyF',
      '_$s4main4GridV5mixedyS2uF',
      '_T04main5helloyyF',
      '_D6shapes5twiceFiZi',
      '_Dmain',
    ]) {
      assert.deepEqual(displayName(name), { name, fullName: null });
      assert.ok(isLeftMangled(name, name), name);
    }
    for (const name of ['main', '_Destroy', '_DYNAMIC', '_ZN3foo3barEi', '_RNvC1a1b', 'cash$s'])
      assert.ok(!isLeftMangled(name, displayName(name).name), name);
    // What nobody can read is for the debug information to name.
    assert.ok(isLeftMangled('_ZN3foo9unknown', displayName('_ZN3foo9unknown').name));
  });

  it('knows what C++20 and C++23 added: constraints, template lambdas, explicit object parameters', () => {
    const cases: [mangled: string, name: string, full: string][] = [
      [
        '_ZN4shop5Field11constrainedITkNS_8SummableEdEEvT_j',
        'shop::Field::constrained<double>',
        'void shop::Field::constrained<double>(double, unsigned int)',
      ],
      [
        '_ZN4shop5Field6createIcQaantsr3stdE7same_asIT_iE5SmallIS2_EEEvPKS2_j',
        'shop::Field::create<char>',
        'void shop::Field::create<char>(char const*, unsigned int)',
      ],
      [
        '_ZN4shop6hiddenIiEEvNS_4NodeET_Q8SummableIDtfp0_EE',
        'shop::hidden<int>',
        'void shop::hidden<int>(shop::Node, int)',
      ],
      [
        '_ZNH4shop4Node7deducedIS0_EEvOT_j',
        'shop::Node::deduced<shop::Node>',
        'void shop::Node::deduced<shop::Node>(this shop::Node&&, unsigned int)',
      ],
      [
        '_ZZ4mainENK3$_2clIcEEDaT_jQsr4shopE5SmallIS1_E',
        'main::$_2::operator()<char>',
        'auto main::$_2::operator()<char>(char, unsigned int) const',
      ],
    ];
    for (const [mangled, name, fullName] of cases) assert.deepEqual(displayName(mangled), { name, fullName }, mangled);
  });

  it('reads hostile names in time and memory of their length, and refuses what is none', () => {
    // Each substitution holds the one before it twice: 2^60 characters.
    const code = (n: number) => `S${n.toString(36).toUpperCase()}_`;
    const doubling = `_Z1f1aI1bESt4pairIS1_S1_E${Array.from({ length: 60 }, (_, i) => `S2_I${code(3 + i)}${code(3 + i)}E`).join('')}`;
    const deep = `_Z1f${'P'.repeat(100_000)}i`;
    const nested = `_Z${'N1a'.repeat(3_000)}`;
    for (const name of [
      doubling,
      deep,
      nested,
      '_Z',
      '_ZN',
      '_ZQ',
      '_Z1fIXE',
      '_Z1fIJ',
      '_Z3fooLi99999999999999E',
      '_ZSt',
    ])
      assert.equal(demangleItanium(name), null, name.slice(0, 40));
  });

  it('demangles C++ and both of Rust’s schemes, and leaves others alone', () => {
    const cases: [mangled: string, name: string, full: string | null][] = [
      ['main', 'main', null],
      ['_ZN3foo3barEi', 'foo::bar', 'foo::bar(int)'],
      [
        '_ZNSt6vectorIiSaIiEE9push_backERKi',
        'std::vector<int, std::allocator<int> >::push_back',
        'std::vector<int, std::allocator<int> >::push_back(int const&)',
      ],
      ['_ZN12_GLOBAL__N_13fooEv', '(anonymous namespace)::foo', '(anonymous namespace)::foo()'],
      ['_ZN3foo3barEi.cold', 'foo::bar [cold]', 'foo::bar(int) [clone .cold]'],
      ['_ZN3foo3barEi.llvm.123456', 'foo::bar', 'foo::bar(int)'],
      ['_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE', 'core::fmt::Formatter::write_str', null],
      ['_RINvNtC3std3mem8align_ofjE', 'std::mem::align_of::<usize>', null],
      ['memcpy@@GLIBC_2.14', 'memcpy', null],
      ['_Znwm', 'operator new', 'operator new(unsigned long)'],
      ['_ZNOTMANGLED', '_ZNOTMANGLED', null],
      ['_Rust_looking', '_Rust_looking', null],
      ['_Z', '_Z', null],
      ['github.com/x/y.F', 'github.com/x/y.F', null],
    ];
    for (const [mangled, name, fullName] of cases) assert.deepEqual(displayName(mangled), { name, fullName }, mangled);
  });

  it('survives names made to break demanglers', () => {
    for (const name of [
      `_Z${'N'.repeat(3000)}`,
      `_ZN${'1a'.repeat(1500)}E`,
      `_Z1f${'P'.repeat(3000)}v`,
      `_Z1fI${'S_'.repeat(1500)}E`,
      `_RNv${'N'.repeat(3000)}`,
      `_Z${'x'.repeat(100_000)}`,
    ]) {
      const shown = displayName(name);
      assert.notEqual(shown.name, '');
    }
    assert.equal(displayName('_ZN3foo3barEi').name, 'foo::bar', 'and goes on after them');
  });

  it('shortens', () => {
    const cases: [(full: string) => string, full: string, short: string][] = [
      [shortCppName, 'foo::operator()(int) const', 'foo::operator()'],
      [shortCppName, 'main::{lambda(int)#1}::operator()(int) const', 'main::{lambda(int)#1}::operator()'],
      [shortCppName, 'void foo<int>(int)', 'foo<int>'],
      [shortCppName, 'A::operator bool() const', 'A::operator bool'],
      [shortCppName, 'A::operator->() const', 'A::operator->'],
      [shortCppName, 'std::ostream& std::operator<< <char>(std::ostream&, char const*)', 'std::operator<< <char>'],
      [shortCppName, 'A& std::operator>><char>(A&, char&)', 'std::operator>><char>'],
      [shortCppName, 'bool operator<=><A, B>(A, B)', 'operator<=><A, B>'],
      [
        shortCppName,
        'std::map<std::string, std::vector<int, std::allocator<int> >, std::less<std::string> >::at(std::string const&)',
        'std::map<…>::at',
      ],
      [
        shortRustName,
        '<core::iter::adapters::map::Map<core::ops::range::Range<u64>, app::main::{closure#0}> as core::iter::Iterator>::fold::<u64>',
        '<core::iter::adapters::map::Map<…> as core::iter::Iterator>::fold::<…>',
      ],
      [shortGoName, 'github.com/gin-gonic/gin.(*Engine).Run', 'gin.(*Engine).Run'],
      [shortGoName, 'main.apply[go.shape.[]github.com/a/b.X]', 'main.apply[go.shape.[]github.com/a/b.X]'],
      [shortGoName, 'main.main', 'main.main'],
    ];
    for (const [shorten, full, short] of cases) assert.equal(shorten(full), short);
  });
});
