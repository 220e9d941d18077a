// CPython's plug-in without an interpreter: layouts and code objects from captured memory of 3.8 to 3.15, line tables, names, the
// splice with native frames, and memory that is not what it should be.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PYTHON_MARK, PYTHON_NO_FIELD, PYTHON_PROCESS } from '../../src/abi/runtimePython.gen';
import type { RawFrame, RuntimeFrame } from '../../src/process/types';
import { fingerprintMask, fingerprintOf, readCode } from '../../src/runtimes/python/codeObject';
import { layoutFromTable, type PythonLayout } from '../../src/runtimes/python/layout';
import { layoutOf } from '../../src/runtimes/python/layoutOfProcess';
import { lineOf } from '../../src/runtimes/python/lines';
import { displayName, moduleOf, pathOf } from '../../src/runtimes/python/names';
import { processData } from '../../src/runtimes/python/processData';
import { PythonFrames } from '../../src/runtimes/python/pythonFrames';
import { PythonProcess } from '../../src/runtimes/python/pythonProcess';
import type { PythonImage } from '../../src/runtimes/python/recognize';
import { type NativeRole, splice } from '../../src/runtimes/python/splice';
import { readText } from '../../src/runtimes/python/texts';
import { CodeTypes, readFrames, readThreads } from '../../src/runtimes/python/threads';
import type { Memory } from '../../src/runtimes/types';
import { readStacks, type Told } from './python/readStacks';

const FIXTURES = join(__dirname, '../../../../../helper/test/unit/fixtures/python');

interface Capture {
  image: PythonImage;
  bias: number;
  told: Told;
  pieces: Record<string, string>;
}

class CapturedMemory implements Memory {
  private readonly all: { start: number; bytes: Buffer }[];

  constructor(pieces: Record<string, string>) {
    this.all = Object.entries(pieces).map(([place, text]) => ({
      start: Number.parseInt(place, 16),
      bytes: Buffer.from(text, 'base64'),
    }));
  }

  read(start: number, sizeBytes: number): Buffer | null {
    for (const piece of this.all) {
      const at = start - piece.start;
      if (at >= 0 && at + sizeBytes <= piece.bytes.length) return piece.bytes.subarray(at, at + sizeBytes);
    }
    return null;
  }

  readAll(places: readonly { start: number; sizeBytes: number }[]): (Buffer | null)[] {
    return places.map(({ start, sizeBytes }) => this.read(start, sizeBytes));
  }
}

/** What of an image was not looked for when they were captured. */
const NOT_CAPTURED = { types: null, collection: [] };
const captures = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.json'))
  .map((name) => {
    const capture = JSON.parse(readFileSync(join(FIXTURES, name), 'utf8')) as Capture;
    return { name, capture: { ...capture, image: { ...NOT_CAPTURED, ...capture.image } } };
  });

