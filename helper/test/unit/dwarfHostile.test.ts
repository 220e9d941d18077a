// Inlined functions, compressed sections and indexes of debug information as a hostile file would have them: a bad file
// costs its own names, quickly, and says why. The honest forms stand beside, so that the attacks are known to reach the code.

import assert from 'node:assert/strict';
import { FormatError } from '../../src/bytes/cursor';
import { flatten, IntervalIndex, IntervalList, ownerAt } from '../../src/bytes/intervals';
import { BufferSource } from '../../src/bytes/source';
import { ElfFile } from '../../src/elf/parser';
import { inflateZstd } from '../../src/elf/zstd';
import { readOwnIndex } from '../../src/symbolize/dwarf/ownIndex';
import { DwarfPackage } from '../../src/symbolize/dwarf/package';
import type { DwarfSections } from '../../src/symbolize/dwarf/types';
import { FileSymbols } from '../../src/symbolize/fileSymbols';
import {
  bytes,
  CODE_ADDRESS,
  CODE_OFFSET,
  dwarfSections,
  type SectionInput,
  symbolSections,
  u16,
  u32,
  u64,
  withLength,
  writeElf,
} from './symbolize/elfWriter';

const TEXT: SectionInput[] = symbolSections([{ name: 'work', address: CODE_ADDRESS, sizeBytes: 0x40 }]);
const HEADER_BYTES = 12;

interface Shape {
  /** Offset of `helper`'s entry in the unit, as the inlined call refers to it; default: where it is. */
  origin?: number;
  /** DW_AT_specification of `helper`. */
  specification?: number;
  /** Entries below `work`, instead of one inlined call. */
  below?: Buffer;
  abbreviations?: Buffer;
}

/** `work` of main.c, 0x40 bytes, with `helper` inlined into its second half on line 9, column 5. */
function inlineSections({ origin, specification, below, abbreviations }: Shape = {}): SectionInput[] {
  const abbrev = bytes(
    [1, 0x11, 1, 0x03, 0x08, 0x1b, 0x08, 0x10, 0x17, 0x11, 0x01, 0x12, 0x06, 0, 0],
    // 2: function with code; 3: inlined call; 4: function without code; 5: lexical block; 6: any entry with a sibling
    [2, 0x2e, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x06, 0, 0],
    [3, 0x1d, 0, 0x31, 0x13, 0x11, 0x01, 0x12, 0x06, 0x58, 0x0b, 0x59, 0x0b, 0x57, 0x0b, 0, 0],
    [4, 0x2e, 0, 0x03, 0x08, 0x3b, 0x0b, ...(specification === undefined ? [] : [0x47, 0x13]), 0, 0],
    [5, 0x0b, 1, 0, 0],
    [6, 0x13, 1, 0x01, 0x13, 0, 0],
    0,
  );
  const unit = bytes(1, 'main.c', '/src/dir', u32(0), u64(CODE_ADDRESS), u32(0x40));
  const helperAt = HEADER_BYTES + unit.length;
  const helper = bytes(4, 'helper', 3, specification === undefined ? Buffer.alloc(0) : u32(specification));
  const call = bytes(3, u32(origin ?? helperAt), u64(CODE_ADDRESS + 0x20), u32(0x20), [1, 9, 5]);
  const work = bytes(2, 'work', u64(CODE_ADDRESS), u32(0x40), below ?? call, 0);
  const info = withLength(bytes(u16(5), 1, 8, u32(0), unit, helper, work, 0));
  const line = dwarfSections(5).find(({ name }) => name === '.debug_line')!;
  return [
    ...TEXT,
    { name: '.debug_info', type: 1, data: info },
    { name: '.debug_abbrev', type: 1, data: abbreviations ?? abbrev },
    line,
  ];
}

async function open(sections: SectionInput[] | Buffer): Promise<FileSymbols> {
  const file = Buffer.isBuffer(sections) ? sections : writeElf(sections, 0x80);
  const spill = { cache: null, descriptors: [], memoryBytes: 0, nextFileId: () => -1 };
  return FileSymbols.open(ElfFile.parse(new BufferSource(file)), null, spill);
}

const HELPER_AT = HEADER_BYTES + bytes(1, 'main.c', '/src/dir', u32(0), u64(0), u32(0)).length;
const INLINED_AT = CODE_OFFSET + 0x30;

