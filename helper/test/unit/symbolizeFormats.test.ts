// The parsers of program files on files written here: what they must find, and that no bytes, however wrong, make them
// crash, hang or read what is not theirs.

import assert from 'node:assert/strict';
import { deflateSync } from 'node:zlib';
import { crc32 } from '../../src/bytes/crc32';
import { Cursor, FormatError } from '../../src/bytes/cursor';
import { orderOf } from '../../src/bytes/order';
import { BufferSource } from '../../src/bytes/source';
import { ElfFile } from '../../src/elf/parser';
import { findFunction, readFunctions } from '../../src/elf/symbols';
import { FileSymbols } from '../../src/symbolize/fileSymbols';
import {
  bytes,
  CODE_ADDRESS,
  CODE_OFFSET,
  dwarfSections,
  type SectionInput,
  symbolSections,
  u32,
  u64,
  writeElf,
} from './symbolize/elfWriter';

const spill = { cache: null, descriptors: [], memoryBytes: 0, nextFileId: () => -1 };
const WORK: SectionInput[] = symbolSections([{ name: 'work', address: CODE_ADDRESS, sizeBytes: 0x40 }]);

async function open(file: Buffer): Promise<FileSymbols> {
  return FileSymbols.open(ElfFile.parse(new BufferSource(file)), null, spill);
}

describe('symbolize: cursor', () => {
  it('reads LEB128 numbers to the ends of what is exact', () => {
    assert.equal(new Cursor(Buffer.from([0xe5, 0x8e, 0x26])).uleb(), 624485);
    assert.equal(new Cursor(Buffer.from([0xc0, 0xbb, 0x78])).sleb(), -123456);
    assert.equal(new Cursor(Buffer.from([0x7f])).sleb(), -1);
    assert.equal(new Cursor(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f])).uleb(), 2 ** 53 - 1);
  });

  it('refuses what is longer than its bytes', () => {
    const endless = Buffer.alloc(64, 0x80);
    assert.throws(() => new Cursor(endless).uleb(), FormatError);
    assert.throws(() => new Cursor(endless).sleb(), FormatError);
    assert.throws(() => new Cursor(Buffer.from([1, 2, 3])).u32(), FormatError);
    assert.throws(() => new Cursor(Buffer.from('abc')).cstring(), FormatError);
    assert.throws(() => new Cursor(Buffer.alloc(4)).skip(5), FormatError);
    assert.throws(() => new Cursor(Buffer.alloc(4)).skip(-1), FormatError);
    assert.throws(() => new Cursor(Buffer.alloc(4)).skip(Number.NaN), FormatError);
    assert.throws(() => new Cursor(Buffer.alloc(4), 5), FormatError);
  });
});

describe('symbolize: bytes', () => {
  it('CRC-32 is the one of debug links', () => {
    assert.equal(crc32(Buffer.from('123456789')), 0xcbf43926);
    assert.equal(crc32(Buffer.from('6789'), crc32(Buffer.from('12345'))), 0xcbf43926);
  });

  it('orders addresses near and far, equal ones as they came', () => {
    assert.deepEqual([...orderOf(Float64Array.of(5, 3, 5, 1))], [3, 1, 0, 2]);
    assert.deepEqual([...orderOf(Float64Array.of(2 ** 48, 3, 2 ** 48, 1))], [3, 1, 0, 2]);
    assert.deepEqual([...orderOf(new Float64Array(0))], []);
  });
});