describe('CPython: captured processes', () => {
  for (const { name, capture } of captures) {
    const { image, bias, told, pieces } = capture;
    it(`${name}: every thread's frames as it told them`, () => {
      const { threads, slot } = readStacks(new CapturedMemory(pieces), image, bias);
      const found = threads.filter(({ threadId }) => told.threads[threadId]);
      assert.equal(found.length, 3);
      for (const { threadId, frames } of found) assert.deepEqual(frames, told.threads[threadId]);
      assert.ok(slot);
      assert.equal(slot.ambiguous, false);
    });

    it(`${name}: a frame as BPF sends it is named at once, with its line`, () => {
      const memory = new CapturedMemory(pieces);
      const layout = layoutOf(memory, image, bias) as PythonLayout;
      const types = new CodeTypes(memory, layout);
      const failures: string[] = [];
      let recursions = 0;
      const reader = { memory, layout, isCodeType: (type: number) => types.isCodeType(type) };
      const named = new PythonFrames(
        reader,
        () => '/srv',
        (why) => failures.push(why),
      );
      for (const thread of readThreads(memory, layout, image.runtimeAddress + bias)) {
        const expected = told.threads[thread.threadId] ?? [];
        const frames = expected.length > 0 ? readFrames(memory, layout, thread) : [];
        let before: RuntimeFrame | null = null;
        frames.forEach(({ code, position }, i) => {
          const bytes = memory.read(code, 256) as Buffer;
          const print = fingerprintOf(bytes.subarray(16), fingerprintMask(layout));
          const sent = layout.position === 'units' ? position / 2 : position;
          const word = (BigInt(print) << 32n) | BigInt.asUintN(32, BigInt(sent));
          const whole: RuntimeFrame = { runtime: 2, data: code, words: [word] };
          const short: RuntimeFrame = { runtime: 2, data: 2 ** 51 + Number(word & 0xffffffffn), words: [] };
          const isSame = before?.data === code;
          if (!isSame) before = whole;
          named.relate([before as RuntimeFrame, short]);
          const frame = named.nameOf(isSame ? short : whole);
          recursions += Number(isSame);
          const [function_, file, line, firstLine] = expected[i];
          assert.deepEqual(
            [frame.name, frame.file, frame.line, frame.functionLine],
            [`${moduleOf(file)}.${function_}`, pathOf(file, '/srv'), line, firstLine],
          );
          const other = named.nameOf({ runtime: 2, data: code, words: [word ^ (1n << 40n)] });
          assert.equal(other.name, '[python: stale frame]', 'another object lies there');
        });
      }
      assert.ok(recursions > 0);
      assert.ok(failures.length > 0 && failures.every((why) => why === 'replaced'));
    });

    it(`${name}: memory that is damaged costs frames, not more`, () => {
      for (let seed = 1; seed <= 40; seed++) {
        const memory = new CapturedMemory(damaged(pieces, seed));
        const layout = layoutOf(memory, image, bias);
        if (!layout) continue;
        const types = new CodeTypes(memory, layout);
        const reader = { memory, layout, isCodeType: (type: number) => types.isCodeType(type) };
        for (const thread of readThreads(memory, layout, image.runtimeAddress + bias))
          for (const { code } of readFrames(memory, layout, thread)) readCode(reader, code, null);
      }
    });
  }

  it('an interpreter that is not set up yet is waited for, and one that cannot be read says so', () => {
    const { image, bias, pieces } = captures[0].capture;
    const problems: string[] = [];
    let changes = 0;
    const attach = (memory: Memory, of: PythonImage) =>
      new PythonProcess(
        { pid: process.pid, memory, code: () => [], changed: () => changes++, problem: (text) => problems.push(text) },
        { image: of, bias, path: '/usr/bin/python3' },
      );
    const early = attach(new CapturedMemory({}), image);
    assert.equal(early.state.status, 'waiting');
    const ready = attach(new CapturedMemory(pieces), image);
    assert.equal(ready.state.status, 'named');
    assert.deepEqual(
      ready.mapValues.map(({ map, value }) => [map, value.length]),
      [['python_processes', PYTHON_PROCESS.byteLength]],
    );
    const unknown = attach(new CapturedMemory({}), { ...image, versionHex: 0x03070000, version: '3.7.0' });
    assert.equal(unknown.state.status, 'nativeOnly');
    assert.equal(changes, 2);
  });
});

/** Every tenth piece has bytes that are others. */
function damaged(pieces: Record<string, string>, seed: number): Record<string, string> {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return Object.fromEntries(
    Object.entries(pieces).map(([place, text]) => {
      if (random(10) > 0) return [place, text];
      const bytes = Buffer.from(text, 'base64');
      for (let i = 0; i < 4 && bytes.length > 0; i++) bytes[random(bytes.length)] = random(256);
      return [place, bytes.toString('base64')];
    }),
  );
}

describe('CPython: what BPF is told', () => {
  it('has every field of the layout in its place', () => {
    const layout = layoutFromTable(11) as PythonLayout;
    const bytes = Buffer.from(
      processData(
        layout,
        { offset: -40, inside: null, ambiguous: false },
        { runtime: 0x1000, mainInterpreter: 0x2000, types: { number: 0x3000, text: 0x4000 } },
      ),
    );
    const at = PYTHON_PROCESS;
    assert.equal(bytes.readBigUInt64LE(at.lockHolder), BigInt(0x1000 + 576));
    assert.equal(bytes.readBigUInt64LE(at.mainInterpreter), 0x2000n);
    assert.equal(bytes.readBigUInt64LE(at.numberType), 0x3000n);
    assert.equal(bytes.readBigUInt64LE(at.textType), 0x4000n);
    assert.equal(bytes.readUInt16LE(at.threadTask), PYTHON_NO_FIELD, 'tasks are elsewhere before 3.14');
    assert.equal(bytes.readInt32LE(at.slot), -40);
    assert.equal(bytes.readInt32LE(at.slotInside), -1);
    assert.equal(bytes.readUInt16LE(at.frameEntry), 68);
    assert.equal(bytes.readUInt16LE(at.frameBytes), 76);
    assert.equal(bytes.readUInt16LE(at.frameCopy), 0xffff);
    assert.equal(bytes.readUInt8(at.mark), 1);
  });
});

describe('CPython: lines', () => {
  it('end with the table, whatever it holds', () => {
    const tables = [[], [0xff], [0x78 | 0x80, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40], [0xf0], [0, 0, 0, 0]];
    for (const format of ['lnotab', 'ranges', 'locations'] as const)
      for (const table of tables) {
        const line = lineOf(format, Uint8Array.from(table), 7, 1_000_000);
        assert.ok(line === null || Number.isFinite(line));
      }
  });

  it('of an instruction that was not begun is the first', () => {
    assert.equal(lineOf('locations', Uint8Array.of(), 7, -2), 7);
  });
});

