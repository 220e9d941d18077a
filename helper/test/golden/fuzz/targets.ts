// The parsers of other people's bytes, as ../fuzz.test.ts fuzzes them: through the entry points that the workers use, over
// what compilers here wrote and over small programs of the system.

import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cursor, FormatError } from '../../../src/bytes/cursor';
import { BufferSource } from '../../../src/bytes/source';
import { ElfFile } from '../../../src/elf/parser';
import { PltStubs } from '../../../src/elf/plt';
import { findFunction, readFunctions } from '../../../src/elf/symbols';
import { findPclntab } from '../../../src/runtimes/go/pclntab/parser';
import { findGoPlaces } from '../../../src/runtimes/go/pclntab/resolver';
import { JitDump } from '../../../src/symbolize/jitdump/resolver';
import { readKallsyms } from '../../../src/symbolize/kernel/parser';
import { PerfMap } from '../../../src/symbolize/perfmap/resolver';
import { compileUnwindTable } from '../../../src/unwind';
import { recognize, recognizePlt } from '../../../src/unwind/expressions';
import type { FuzzTarget } from '../../tools/mutate';
import { exampleDump } from '../../unit/symbolize/dumpWriter';
import { bytes, CODE_ADDRESS, u16, u32 } from '../../unit/symbolize/elfWriter';
import { EH_FRAME_ADDRESS, ehFrame, ehFrameSection, elfWith } from '../../unit/unwind/frameWriter';
import { build } from '../unwind/build';
import { debugTargets, symbolize, withoutSymbols } from './debugTargets';

const MAX_PROGRAM_BYTES = 48_000;
const MAX_PROGRAMS = 24;
const SECTION_SEED_BYTES = 2_048;
const LONGEST_SECTION_BYTES = 8_192;
/** p_memsz of the first program header, which follows the header of 64 bytes (gABI). */
const SEGMENT_MEMORY_SIZE_AT = 64 + 40;

const spill = () => ({ cache: null, descriptors: [], memoryBytes: 0, nextFileId: () => -1 });
const expectsFormatError = (error: unknown) => error instanceof FormatError;

/** Small programs of the system, and some built here: the same ones on one machine. */
function programs(): Buffer[] {
  const found: Buffer[] = [];
  for (const name of readdirSync('/usr/bin').sort()) {
    const path = join('/usr/bin', name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile() || stat.size > MAX_PROGRAM_BYTES) continue;
    const file = readFileSync(path);
    if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46) continue;
    found.push(file);
    if (found.length === MAX_PROGRAMS) break;
  }
  const variants: [string, string[]][] = [
    ['fuzz-gcc', ['gcc', '-g', '-O2', '-Wl,-z,lazy', '-o', 'OUT', 'frames.c']],
    ['fuzz-gcc-dwarf4', ['gcc', '-g', '-O1', '-gdwarf-4', '-o', 'OUT', 'frames.c']],
    ['fuzz-clang', ['clang', '-g', '-O2', '-o', 'OUT', 'frames.c']],
    ['odd-gas', ['gcc', '-shared', '-o', 'OUT', 'odd.S']],
  ];
  for (const [name, command] of variants) {
    const path = build(name, [command], command.at(-1)!);
    if (path !== null) found.unshift(readFileSync(path));
  }
  return found;
}

/** Whole entries of .eh_frame, together with what they share, in pieces of some kilobytes. */
function unwindSections(files: Buffer[]): Buffer[] {
  const pieces: Buffer[] = [handMade()];
  for (const file of files) {
    const section = ElfFile.parse(new BufferSource(file)).section('.eh_frame');
    if (section) pieces.push(file.subarray(section.fileOffset, section.fileOffset + SECTION_SEED_BYTES));
  }
  return pieces;
}

/** What real sections seldom have: expressions, all advances, nested states, arm64's instructions. */
function handMade(): Buffer {
  const instructions = [
    bytes(
      [0x41, 0x0e, 16, 0x86, 2, 0x0a, 0x43, 0x0d, 6, 0x0a, 0x02, 2, 0x0b, 0x03],
      u16(3),
      [0x0b, 0x04],
      u32(4),
      0xc6,
    ),
    bytes([0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22]),
    bytes([0x0f, 5, 0x77, 40, 0x06, 0x23, 8, 0x10, 6, 2, 0x76, 0, 0x16, 6, 2, 0x77, 8]),
    bytes([
      0x2e, 16, 0x2d, 0x2c, 0x14, 6, 2, 0x15, 6, 2, 0x12, 7, 0x7a, 0x13, 0x7a, 0x11, 6, 1, 0x2f, 6, 1, 0x05, 6, 1,
    ]),
  ];
  return ehFrame(
    {},
    instructions.map((code, i) => ({ start: 0x401000 + 0x40 * i, instructions: code })),
  );
}