describe('symbolize: ELF', () => {
  it('finds the function that holds an address', () => {
    const elf = ElfFile.parse(
      new BufferSource(
        writeElf(
          symbolSections([
            { name: 'outer', address: CODE_ADDRESS, sizeBytes: 0x100 },
            { name: 'inner', address: CODE_ADDRESS + 0x20, sizeBytes: 0x10 },
            { name: 'label_inside', address: CODE_ADDRESS + 0x40, sizeBytes: 0, type: 0, binding: 0 },
            { name: 'assembly', address: CODE_ADDRESS + 0x200, sizeBytes: 0, type: 0 },
          ]),
        ),
      ),
    );
    const { table } = readFunctions(elf)!;
    const at = (offset: number) => table.starts[findFunction(table, CODE_ADDRESS + offset)];
    assert.equal(table.starts.length, 3);
    assert.equal(at(0), CODE_ADDRESS);
    assert.equal(at(0x25), CODE_ADDRESS + 0x20);
    assert.equal(at(0x30), CODE_ADDRESS, 'behind the inner function the outer one goes on');
    assert.equal(at(0x48), CODE_ADDRESS, 'a label does not cut a function');
    assert.equal(at(0x150), undefined, 'padding belongs to nobody');
    assert.equal(at(0x280), CODE_ADDRESS + 0x200);
    assert.equal(findFunction(table, CODE_ADDRESS - 1), -1);
  });

  it('shows the best of several names of one address', async () => {
    const pick = async (...symbols: [name: string, binding: number, type?: number][]) =>
      (
        await open(
          writeElf(
            symbolSections(
              symbols.map(([name, binding, type]) => ({ name, binding, type, address: CODE_ADDRESS, sizeBytes: 16 })),
            ),
          ),
        )
      ).placesOf(CODE_OFFSET)[0].name;
    assert.equal(await pick(['local_one', 0], ['exported', 1]), 'exported');
    assert.equal(await pick(['weak_one', 2], ['strong', 1]), 'strong');
    assert.equal(await pick(['__write', 1], ['write', 1]), 'write');
    assert.equal(await pick(['f.localalias', 0], ['f_long_name', 0]), 'f_long_name');
    assert.equal(await pick(['untyped', 1, 0], ['local_function', 0]), 'local_function');
  });

  it('maps file offsets to addresses', () => {
    const elf = ElfFile.parse(new BufferSource(writeElf(WORK)));
    assert.equal(elf.addressOf(CODE_OFFSET + 5), CODE_ADDRESS + 5);
    assert.equal(elf.addressOf(0x100000), null);
    assert.equal(elf.isCode(CODE_ADDRESS), true);
    assert.equal(elf.isCode(CODE_ADDRESS + 0x1000), false);
  });

  it('reads build-id and debug link', () => {
    const note = bytes(u32(4), u32(20), u32(3), 'GNU', Buffer.alloc(20, 0xcd));
    const link = bytes('x.debug', u32(0x12345678));
    const elf = ElfFile.parse(
      new BufferSource(
        writeElf([
          ...WORK,
          { name: '.note.gnu.build-id', type: 7, data: note },
          { name: '.gnu_debuglink', type: 1, data: link },
        ]),
      ),
    );
    assert.equal(elf.buildId, 'cd'.repeat(20));
    assert.deepEqual(elf.debugLink(), { name: 'x.debug', crc: 0x12345678 });
  });

  it('does not let a debug link lead out of its folder', () => {
    for (const name of ['../../etc/shadow', '..', ''])
      assert.equal(
        ElfFile.parse(
          new BufferSource(
            writeElf([...WORK, { name: '.gnu_debuglink', type: 1, data: bytes(name, [0, 0, 0], u32(1)) }]),
          ),
        ).debugLink(),
        null,
      );
  });

  it('says what is wrong with files that are no programs of this machine', () => {
    const parse = (file: Buffer) => ElfFile.parse(new BufferSource(file));
    assert.throws(() => parse(Buffer.alloc(0)), /too small/);
    assert.throws(() => parse(Buffer.from('#!/bin/sh\n'.padEnd(100))), /not an ELF/);
    const file = writeElf(WORK);
    const changed = (at: number, value: number) => {
      const copy = Buffer.from(file);
      copy[at] = value;
      return copy;
    };
    assert.throws(() => parse(changed(4, 1)), /32-bit/);
    assert.throws(() => parse(changed(5, 2)), /big-endian/);
    assert.throws(() => parse(changed(18, 8)), /machine 8/);
  });
});