describe('CPython: names', () => {
  it('of modules come from paths', () => {
    const modules: Record<string, string> = {
      '/srv/shop/app.py': 'app',
      '/srv/shop/__init__.py': 'shop',
      '/usr/lib/python3.11/json/decoder.py': 'json.decoder',
      '/usr/lib/python3.11/json/__init__.py': 'json',
      '/venv/lib/python3.12/site-packages/flask/app.py': 'flask.app',
      '/usr/lib/python3/dist-packages/yaml/__init__.py': 'yaml',
      '<frozen importlib._bootstrap>': 'importlib._bootstrap',
      '<string>': '<string>',
      'app.py': 'app',
    };
    for (const [file, module] of Object.entries(modules)) assert.equal(moduleOf(file), module, file);
  });

  it('that are long are shortened, and whole beside that', () => {
    const { name, fullName } = displayName('m', 'f'.repeat(1_000));
    assert.ok(name.length < 500 && name.endsWith('…'));
    assert.equal(fullName, `m.${'f'.repeat(1_000)}`);
  });

  it('of files are paths only where there is a file', () => {
    assert.equal(pathOf('a/../b.py', '/srv'), '/srv/b.py');
    assert.equal(pathOf('b.py', null), 'b.py');
    assert.equal(pathOf('<string>', '/srv'), null);
    assert.equal(pathOf('/a\0b', '/srv'), null);
    assert.equal(pathOf('', '/srv'), null);
  });

  it('are read of every kind of text, and of no other object', () => {
    const layout = layoutFromTable(12) as PythonLayout;
    const text = (state: number, length: number, data: Buffer, at: number) => {
      const header = Buffer.alloc(40);
      header.writeBigInt64LE(BigInt(length), 16);
      header.writeUInt32LE(state, 32);
      const memory: Memory = {
        read: (start, size) =>
          start === 0x1000 && size === 40
            ? header
            : start === 0x1000 + at && size <= data.length
              ? data.subarray(0, size)
              : null,
        readAll: () => [],
      };
      return readText(memory, layout, 0x1000);
    };
    const [compact, ascii] = [1 << 5, 1 << 6];
    assert.equal(text((1 << 2) | compact | ascii, 3, Buffer.from('abc'), 40), 'abc');
    assert.equal(text((1 << 2) | compact, 1, Buffer.from([0xe4]), 56), 'ä');
    assert.equal(text((2 << 2) | compact, 2, Buffer.from('名前', 'utf16le'), 56), '名前');
    assert.equal(text((2 << 2) | compact, 1, Buffer.from([0x80, 0xdc]), 56), '\ufffd', 'a byte that was no UTF-8');
    assert.equal(text((4 << 2) | compact, 1, Buffer.from([0x0d, 0xf4, 1, 0]), 56), '\u{1f40d}');
    assert.equal(text((4 << 2) | compact, 1, Buffer.from([0, 0, 0x11, 0]), 56), null, 'no character');
    assert.equal(text((3 << 2) | compact, 1, Buffer.alloc(4), 56), null);
    assert.equal(text((1 << 2) | ascii, 1, Buffer.alloc(4), 40), null, 'not compact');
    assert.equal(text((1 << 2) | compact | ascii, -1, Buffer.alloc(4), 40), null);
    const long = text((1 << 2) | compact | ascii, 10_000_000, Buffer.alloc(4_096, 'x'), 40);
    assert.equal(long?.length, 4_097);
  });
});

