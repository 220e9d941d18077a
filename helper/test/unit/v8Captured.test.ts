// V8's objects in memory that was captured of each version (golden/v8/capture.ts): so layouts are tested without the runtimes, and what
// a hostile or changing target may show is tried on real ones.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { V8_DATA_SHIFT, V8_FRAME_KIND, V8_FRAME_TOP, V8_RUNTIME } from '../../src/abi/runtimeV8.gen';
import type { RuntimeFrame } from '../../src/process/types';
import type { Memory } from '../../src/runtimes/types';
import { Frames, type JsFrame } from '../../src/runtimes/v8/frames';
import type { ReadMemory } from '../../src/runtimes/v8/heapMemory';
import { layoutOf } from '../../src/runtimes/v8/layout';
import type { ScriptPlace, V8Image, V8Version } from '../../src/runtimes/v8/types';
import { V8Process } from '../../src/runtimes/v8/v8Process';

interface Captured {
  node: string;
  v8Version: V8Version;
  constants: Record<string, number>;
  bytecodeSizes: string;
  /** Lines of Error().stack. */
  told: string[];
  asked: JsFrame[];
  places: ScriptPlace[][];
  memory: [address: string, hex: string][];
}

const FOLDER = [join(__dirname, 'fixtures/v8'), join(__dirname, '../../../../../helper/test/unit/fixtures/v8')].find(
  (folder) => existsSync(folder),
)!;
const CAPTURED: Captured[] = readdirSync(FOLDER)
  .sort()
  .map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')));

function imageOf({ node, v8Version, constants, bytecodeSizes }: Captured): V8Image {
  const sizes = new Uint8Array(Buffer.from(bytecodeSizes, 'base64'));
  const builtins = { starts: [], names: [] };
  const known = { version: node, v8Version, constants, bytecodeSizes: sizes };
  return { runtime: 'node', ...known, blob: null, builtins, collection: [] };
}

type Pages = Map<number, Buffer>;

/** They have zeros where nothing was captured. */
function pagesOf({ memory }: Captured): Pages {
  const pages: Pages = new Map();
  for (const [start, hex] of memory) {
    const words = Buffer.from(hex, 'hex');
    for (let i = 0; i < words.length; i += 8) {
      const address = Number.parseInt(start, 16) + i;
      const number = Math.floor(address / 4_096);
      const page = pages.get(number) ?? Buffer.alloc(4_096);
      pages.set(number, page);
      words.copy(page, address % 4_096, i, i + 8);
    }
  }
  return pages;
}

function readerOf(pages: Pages): ReadMemory {
  return (address, sizeBytes) => {
    const bytes = new Uint8Array(sizeBytes);
    for (let i = 0; i < sizeBytes; ) {
      const page = pages.get(Math.floor((address + i) / 4_096));
      if (!page) return null;
      const within = (address + i) % 4_096;
      const here = Math.min(sizeBytes - i, 4_096 - within);
      bytes.set(page.subarray(within, within + here), i);
      i += here;
    }
    return bytes;
  };
}

function framesOf(captured: Captured, read = readerOf(pagesOf(captured))): Frames {
  const image = imageOf(captured);
  const layout = layoutOf(image);
  assert.ok(typeof layout !== 'string', String(layout));
  return new Frames(read, layout, image.bytecodeSizes);
}

function processOf(captured: Captured, problems: string[]): V8Process {
  const read = readerOf(pagesOf(captured));
  const memory: Memory = {
    read: (start, sizeBytes) => {
      const bytes = read(start, sizeBytes);
      return bytes && Buffer.from(bytes);
    },
    readAll: (places) => places.map(({ start, sizeBytes }) => memory.read(start, sizeBytes)),
  };
  const process = { pid: 1, memory, code: () => [], changed: () => {}, problem: (text: string) => problems.push(text) };
  // Its map is nowhere.
  return new V8Process(process, { image: imageOf(captured), bias: 0, path: '/usr/bin/node' });
}

const idsOf = ({ scriptId, literalId }: JsFrame) => (BigInt(scriptId) << 32n) | BigInt(literalId);
const dataOf = ({ shared }: JsFrame, kind: number) => ((shared - 1) / 8) * 2 ** V8_DATA_SHIFT + kind;