describe('dwarf: inlined functions', () => {
  it('come before the function that they were inlined into, which stands at the call', async () => {
    const symbols = await open(inlineSections());
    const [inner, outer, ...more] = symbols.placesOf(INLINED_AT);
    assert.deepEqual(more, []);
    assert.deepEqual([inner.name, inner.inlined, inner.functionLine], ['helper', true, 3]);
    assert.deepEqual([inner.file, inner.line, inner.column], ['/src/dir/include/inline.h', 8, 9]);
    assert.deepEqual([outer.name, outer.inlined], ['work', false]);
    assert.deepEqual([outer.file, outer.line, outer.column], ['/src/dir/main.c', 9, 5]);
    assert.equal(symbols.placesOf(CODE_OFFSET).length, 1);
    assert.deepEqual([...symbols.problems], []);
  });

  const attacks: [string, Shape][] = [
    ['an origin that is its own specification', { specification: HELPER_AT }],
    ['an origin outside of all units', { origin: 0x7fffffff }],
    ['an origin in the middle of an entry', { origin: HELPER_AT + 3 }],
    ['an abbreviation code of 64 continued bytes', { below: Buffer.alloc(64, 0x80) }],
    ['abbreviations of endless numbers', { abbreviations: Buffer.alloc(4_096, 0xff) }],
    ['blocks nested a hundred thousand deep', { below: Buffer.alloc(100_000, 5) }],
    ['a sibling that lies behind itself', { below: bytes(6, u32(HELPER_AT), 0) }],
    ['a sibling far outside', { below: bytes(6, u32(0xfffffff0), 0) }],
    ['no abbreviations at all', { abbreviations: Buffer.alloc(1) }],
  ];
  for (const [name, shape] of attacks)
    it(`${name}: the function keeps its name`, async () => {
      const symbols = await open(inlineSections(shape));
      const places = symbols.placesOf(INLINED_AT);
      assert.equal(places.at(-1)!.name, 'work');
      assert.ok(places.length <= 2);
      for (const problem of symbols.problems) assert.doesNotMatch(problem, /TypeError|RangeError|ReferenceError/);
    });

  it('with any byte wrong give places or a plain sentence', async () => {
    const file = writeElf(inlineSections(), 0x80);
    for (let at = CODE_OFFSET + 0x80; at < file.length; at++)
      for (const value of [0, 0xff, file[at] ^ 1]) {
        const copy = Buffer.from(file);
        copy[at] = value;
        let symbols: FileSymbols;
        try {
          symbols = await open(copy);
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
          continue;
        }
        assert.ok(symbols.placesOf(INLINED_AT).length > 0);
        for (const problem of symbols.problems) assert.doesNotMatch(problem, /TypeError|RangeError|ReferenceError/);
      }
  });
});

describe('dwarf: zstd', () => {
  const FRAME = u32(0xfd2fb528);
  /** Blocks: type 0 raw, 1 one byte repeated. */
  const block = (last: boolean, type: number, sizeBytes: number, data: Buffer) => {
    const head = Buffer.alloc(3);
    head.writeUIntLE((sizeBytes << 3) | (type << 1) | (last ? 1 : 0), 0, 3);
    return bytes(head, data);
  };
  const inflate = (data: Buffer, limitBytes = 1 << 24) => {
    const pieces: Buffer[] = [];
    let got = 0;
    inflateZstd(new BufferSource(data), (piece) => {
      pieces.push(Buffer.from(piece));
      got += piece.length;
      return got < limitBytes;
    });
    return Buffer.concat(pieces);
  };

  it('gives what several frames hold', () => {
    const frame = (text: string) => bytes(FRAME, [0x20, text.length], block(true, 0, text.length, Buffer.from(text)));
    const skipped = bytes(u32(0x184d2a53), u32(3), Buffer.from('xyz'));
    assert.equal(inflate(bytes(frame('some'), skipped, frame(' text'))).toString(), 'some text');
  });

  it('stops where no more is wanted, however much there would be', () => {
    // A thousand blocks of 128 KiB each in 4 KB.
    const blocks = Array.from({ length: 1_000 }, (_, i) => block(i === 999, 1, 128 * 1024, Buffer.from('x')));
    assert.equal(inflate(bytes(FRAME, [0, 0x38], ...blocks), 200_000).length, 256 * 1024);
  });

  it('refuses absurd windows, blocks and endings', () => {
    assert.throws(() => inflate(bytes(FRAME, [0, 0xa8], block(true, 0, 1, Buffer.from('x')))), /window of/);
    assert.throws(() => inflate(bytes(FRAME, [0xe0], u64(2 ** 40))), /window of/);
    assert.throws(
      () => inflate(bytes(FRAME, [0, 0x38], block(true, 0, 1 << 20, Buffer.alloc(10)))),
      /absurd zstd block/,
    );
    assert.throws(() => inflate(bytes(FRAME, [0, 0x38], block(false, 0, 1, Buffer.from('x')))), FormatError);
    assert.throws(() => inflate(Buffer.from('no frame at all')), /no zstd frame/);
    assert.throws(() => inflate(bytes(FRAME, [0, 0x38], block(true, 2, 8, Buffer.alloc(8, 0xff)))), FormatError);
  });
});