describe('CPython: native frames and Python frames in one order', () => {
  const LOOP = 1_000;
  const INTERPRETER = 2_000;
  const LOCK = 3_000;
  const COLLECTION = 4_000;
  const ROLES: Record<number, NativeRole> = {
    [LOOP]: 'evaluation',
    [INTERPRETER]: 'interpreter',
    [LOCK]: 'lockWait',
    [COLLECTION]: 'collection',
  };
  const roleOf = (address: number): NativeRole => ROLES[address] ?? 'other';
  const frame = (data: number, ...words: bigint[]): RuntimeFrame => ({ runtime: 2, data, words });
  const entry = frame(PYTHON_MARK.PYTHON_MARK_ENTRY);
  const python = (name: number) => frame(0x10000 + name, 0n);
  const spliced = (user: RawFrame[], eachFrame = false) =>
    splice(user, ({ runtime }) => runtime === 2, roleOf, eachFrame).map((index) => {
      if (typeof index !== 'number') return index.name;
      const found = user[index];
      return typeof found === 'number'
        ? found
        : found.words.length > 0
          ? `py${found.data - 0x10000}`
          : `mark${found.data}`;
    });

  it('a callback through C stands where it ran, and the interpreter is folded', () => {
    const native = [5, INTERPRETER, LOOP, INTERPRETER, 6, 7, INTERPRETER, LOOP, INTERPRETER, 8];
    assert.deepEqual(spliced([...native, python(1), python(2), entry, python(3), entry]), [
      5,
      'py1',
      'py2',
      6,
      7,
      'py3',
      8,
    ]);
  });

  it('each frame by itself, up to 3.10', () => {
    assert.deepEqual(spliced([LOOP, INTERPRETER, LOOP, 6, LOOP, python(1), python(2), python(3)], true), [
      'py1',
      'py2',
      6,
      'py3',
    ]);
  });

  it('the mark at the end of 3.15 is of no call', () => {
    assert.deepEqual(spliced([LOOP, 6, LOOP, python(1), entry, python(2), entry, entry]), ['py1', 6, 'py2']);
  });

  it('a call that has just begun, or returns, has no frames yet or any more', () => {
    assert.deepEqual(spliced([LOOP, 6, LOOP, python(1), entry]), [6, 'py1']);
    assert.deepEqual(spliced([LOOP, 6, LOOP, entry, python(1), entry]), [6, 'py1']);
  });

  it('a native walk that ended early leaves the rest of the chain at the outer end', () => {
    assert.deepEqual(spliced([5, LOOP, 6, python(1), entry, python(2), entry]), [5, 'py1', 6, 'py2']);
  });

  it('a chain that ended early leaves the loop where its frames are not known', () => {
    const torn = frame(PYTHON_MARK.PYTHON_MARK_TORN);
    assert.deepEqual(spliced([LOOP, 6, LOOP, 7, LOOP, python(1), entry, torn]), ['py1', 6, 'mark2', 7, LOOP]);
  });

  it('a chain that was cut stands for the rest of the loop, too', () => {
    const cut = frame(PYTHON_MARK.PYTHON_MARK_TOO_DEEP);
    assert.deepEqual(spliced([LOOP, 6, LOOP, 7, LOOP, python(1), entry, cut]), ['py1', 6, 'mark3', 7]);
  });

  it('a chain that begins anew is what follows', () => {
    const anew = frame(PYTHON_MARK.PYTHON_MARK_ANEW);
    assert.deepEqual(spliced([LOOP, 6, LOOP, python(9), entry, python(8), anew, python(1), entry]), [6, 'py1']);
  });

  it('without a loop in sight the chain stands where the interpreter begins', () => {
    assert.deepEqual(spliced([5, INTERPRETER, 6, python(1), entry]), [5, 'py1', 6]);
    assert.deepEqual(spliced([5, python(1), entry]), [5, 'py1']);
  });

  it('what collects garbage has a frame, below whatever it calls', () => {
    const user = [6, COLLECTION, COLLECTION, LOOP, 7, python(1), entry];
    assert.deepEqual(spliced(user), [6, '[garbage collection]', 'py1', 7]);
    assert.deepEqual(spliced([LOOP, INTERPRETER, COLLECTION, LOOP, python(1), entry, python(2), entry]), [
      'py1',
      '[garbage collection]',
      'py2',
    ]);
  });

  it('without a chain the loop says that nobody named its functions; where it is not there, all stay', () => {
    const unnamed = '[not named yet: Python]';
    assert.deepEqual(spliced([5, INTERPRETER, LOOP]), [5, unnamed]);
    assert.deepEqual(spliced([INTERPRETER, LOOP, INTERPRETER, LOOP, 6, LOOP, 7]), [unnamed, 6, unnamed, 7]);
    assert.deepEqual(spliced([5, INTERPRETER, 6]), [5, INTERPRETER, 6]);
  });

  it('waiting for the lock is shown, once, and only where the thread does not have it', () => {
    const noLock = frame(PYTHON_MARK.PYTHON_MARK_NO_LOCK);
    assert.deepEqual(spliced([5, LOCK, LOCK, LOOP, noLock, python(1), entry]), [5, 'mark4', 'py1']);
    assert.deepEqual(spliced([5, LOCK, LOOP, python(1), entry]), [5, 'py1']);
    assert.deepEqual(spliced([5, INTERPRETER, LOOP, noLock, python(1), entry]), [5, 'py1']);
  });

  it('frames of other runtimes stay where they are', () => {
    const other: RuntimeFrame = { runtime: 9, data: 1, words: [] };
    assert.deepEqual(
      splice([other, LOOP, python(1), entry], ({ runtime }) => runtime === 2, roleOf, false),
      [0, 2],
    );
  });
});
