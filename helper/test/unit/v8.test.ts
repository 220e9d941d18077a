// Parts of V8's decoding by examples: position tables, baseline code, strings in all forms, words of frames, code ranges.

import assert from 'node:assert/strict';
import { V8_FRAME_KIND, V8_FRAME_TOP, V8_PROCESS } from '../../src/abi/runtimeV8.gen';
import type { Code } from '../../src/process/processes';
import { codeRangesOf } from '../../src/runtimes/v8/codeRanges';
import { HeapMemory } from '../../src/runtimes/v8/heapMemory';
import { bytecodeOfBaselinePc, decodePosition, isBytecodeBoundary, positionAt } from '../../src/runtimes/v8/positions';
import { lineEndsOf, placeOf, type Script } from '../../src/runtimes/v8/scripts';
import { readPart, readString, type StringHeap } from '../../src/runtimes/v8/strings';
import { isTagged } from '../../src/runtimes/v8/tagged';
import type { V8Image } from '../../src/runtimes/v8/types';
import { VlqReader } from '../../src/runtimes/v8/vlq';
import { decodeWords } from '../../src/runtimes/v8/words';

function vlq(...numbers: number[]): number[] {
  return numbers.flatMap((number) => {
    const bytes: number[] = [];
    let rest = number;
    do {
      bytes.push((rest % 128) | (rest >= 128 ? 128 : 0));
      rest = Math.floor(rest / 128);
    } while (rest > 0);
    return bytes;
  });
}
const zigzag = (n: number) => (n >= 0 ? n * 2 : -n * 2 - 1);

