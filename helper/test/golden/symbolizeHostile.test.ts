// What real compilers wrote, damaged: thousands of variants of each program, none of which may crash the parsers, make them
// run away or report anything but a plain sentence.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { FormatError } from '../../src/bytes/cursor';
import { BufferSource } from '../../src/bytes/source';
import { ElfFile } from '../../src/elf/parser';
import { FileSymbols } from '../../src/symbolize/fileSymbols';
import { build } from './symbolize/build';
import { offsetOf } from './symbolize/oracle';

const MUTATIONS = 600;
const TRUNCATIONS = 150;
const spill = { cache: null, descriptors: [], memoryBytes: 0, nextFileId: () => -1 };

/** Some places of one damaged file; throws what no caller expects. */
async function survive(file: Buffer, offsets: number[]): Promise<void> {
  let symbols: FileSymbols;
  try {
    symbols = await FileSymbols.open(ElfFile.parse(new BufferSource(file)), null, spill);
  } catch (error) {
    assert.ok(error instanceof FormatError, String((error as Error).stack));
    return;
  }
  for (const offset of offsets) symbols.placesOf(offset);
  for (const problem of symbols.problems) assert.doesNotMatch(problem, /TypeError|RangeError|ReferenceError/);
  symbols.close();
}

describe('symbolize: damaged programs', function () {
  this.timeout(120_000);
  const cases: [string, string[], string][] = [
    ['c-gcc-O2-dwarf5', ['gcc', '-g', '-O2', '-gdwarf-5', 'ring.c', '-o', 'OUT'], 'ring.c'],
    ['c-clang-O2-dwarf5', ['clang', '-g', '-O2', '-gdwarf-5', 'ring.c', '-o', 'OUT'], 'ring.c'],
    ['c-gcc-O2-gz', ['gcc', '-g', '-O2', '-gz=zlib', 'ring.c', '-o', 'OUT'], 'ring.c'],
    ['go-stripped', ['go', 'build', '-ldflags=-s -w', '-o', 'OUT', 'queue.go'], 'queue.go'],
  ];
  for (const [name, command, source] of cases)
    it(name, async function () {
      const path = build(name, command, [source]);
      if (path === null) {
        console.log(`      skipped: ${command[0]} is not installed`);
        return this.skip();
      }
      const file = readFileSync(path);
      const elf = ElfFile.parse(new BufferSource(file));
      const text = elf.section('.text')!;
      const offsets = [0.1, 0.5, 0.9].map((part) => offsetOf(elf, text.address + Math.floor(text.sizeBytes * part)));
      // Bits are flipped where they are read: in headers, symbols and tables, not in code.
      const interesting = elf.sections.filter((s) => /debug|symtab|strtab|pclntab|module|note/.test(s.name));
      let state = 4711;
      const random = (below: number) => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      const headers = file.readUIntLE(40, 6);
      for (let round = 0; round < MUTATIONS; round++) {
        const undo: [number, number][] = [];
        for (let flips = 1 + random(8); flips > 0; flips--) {
          const section = interesting[random(interesting.length)];
          const near = Math.min(section.sizeBytes, random(2) === 0 ? 256 : section.sizeBytes);
          const at = [random(512), headers + random(file.length - headers), section.fileOffset + random(near)][
            random(3)
          ];
          undo.push([at, file[at]]);
          file[at] = random(3) === 0 ? random(256) : file[at] ^ (1 << random(8));
        }
        await survive(file, offsets);
        for (const [at, value] of undo.reverse()) file[at] = value;
      }
      for (let i = 0; i < TRUNCATIONS; i++)
        await survive(file.subarray(0, Math.floor((file.length * i) / TRUNCATIONS)), offsets);
    });
});