describe('symbolize: DWARF', () => {
  for (const version of [4, 5] as const)
    it(`lines, files and the declaration, version ${version}`, async () => {
      const symbols = await open(writeElf([...WORK, ...dwarfSections(version)]));
      const md5 = version === 5 ? 'ab'.repeat(16) : null;
      const first = symbols.placesOf(CODE_OFFSET)[0];
      assert.equal(first.name, 'work');
      assert.deepEqual([first.file, first.line, first.sourceMd5], ['/src/dir/main.c', 7, md5]);
      assert.deepEqual([first.functionFile, first.functionLine], ['/src/dir/main.c', 7]);
      const inlined = symbols.placesOf(CODE_OFFSET + 0x3f)[0];
      assert.deepEqual([inlined.file, inlined.line, inlined.column], ['/src/dir/include/inline.h', 8, 9]);
      assert.deepEqual([inlined.functionFile, inlined.functionLine], ['/src/dir/main.c', 7]);
      const behind = symbols.placesOf(CODE_OFFSET + 0x40)[0];
      assert.deepEqual([behind.file, behind.name, behind.address], [null, null, CODE_ADDRESS + 0x40]);
      assert.deepEqual([...symbols.problems], []);
    });

  it('names a function by its entry where there is no symbol', async () => {
    const text = WORK.filter((section) => section.name === '.text');
    const symbols = await open(writeElf([...text, ...dwarfSections(5)]));
    assert.equal(symbols.placesOf(CODE_OFFSET + 8)[0].name, 'work');
  });

  it('reads compressed sections, and not more of them than they claim', async () => {
    const compressed = (claimed: (data: Buffer) => number) =>
      dwarfSections(5).map((section) => ({
        ...section,
        flags: 0x800,
        data: bytes(u32(1), u32(0), u64(claimed(section.data)), u64(1), deflateSync(section.data)),
      }));
    const honest = await open(writeElf([...WORK, ...compressed((data) => data.length)]));
    assert.equal(honest.placesOf(CODE_OFFSET)[0].line, 7);
    const bomb = dwarfSections(5).map((section) => ({
      ...section,
      flags: 0x800,
      data: bytes(u32(1), u32(0), u64(16), u64(1), deflateSync(Buffer.alloc(1 << 24))),
    }));
    assert.equal((await open(writeElf([...WORK, ...bomb]))).placesOf(CODE_OFFSET)[0].line, null);
    const absurd = await open(writeElf([...WORK, ...compressed(() => 2 ** 50)]));
    assert.equal(absurd.placesOf(CODE_OFFSET)[0].name, 'work');
    assert.match([...absurd.problems].join(), /inflates to/);
  });
});

describe('symbolize: hostile files', function () {
  this.timeout(60_000);

  /** Whatever the bytes, a file is refused with FormatError or gives places. */
  async function survive(file: Buffer): Promise<void> {
    let symbols: FileSymbols;
    try {
      symbols = await open(file);
    } catch (error) {
      assert.ok(error instanceof FormatError, String((error as Error).stack));
      return;
    }
    for (const offset of [0, CODE_OFFSET, CODE_OFFSET + 0x20, CODE_OFFSET + 0x40, 2 ** 40]) {
      const place = symbols.placesOf(offset)[0];
      assert.ok(place.line === null || Number.isFinite(place.line));
    }
    for (const problem of symbols.problems) assert.doesNotMatch(problem, /TypeError|RangeError|ReferenceError/);
    symbols.close();
  }

  for (const version of [4, 5] as const) {
    const file = writeElf([...WORK, ...dwarfSections(version)], 0x80);

    it(`version ${version}, cut off anywhere`, async () => {
      for (let end = 0; end < file.length; end += end < CODE_OFFSET ? 61 : 1) await survive(file.subarray(0, end));
    });

    it(`version ${version}, with each byte behind the code made 0x00, 0xff, 0x7f and 0x80`, async () => {
      for (let at = CODE_OFFSET + 0x80; at < file.length; at++)
        for (const value of [0, 0xff, 0x7f, 0x80]) {
          const copy = Buffer.from(file);
          copy[at] = value;
          await survive(copy);
        }
    });

    it(`version ${version}, with many bits wrong`, async () => {
      let state = 12345;
      const random = (below: number) => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 8) % below;
      };
      for (let round = 0; round < 2_000; round++) {
        const copy = Buffer.from(file);
        for (let flips = 1 + random(12); flips > 0; flips--) {
          const place = random(4);
          const at = place === 0 ? random(128) : CODE_OFFSET + 0x80 + random(file.length - CODE_OFFSET - 0x80);
          copy[at] ^= 1 << random(8);
        }
        await survive(copy);
      }
    });
  }
});
