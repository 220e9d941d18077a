// Which debug information is about living code, by what is known of the functions. The linkers' own programs are in
// golden/discarded.test.ts; here are the cases that no name tells apart.

import assert from 'node:assert/strict';
import { type Described, type FunctionBounds, LiveCode } from '../../src/elf/liveCode';
import type { Section } from '../../src/elf/types';
import { SHF_ALLOC, SHF_EXECINSTR } from '../../src/elf/types';

const section = (address: number, sizeBytes: number): Section => ({
  name: '.text',
  type: 1,
  flags: SHF_ALLOC | SHF_EXECINSTR,
  address,
  fileOffset: address,
  sizeBytes,
  link: 0,
});

/** Functions by start, end and names; a program that is executable from 0 to 0x10000. */
function liveCode(functions: [number, number | null, string[]][], sections = [section(0x100, 0x1000)]): LiveCode {
  return new LiveCode(
    { isCode: (address) => address >= 0 && address < 0x10000 },
    { sections },
    {
      boundsOf(address): FunctionBounds | null {
        const found = functions.filter(([start, end]) => start <= address && (end === null || address < end)).at(-1);
        return found ? { start: found[0], end: found[1] } : null;
      },
      namesAt: (start) => functions.find(([first]) => first === start)?.[2] ?? [],
    },
  );
}

describe('living code', () => {
  const code = liveCode([
    [0x100, 0x120, ['first']],
    [0x120, 0x180, ['second', 'alias@@V1']],
    [0x190, 0x1c0, ['_ZL5thirdv']],
    [0x200, null, ['open']],
  ]);
  const cases: [string, number, number, Described, boolean][] = [
    ['a function as the symbols have it', 0x120, 0x180, 'function', true],
    ['a function of another size', 0x120, 0x17f, 'function', false],
    ['a function that would reach over the next one', 0x100, 0x180, 'function', false],
    ['a function in the middle of another one', 0x130, 0x180, 'function', false],
    ['a function whose size the symbol does not say', 0x200, 0x234, 'function', true],
    ['a function between the known ones', 0x1c8, 0x1d0, 'function', true],
    ['a function between known ones that would reach over the end of one', 0x182, 0x1a0, 'function', false],
    ['a unit that ends with a function', 0x100, 0x1c0, 'unit', true],
    ['a unit that ends behind a function', 0x100, 0x188, 'unit', true],
    ['a unit that ends in the middle of a function', 0x100, 0x140, 'unit', false],
    ['a unit that begins in the middle of a function', 0x110, 0x180, 'unit', false],
    ['lines that begin behind the first instructions of a function', 0x110, 0x180, 'lines', true],
    ['lines that end in the middle of a function', 0x100, 0x150, 'lines', false],
    ['what lies before all sections', 0, 0x40, 'function', false],
    ['what reaches over the end of its section', 0x1c8, 0x1101, 'unit', false],
    ['nothing', 0x120, 0x120, 'function', false],
    ['what is not executable', 0x10000, 0x10010, 'function', false],
  ];
  for (const [what, low, high, described, expected] of cases)
    it(`${expected ? 'takes' : 'refuses'} ${what}`, () => assert.equal(code.isLive(low, high, described), expected));

  it('takes no word of a linker for a function where none is known', () => {
    const low = liveCode([[0x40, 0x60, ['f']]], [section(0, 0x1000)]);
    assert.equal(low.isLive(0, 0x40, 'function'), false);
    assert.equal(low.isLive(1, 0x40, 'function'), false);
    assert.equal(liveCode([[0, 0x40, ['g']]], [section(0, 0x1000)]).isLive(0, 0x40, 'function'), true);
  });

  it('goes by segments where there is no section table', () => {
    assert.equal(liveCode([], []).isLive(0x8000, 0x8010, 'function'), true);
    assert.equal(liveCode([], []).isLive(0x20000, 0x20010, 'function'), false);
  });

  it('tells functions apart by their names', () => {
    assert.equal(code.isNamed(0x120, 'second', null), true);
    assert.equal(code.isNamed(0x120, 'alias', 'other'), true);
    assert.equal(code.isNamed(0x120, 'second.isra.0', null), true);
    assert.equal(code.isNamed(0x120, 'dead', 'second'), false);
    assert.equal(code.isNamed(0x120, null, 'dead'), false);
    assert.equal(code.isNamed(0x190, null, 'third'), true);
    // What cannot be compared is no evidence.
    assert.equal(code.isNamed(0x190, null, 'operator()'), true);
    assert.equal(code.isNamed(0x190, null, null), true);
    assert.equal(code.isNamed(0x300, 'unknown', null), true);
  });
});