describe('V8', () => {
  describe('numbers', () => {
    it('of one byte and of many, with and without a sign', () => {
      const reader = new VlqReader(Uint8Array.from(vlq(5, 300, 2 ** 40, zigzag(-7), zigzag(2 ** 33))));
      assert.deepEqual([reader.unsigned(), reader.unsigned(), reader.unsigned()], [5, 300, 2 ** 40]);
      assert.deepEqual([reader.signed(), reader.signed(), reader.done], [-7, 2 ** 33, true]);
    });

    it('that do not end are none', () => {
      assert.ok(Number.isNaN(new VlqReader(Uint8Array.from([0x80])).unsigned()));
      assert.ok(Number.isNaN(new VlqReader(new Uint8Array(20).fill(0x80)).unsigned()));
    });
  });

  describe('source positions', () => {
    /** [code offset, position in the script, statement] */
    const ENTRIES: [number, number, boolean][] = [
      [0, 10, true],
      [7, 25, false],
      [300, 12, true],
    ];
    const raw = (offset: number, inlining = -1) => (offset + 1) * 2 + (inlining + 1) * 2 ** 31;
    const table = (isUnsigned: boolean) => {
      let [lastCode, lastPosition] = [-1, 0];
      return Uint8Array.from(
        ENTRIES.flatMap(([code, position, statement]) => {
          const delta = code - lastCode;
          const bytes = vlq(
            isUnsigned ? delta * 4 + (statement ? 1 : 0) : zigzag(statement ? delta : -delta - 1),
            zigzag(raw(position) - lastPosition),
          );
          [lastCode, lastPosition] = [code, raw(position)];
          return bytes;
        }),
      );
    };

    for (const isUnsigned of [false, true])
      it(isUnsigned ? 'as V8 writes them from 13.7 on' : 'as V8 writes them up to 13.6', () => {
        const at = (code: number) => positionAt(table(isUnsigned), code, isUnsigned)?.offset;
        assert.deepEqual([0, 6, 7, 299, 300, 9_999].map(at), [10, 10, 25, 25, 12, 12]);
        assert.equal(at(-1), 10);
      });

    it('inlined ones name what they were inlined in; external ones nothing', () => {
      assert.deepEqual(decodePosition(raw(41, 3)), { offset: 41, inliningId: 3 });
      assert.deepEqual(decodePosition(raw(41)), { offset: 41, inliningId: -1 });
      assert.equal(decodePosition(raw(41) + 1).offset, null);
      assert.deepEqual(decodePosition(-5), { offset: null, inliningId: -1 });
    });

    it('empty and cut tables give what is whole', () => {
      assert.equal(positionAt(new Uint8Array(0), 5, false), null);
      assert.equal(positionAt(table(false).subarray(0, 3), 5, false)?.offset, 10);
    });
  });

  describe('baseline code', () => {
    // 0: Wide, 1: ExtraWide; 4 is two bytes long, four as wide one; 5 is one byte long.
    const sizes = new Uint8Array(3 * 8);
    sizes.set([1, 1, 0, 0, 2, 1], 0);
    sizes.set([1, 1, 0, 0, 3, 1], 8);
    const bytecodes = Uint8Array.from([4, 9, 0, 4, 9, 9, 5, 5]);
    const pcs = Uint8Array.from(vlq(16, 10, 200, 4, 6));
    const at = (pc: number, isReturn: boolean) => bytecodeOfBaselinePc(pcs, bytecodes, sizes, pc, isReturn);

    it('the first length is the prologue, and return addresses belong to the code before them', () => {
      assert.deepEqual([at(0, false), at(15, false), at(16, false), at(16, true)], [-1, -1, 0, -1]);
      assert.deepEqual([at(26, true), at(26, false), at(225, false), at(226, true)], [0, 2, 2, 2]);
      assert.deepEqual([at(230, true), at(231, true), at(236, true), at(237, true)], [6, 7, 7, null]);
    });

    it('bytecodes that are none end it', () => {
      assert.equal(bytecodeOfBaselinePc(pcs, Uint8Array.from([3, 3]), sizes, 20, false), null);
      assert.equal(bytecodeOfBaselinePc(pcs, new Uint8Array(0), sizes, 20, false), null);
    });

    it('knows where a bytecode begins', () => {
      const boundaries = [0, 1, 2, 3, 6, 7, 8].filter((offset) => isBytecodeBoundary(bytecodes, sizes, offset));
      assert.deepEqual(boundaries, [0, 2, 6, 7, 8]);
    });
  });

  describe('lines', () => {
    it('end as V8 ends them', () => {
      assert.deepEqual([...lineEndsOf('a\nb\r\nc\rd\u2028e\u2029f')], [1, 4, 6, 8, 10, 12]);
    });

    it('the first one may begin inside of a file', () => {
      const script: Script = {
        name: '',
        sourceMapUrl: null,
        lineEnds: lineEndsOf('ab\ncd'),
        lineOffset: 10,
        columnOffset: 4,
        members: new Map(),
      };
      assert.deepEqual(placeOf(script, 1), { line: 11, column: 6 });
      assert.deepEqual(placeOf(script, 4), { line: 12, column: 2 });
      assert.equal(placeOf(script, 99), null);
    });
  });

  describe('strings', () => {
    const HEAP = 0x10000;
    const bytes = Buffer.alloc(65_536);
    let next = 0;
    const place = (sizeBytes: number) => {
      const at = next;
      next += Math.ceil(sizeBytes / 8) * 8 + 8;
      return at;
    };
    const word = (at: number, value: number) => bytes.writeBigUInt64LE(BigInt(value), at);
    const string = (type: number, length: number, ...fields: number[]) => {
      const map = place(16);
      bytes.writeUInt16LE(type, map + 12);
      const at = place(16 + fields.length * 8);
      word(at, HEAP + map + 1);
      bytes.writeInt32LE(length, at + 12);
      fields.forEach((field, i) => {
        word(at + 16 + i * 8, field);
      });
      return HEAP + at + 1;
    };
    const one = (text: string) => {
      const object = string(8, text.length, ...new Array(Math.ceil(text.length / 8)).fill(0));
      bytes.write(text, object - 1 - HEAP + 16, 'latin1');
      return object;
    };
    const two = (text: string) => {
      const object = string(0, text.length, ...new Array(Math.ceil(text.length / 4)).fill(0));
      bytes.write(text, object - 1 - HEAP + 16, 'utf16le');
      return object;
    };
    const cons = (a: number, b: number, length: number) => string(1, length, a, b);
    const sliced = (parent: number, offset: number, length: number) => string(3, length, parent, offset * 2 ** 32);
    const memory = new HeapMemory((address, sizeBytes) =>
      address >= HEAP && address + sizeBytes <= HEAP + bytes.length
        ? new Uint8Array(bytes.subarray(address - HEAP, address - HEAP + sizeBytes))
        : null,
    );
    const heap: StringHeap = {
      memory,
      word: (object, offset) => (isTagged(object) ? memory.u64(object - 1 + offset) : 0),
      u32: (object, offset) => (isTagged(object) ? memory.u32(object - 1 + offset) : 0),
      object: (object, offset) => heap.word(object, offset),
      typeOf: (object) => {
        const map = heap.word(object, 0);
        return isTagged(map) ? memory.u16(map - 1 + 12) : -1;
      },
      isString: (object) => heap.typeOf(object) >= 0 && heap.typeOf(object) < 128,
    };
    const read = (object: number) => {
      memory.beginRound();
      return readString(heap, object, 1_000, false);
    };

    it('in one piece, of one or two bytes a unit', () => {
      assert.deepEqual([read(one('café')), read(two('λ✓𝕏')), read(one(''))], ['café', 'λ✓𝕏', '']);
    });

    it('joined, cut, replaced, outside', () => {
      const hello = one('hello ');
      const world = two('wörld✓');
      const both = cons(hello, world, 12);
      assert.equal(read(both), 'hello wörld✓');
      assert.equal(read(cons(both, cons(hello, hello, 12), 24)), 'hello wörld✓hello hello ');
      assert.equal(read(sliced(one('abcdefgh'), 2, 3)), 'cde');
      assert.equal(read(string(5, 6, hello)), 'hello ');
      const outside = place(8);
      bytes.write('outside', outside, 'latin1');
      assert.equal(read(string(10, 7, 0, HEAP + outside)), 'outside');
    });

    it('a part of a long one', () => {
      memory.beginRound();
      assert.equal(readPart(heap, cons(one('0123456789'), one('abcdefghij'), 20), 8, 4), '89ab');
      memory.beginRound();
      assert.equal(readPart(heap, one('short'), 3, 10), null);
    });

    it('too long ones are refused, or cut', () => {
      const long = one('x'.repeat(2_000));
      memory.beginRound();
      assert.equal(readString(heap, long, 1_000, false), null);
      assert.equal(readString(heap, long, 1_000, true)?.length, 1_000);
    });

    it('one that is joined with itself ends', () => {
      const loop = cons(0, 0, 500);
      word(loop - 1 - HEAP + 16, loop);
      word(loop - 1 - HEAP + 24, loop);
      assert.equal(read(loop), null);
      const empty = cons(one(''), one(''), 500);
      assert.equal(read(empty), null);
    });
  });

  describe('words of frames', () => {
    const shared = 0x7f12_3456_7891;
    const data = (kind: number) => kind + ((shared - 1) / 8) * 256;
    const ids = (77n << 32n) | 13n;

    it('of callers', () => {
      const words = [ids, 0x7f00_0000_1234n];
      const machine = decodeWords({ runtime: 3, data: data(V8_FRAME_KIND.V8_FRAME_MACHINE), words });
      assert.deepEqual(machine, {
        found: { kind: 'machine', function: { shared, scriptId: 77, literalId: 13 } },
        pc: 0x7f00_0000_1234,
        isTop: false,
        returnAddress: null,
      });
      const interpreted = decodeWords({
        runtime: 3,
        data: data(V8_FRAME_KIND.V8_FRAME_INTERPRETED),
        words: [ids, (90n << 32n) | 88n],
      });
      assert.deepEqual(interpreted?.found, {
        kind: 'interpreted',
        function: { shared, scriptId: 77, literalId: 13 },
        bytecodeOffset: 88,
        registerOffset: 90,
      });
      const marked = decodeWords({ runtime: 3, data: V8_FRAME_KIND.V8_FRAME_MARKED + 17 * 256, words: [0n, 5n] });
      assert.deepEqual(marked?.found, { kind: 'marked', type: 17 });
    });

    it('of the innermost one', () => {
      const frame = {
        runtime: 3,
        data: data(V8_FRAME_KIND.V8_FRAME_MACHINE) + V8_FRAME_TOP,
        words: [ids, 0n, 0x5000n, 0x6000n],
      };
      const { pc, returnAddress, isTop } = decodeWords(frame)!;
      assert.deepEqual([pc, returnAddress, isTop], [0x5000, 0x6000, true]);
      assert.equal(decodeWords({ ...frame, words: [ids, 0n] }), null);
      assert.equal(decodeWords({ ...frame, data: 15, words: [ids, 0n] }), null);
    });
  });

  describe('code ranges', () => {
    const MiB = 1024 * 1024;
    const file = { root: { prefix: '/proc/self/fd/9' } } as never;
    const other = { root: { prefix: '' } } as never;
    const image = (major: number): V8Image => ({
      runtime: 'node',
      version: null,
      v8Version: [major, 0, 0, 0],
      constants: {},
      bytecodeSizes: null,
      blob: { start: 0x500000, end: 0x600000, fileOffset: 0x100000 },
      builtins: { starts: [], names: [] },
      collection: [],
    });
    const text: Code = { start: 0x400000, end: 0x900000, fileOffset: 0, file };
    const anon = (start: number, sizeBytes: number): Code => ({
      start,
      end: start + sizeBytes,
      fileOffset: 0,
      name: '[anon]',
    });

    it('builtins twice, and the whole range that is reserved for generated code', () => {
      const range = 0x7f00_0000_0000;
      const copy: Code = { start: range + 400 * MiB, end: range + 402 * MiB, fileOffset: 0x100000, file };
      const found = codeRangesOf(image(12), 0, [
        text,
        anon(range + 12_288, 65_536),
        copy,
        anon(range + 40_000 * MiB, 4_096),
      ]);
      assert.deepEqual(found.builtins, [
        { start: 0x500000, end: 0x600000 },
        { start: range + 400 * MiB, end: range + 401 * MiB },
      ]);
      assert.deepEqual(found.generated, { start: range, end: range + 512 * MiB });
      assert.equal(found.all.length, 3);
    });

    it('of another file that lies within ends it', () => {
      const near = 0x5240000;
      const library: Code = { start: near + 4 * MiB, end: near + 5 * MiB, fileOffset: 0, file: other };
      const found = codeRangesOf(image(10), 0, [text, anon(near + 12_288, 65_536), library]);
      assert.deepEqual(found.generated, { start: near, end: near + 4 * MiB });
    });

    it('none is generated (--jitless)', () => {
      assert.deepEqual(codeRangesOf(image(12), 0, [text]), {
        builtins: [{ start: 0x500000, end: 0x600000 }],
        generated: null,
        all: [{ start: 0x500000, end: 0x600000 }],
        rootPrefix: '/proc/self/fd/9',
      });
    });
  });

  it('the map value has room for all that is written into it', () => {
    assert.ok(V8_PROCESS.scriptId + 2 <= V8_PROCESS.byteLength);
  });
});