describe('dwarf: packages', () => {
  const program = { addr: null, ranges: null } as DwarfSections;
  const parse = (index: Buffer) =>
    DwarfPackage.open(
      ElfFile.parse(
        new BufferSource(
          writeElf([
            { name: '.text', type: 1, flags: 6, address: CODE_ADDRESS, data: Buffer.alloc(16) },
            { name: '.debug_cu_index', type: 1, data: index },
            { name: '.debug_info.dwo', type: 1, data: Buffer.from('abcdefgh') },
          ]),
        ),
      ),
      program,
    );
  /** One unit, in slot 1 of 2, whose information is bytes 2 to 5. */
  const index = bytes(u32(2), u32(1), u32(1), u32(2), u64(0), u64(0x1235), u32(0), u32(1), u32(1), u32(2), u32(3));

  it('give the part of a unit', () => {
    const sections = parse(index)!.sectionsOf(0x1235n)!;
    assert.equal(sections.info!.read(0, 3).toString(), 'cde');
    assert.equal(parse(index)!.sectionsOf(0x1234n), null);
  });

  it('with absurd counts or a table without an end are refused', () => {
    assert.throws(() => parse(bytes(u32(2), u32(1), u32(0xffffffff), u32(2))), /absurd/);
    assert.throws(() => parse(bytes(u32(2), u32(1), u32(1), u32(3))), /absurd/);
    assert.throws(() => parse(bytes(u32(7), u32(1), u32(1), u32(2))), /version 7/);
    // Every slot is taken, by another unit.
    const full = bytes(u32(2), u32(1), u32(1), u32(2), u64(1), u64(1), u32(1), u32(1), u32(1), u32(2), u32(3));
    assert.equal(parse(full)!.sectionsOf(0x99n), null);
    assert.throws(() => parse(index.subarray(0, 30))!.sectionsOf(0x1235n), FormatError);
  });
});

describe('dwarf: .debug_aranges', () => {
  const set = (unit: number, low: number, sizeBytes: number) =>
    withLength(bytes(u16(2), u32(unit), Buffer.from([8, 0]), u32(0), u64(low), u64(sizeBytes), u64(0), u64(0)));

  it('end where a set is shorter than its header, with what came before', () => {
    const ranges: number[][] = [];
    const sections = { gdbIndex: null, aranges: new BufferSource(bytes(set(7, 0x1000, 16), Buffer.alloc(64))) };
    const read = () => readOwnIndex(sections as unknown as DwarfSections, (...range) => void ranges.push(range));
    assert.throws(read, FormatError);
    assert.deepEqual(ranges, [[7, 0x1000, 0x1010]]);
  });
});

describe('dwarf: intervals', () => {
  it('over and in each other belong to the last owner, asked once or often', () => {
    let state = 99;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let round = 0; round < 200; round++) {
      const list = new IntervalList(1_000, 4);
      const ranges = Array.from({ length: 1 + random(40) }, (_, owner) => {
        const low = random(100);
        return { low, high: low + 1 + random(30), owner };
      });
      for (const { low, high, owner } of ranges) list.add(low, high, owner);
      const table = flatten(list);
      const lazy = new IntervalIndex(list);
      for (let address = 0; address < 140; address++) {
        const expected = ranges.findLast(({ low, high }) => low <= address && address < high)?.owner ?? -1;
        assert.equal(ownerAt(table, address), expected);
        assert.equal(lazy.ownerAt(address), expected);
      }
    }
  });

  it('are bounded', () => {
    const list = new IntervalList(8, 4);
    assert.throws(() => {
      for (let i = 0; i < 20; i++) list.add(i, i + 1, 0);
    }, FormatError);
  });
});