/** As bpf/lib/unwind_v8.bpf.h leaves them. */
function callerWords(frame: JsFrame): RuntimeFrame {
  const { at } = frame;
  const kind = at.kind === 'interpreted' ? V8_FRAME_KIND.V8_FRAME_INTERPRETED : V8_FRAME_KIND.V8_FRAME_MACHINE;
  const place = at.kind === 'interpreted' ? at.bytecodeOffset : at.kind === 'machine' ? at.pc : 0;
  return { runtime: V8_RUNTIME, data: dataOf(frame, kind), words: [idsOf(frame), BigInt(place)] };
}

function topWords(frame: JsFrame, pc: number, returnAddress: number): RuntimeFrame {
  const { data, words } = callerWords(frame);
  const place = frame.at.kind === 'interpreted' ? words[1] : 0n;
  return {
    runtime: V8_RUNTIME,
    data: data + V8_FRAME_TOP,
    words: [words[0], place, BigInt(pc), BigInt(returnAddress)],
  };
}

const placeText = ({ scriptName, line, column }: ScriptPlace) => `${scriptName}:${line}:${column}`;

/** Of the class in ../golden/v8/stacks.js, as far as they stand on the stacks. */
const MEMBERS = ['area', 'make'];

describe('V8 by captured memory', () => {
  for (const captured of CAPTURED)
    describe(`Node ${captured.node}`, () => {
      it('functions, files, lines and columns are those that V8 told of itself', () => {
        const frames = framesOf(captured);
        const found = captured.asked.map((one) => frames.resolve(one));
        const withoutClass = ({ memberOf: _, ...place }: ScriptPlace) => place;
        assert.deepEqual(
          found.map((places) => (typeof places === 'string' ? places : places.map(withoutClass))),
          captured.places,
        );
        const places = found.flat() as ScriptPlace[];
        const members = places.filter(({ memberOf }) => memberOf);
        assert.deepEqual(
          new Set(members.map(({ memberOf, functionName }) => `${memberOf?.className}.${functionName}`)),
          new Set(MEMBERS.map((name) => `Shape.${name}`)),
        );
        const told = captured.told.map((line) => /\(?([^\s(]+:\d+:\d+)\)?$/.exec(line)?.[1] ?? line);
        const own = places.slice(places.findIndex(({ functionName }) => functionName === 'tell') + 1);
        assert.ok(own.length >= 5);
        assert.deepEqual(
          own.map(placeText),
          told.filter((place) => !place.includes('<anonymous>')).slice(1, 1 + own.length),
        );
        assert.ok(places.some(({ inlined }) => inlined));
        const named = places.filter(({ nameLine }) => nameLine !== null);
        assert.deepEqual(
          named
            .map(({ functionName, nameLine, nameColumn }) => [functionName, `${nameLine}:${nameColumn}`])
            .slice(0, 4),
          [
            ['tell', '10:10'],
            ['arrow', '17:7'],
            ['area', '22:3'],
            ['make', '19:10'],
          ],
        );
        assert.equal(places[0].sourceMapUrl, 'stacks.js.map');
      });

      it("the kernel's words lead to the same frames, and say who has none yet", async () => {
        const problems: string[] = [];
        const runtime = processOf(captured, problems);
        const shown = async (frame: RuntimeFrame) =>
          (await runtime.resolve(frame)).map(({ name, line, column }) => `${name}:${line}:${column}`);
        const wanted = (places: ScriptPlace[]) =>
          places.map(({ functionName, line, column }) => {
            const name = MEMBERS.includes(functionName) ? `Shape.${functionName}` : functionName || '(anonymous)';
            return `${name}:${line}:${column}`;
          });
        for (const [i, one] of captured.asked.entries())
          assert.deepEqual(await shown(callerWords(one)), wanted(captured.places[i]));
        const machine = captured.asked.findIndex(
          ({ at }, i) => at.kind === 'machine' && captured.places[i].at(-1)?.tier !== 'baseline',
        );
        const code = captured.asked[machine];
        const pc = (code.at as { pc: number }).pc;
        const other = captured.asked.findIndex(
          ({ literalId, at }) => literalId !== code.literalId && at.kind === 'interpreted',
        );
        // A builtin without a frame: its caller is at the return address.
        assert.deepEqual(await shown(topWords(code, 0, pc)), wanted(captured.places[machine]));
        // In a prologue: the frame at the frame pointer is the caller's.
        const both = await shown(topWords(captured.asked[other], pc, 0));
        assert.deepEqual(both.slice(-1), wanted(captured.places[other]));
        assert.equal(both.length, captured.places[machine].length + 1);
        assert.equal(both.at(-2)?.split(':')[0], wanted(captured.places[machine]).at(-1)?.split(':')[0]);
        // No script by the kernel's program: a debugger keeps it elsewhere.
        const debugged = callerWords(code);
        const words = [debugged.words[0] & 0xffffffffn, debugged.words[1]];
        assert.deepEqual(await shown({ ...debugged, words }), wanted(captured.places[machine]));
        assert.deepEqual(problems, ['its source map is not there, or may not be read: stacks.js']);
        // Nothing is dropped, and nothing guessed.
        const moved = callerWords({ ...code, literalId: code.literalId + 1 });
        assert.deepEqual(await shown(moved), ['[v8: stale frame]:null:null']);
        assert.deepEqual(problems.slice(1), ['a frame could not be read: function was replaced']);
      });

      it('a function that is another one by now is refused', () => {
        const frames = framesOf(captured);
        const [first] = captured.asked;
        assert.equal(frames.resolve({ ...first, literalId: first.literalId + 1 }), 'function was replaced');
        assert.equal(frames.resolve({ ...first, scriptId: first.scriptId + 1 }), 'function was replaced');
        assert.equal(frames.resolve({ ...first, shared: first.shared + 8 }), 'function was replaced');
      });

      it('code of another function is refused', () => {
        const machine = captured.asked.filter(({ at }) => at.kind === 'machine');
        const [one] = machine;
        const other = captured.asked.find(({ literalId }) => literalId !== one.literalId)!;
        assert.equal(framesOf(captured).resolve({ ...other, at: one.at }), 'code of another function');
        const nowhere = { kind: 'machine', pc: 0x1000, isReturnAddress: true } as const;
        assert.equal(framesOf(captured).resolve({ ...one, at: nowhere }), 'no code at the address');
      });

      it('any word may be any other: every answer is bounded, none throws', () => {
        const values = [0n, 1n, 5n, 0x7fff_ffff_0000_0000n, 0xffff_ffff_ffff_ffffn, 0x7fff_ffff_fff1n];
        const starts = captured.memory.map(([start]) => Number.parseInt(start, 16));
        const addresses = captured.memory.flatMap(([, hex], run) =>
          Array.from({ length: hex.length / 16 }, (_, i) => starts[run] + i * 8),
        );
        const pages = pagesOf(captured);
        for (let i = 0; i < addresses.length; i += 7) {
          const page = pages.get(Math.floor(addresses[i] / 4_096))!;
          const at = addresses[i] % 4_096;
          const before = page.readBigUInt64LE(at);
          page.writeBigUInt64LE(i % 2 === 0 ? values[i % values.length] : BigInt(starts[i % starts.length] + 1), at);
          const frames = framesOf(captured, readerOf(pages));
          for (const one of captured.asked) {
            const found = frames.resolve(one);
            assert.ok(typeof found === 'string' || found.length <= 129);
          }
          page.writeBigUInt64LE(before, at);
        }
      }).timeout(60_000);
    });

  it('a version that is too old, or compresses pointers, says so', () => {
    const [captured] = CAPTURED;
    assert.match(String(layoutOf({ ...imageOf(captured), v8Version: [9, 4, 1, 1] })), /older than the oldest/);
    const compressed = { ...captured.constants, TaggedSize: 4 };
    assert.match(String(layoutOf({ ...imageOf(captured), constants: compressed })), /compresses pointers/);
    assert.match(String(layoutOf({ ...imageOf(captured), constants: {} })), /lack/);
  });

  it('a newer version is read as the newest that is known, and marked', () => {
    const newest = CAPTURED.at(-1)!;
    const layout = layoutOf({ ...imageOf(newest), v8Version: [15, 1, 2, 3] });
    assert.ok(typeof layout !== 'string');
    assert.deepEqual([layout.isKnownVersion, layout.tableVersion], [false, '14.6 (Node 26)']);
  });
});