/** In a file whose code (without bytes) reaches up to the section: real sections speak of code that lies just before them. */
function elfOf(section: Buffer): Buffer {
  const file = elfWith([ehFrameSection(section.subarray(0, LONGEST_SECTION_BYTES))]);
  file.writeBigUInt64LE(BigInt(EH_FRAME_ADDRESS - CODE_ADDRESS), SEGMENT_MEMORY_SIZE_AT);
  return file;
}

export async function fuzzTargets(): Promise<FuzzTarget[]> {
  const files = programs();
  const compile = async (file: Buffer) =>
    (await compileUnwindTable(ElfFile.parse(new BufferSource(file)), null, spill())).rows.length;
  const targets: FuzzTarget[] = [
    {
      name: '.eh_frame',
      seeds: unwindSections(files),
      run: (input) => compile(elfOf(input)),
      expects: expectsFormatError,
    },
    { name: 'unwind tables of programs', seeds: files, run: compile, expects: expectsFormatError },
    {
      name: 'expressions of unwind information',
      seeds: [bytes([0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22]), bytes([0x77, 40, 0x06, 0x23, 8])],
      run: (input) => {
        const terms = [false, true].map((cfa) => recognize(new Cursor(input), cfa));
        return terms.filter((term) => term !== null).length + Number(recognizePlt(input, 0, input.length) >= 0);
      },
      expects: () => false,
    },
    {
      name: 'symbols of programs',
      seeds: files,
      run: (input) => {
        const elf = ElfFile.parse(new BufferSource(input));
        const found = readFunctions(elf);
        const addresses = [0, 0.3, 0.5, 0.9].map((place) => Math.floor(0x4000 * place));
        const named = found ? addresses.filter((address) => findFunction(found.table, address) >= 0).length : 0;
        const stubs = new PltStubs(elf);
        const stubsFound = elf.sections
          .slice(0, 64)
          .filter(({ address, sizeBytes }) => stubs.find(address + Math.min(16, sizeBytes)) !== null).length;
        return named + stubsFound + Number(elf.debugLink() !== null);
      },
      expects: expectsFormatError,
    },
    {
      name: 'debug information',
      seeds: files.slice(0, 3).map(withoutSymbols),
      run: symbolize,
      expects: expectsFormatError,
    },
    textTarget(
      'perf maps',
      ['7f0000001000 40 jit:one\n7f0000001040 80 two three\n7f0000001000 20 again\n'],
      (fd, size) => {
        const map = new PerfMap(fd);
        map.update(size);
        return [0, 0x7f0000001000, 0x7f0000001050].filter((address) => map.find(address) !== null).length;
      },
    ),
    dumpTarget(),
    textTarget(
      'kallsyms',
      ['ffffffff81000000 T _text\nffffffffc0001000 t init_module\t[dm_mod]\n'],
      (fd) => readKallsyms(fd)?.starts.length ?? 0,
    ),
  ];
  targets.push(...(await debugTargets()));
  const goProgram = build('fuzz-go', [['go', 'build', '-ldflags=-s -w', '-o', 'OUT', 'server.go']], 'server.go');
  if (goProgram !== null) targets.push(goTarget(readFileSync(goProgram)));
  return targets;
}

/** Parsers that read a descriptor: of a file that has no name any more. */
function textTarget(name: string, texts: string[], parse: (fd: number, sizeBytes: number) => number): FuzzTarget {
  const path = join(tmpdir(), `fuzz-${process.pid}-${texts[0].length}`);
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  process.on('exit', () => closeSync(fd));
  return {
    name,
    seeds: texts.map((text) => Buffer.from(text.repeat(8))),
    run: (input) => {
      ftruncateSync(fd, 0);
      writeSync(fd, input, 0, input.length, 0);
      return parse(fd, input.length);
    },
    expects: expectsFormatError,
  };
}

function dumpTarget(): FuzzTarget {
  const target = textTarget('jitdumps', [' '], (fd, size) => {
    const dump = new JitDump(fd);
    dump.update(size);
    return [0x10040, 0x10050, 0x20010].filter((address) => dump.placesAt(address).length > 0).length;
  });
  return { ...target, seeds: [exampleDump()] };
}

/** Go's table is most of the file: what is damaged is its first part, put back into the program. */
function goTarget(program: Buffer): FuzzTarget {
  const section = ElfFile.parse(new BufferSource(program)).section('.gopclntab')!;
  const part = Math.min(section.sizeBytes, 65_536);
  return {
    name: "Go's tables",
    seeds: [Buffer.from(program.subarray(section.fileOffset, section.fileOffset + part))],
    run: async (input) => {
      program.fill(0, section.fileOffset, section.fileOffset + part);
      input.copy(program, section.fileOffset, 0, part);
      const elf = ElfFile.parse(new BufferSource(program));
      await compileUnwindTable(elf, null, spill());
      const table = findPclntab(elf);
      if (!table) return 0;
      const text = elf.section('.text')!;
      return [0, 0.1, 0.5, 0.9]
        .map((place) => findGoPlaces(table, text.address + Math.floor(text.sizeBytes * place)).length)
        .reduce((sum, places) => sum + places);
    },
    expects: expectsFormatError,
  };
}
