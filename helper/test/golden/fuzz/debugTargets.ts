// The further files and sections that debug information is spread over, as ../fuzz.test.ts fuzzes them: split units, packages,
// what dwz puts into a common file, compressed sections, .gnu_debugdata. The program stays as it is, what belongs to it
// is damaged.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from '../../../src/bytes/cursor';
import { BufferSource } from '../../../src/bytes/source';
import { ElfFile } from '../../../src/elf/parser';
import { FileSymbols, type FurtherFiles } from '../../../src/symbolize/fileSymbols';
import type { FuzzTarget } from '../../tools/mutate';
import { OUTPUT, PROGRAMS } from '../unwind/build';

const FOLDER = join(OUTPUT, 'fuzz');
const FIRST_ADDRESS = 0x1000;
const LAST_ADDRESS = 0x2000;
const ADDRESS_STEP = 0x33;
const MISTAKES = /TypeError|RangeError|ReferenceError/;
const SOURCE = join(PROGRAMS, 'frames.c');
const SHT_SYMTAB = 2;
const NOTHING: string[] = Array(Math.ceil((LAST_ADDRESS - FIRST_ADDRESS) / ADDRESS_STEP)).fill('[]');

let lastId = -1_000_000;
const spill = () => ({ cache: null, descriptors: [], memoryBytes: 0, nextFileId: () => --lastId });
const expectsFormatError = (error: unknown) => error instanceof FormatError;

/** Runs the commands, the last of which makes `output`, in the fuzzing folder; false where a tool is missing or refuses. */
function made(output: string, commands: string[][]): boolean {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, output);
  if (existsSync(path) && statSync(path).mtimeMs > statSync(SOURCE).mtimeMs) return true;
  return commands.every(([tool, ...args]) => spawnSync(tool, args, { cwd: FOLDER, stdio: 'ignore' }).status === 0);
}

const fileIn = (name: string) => readFileSync(join(FOLDER, name));

/** What a worker does with a file: what it knows of some addresses, as text. */
async function placesIn(program: Buffer, further: FurtherFiles | null = null): Promise<string[]> {
  const symbols = await FileSymbols.open(ElfFile.parse(new BufferSource(program)), null, spill(), further);
  const places: string[] = [];
  for (let address = FIRST_ADDRESS; address < LAST_ADDRESS; address += ADDRESS_STEP)
    places.push(JSON.stringify(symbols.placesOf(address).filter(({ name, line }) => name !== null || line !== null)));
  symbols.close();
  for (const problem of symbols.problems) if (MISTAKES.test(problem)) throw new Error(problem);
  return places;
}

/** At how many addresses something is found that is not `known` without what is damaged. */
async function countFound(program: Buffer, known: string[], further: FurtherFiles | null = null): Promise<number> {
  return (await placesIn(program, further)).filter((place, i) => place !== known[i]).length;
}

/** So that names, too, come from the debug information alone. */
export function withoutSymbols(program: Buffer): Buffer {
  const copy = Buffer.from(program);
  // sh_type of every SHT_SYMTAB becomes SHT_NULL (gABI: e_shoff at 40, e_shentsize at 58, e_shnum at 60).
  const [table, entryBytes, count] = [Number(copy.readBigUInt64LE(40)), copy.readUInt16LE(58), copy.readUInt16LE(60)];
  for (let at = table + 4; at < table + entryBytes * count; at += entryBytes)
    if (copy.readUInt32LE(at) === SHT_SYMTAB) copy.writeUInt32LE(0, at);
  return copy;
}

/** At how many addresses a program's own debug information says something. */
export function symbolize(program: Buffer): Promise<number> {
  return countFound(program, NOTHING);
}

/** `name` is what the program (or its debug information) asks for. Found is what is not known without it. */
async function furtherFile(name: string, program: string, further: string): Promise<FuzzTarget> {
  const whole = withoutSymbols(fileIn(program));
  const known = await placesIn(whole);
  return {
    name,
    seeds: [fileIn(further)],
    run: (input) => {
      const open = (path: string) =>
        path.endsWith(further) ? { elf: ElfFile.parse(new BufferSource(input)), path, close: () => {} } : null;
      return countFound(whole, known, { opener: { open }, path: join(FOLDER, program), debugPaths: [] });
    },
    expects: expectsFormatError,
  };
}

function compressedSections(): FuzzTarget | null {
  const kinds = ['zlib', 'zlib-gnu'];
  const seeds = kinds
    .filter((kind) => made(kind, [['gcc', '-g', '-O2', `-gz=${kind}`, SOURCE, '-o', kind]]))
    .map(fileIn);
  const zstd = [
    ['gcc', '-g', '-O2', SOURCE, '-o', 'plain'],
    ['llvm-objcopy-19', '--compress-debug-sections=zstd', 'plain', 'zstd'],
  ];
  if (made('zstd', zstd)) seeds.push(fileIn('zstd'));
  if (seeds.length === 0) return null;
  return {
    name: 'compressed sections',
    seeds: seeds.map(withoutSymbols),
    run: symbolize,
    expects: expectsFormatError,
  };
}

/** Only the compressed file in the section is damaged. */
async function miniDebug(): Promise<FuzzTarget | null> {
  const built = made('with-mini', [
    ['gcc', '-g', '-O1', SOURCE, '-o', 'whole'],
    ['objcopy', '-S', '--keep-symbol=leaf', '--keep-symbol=large', 'whole', 'mini'],
    ['xz', '-kf', '-S', '.unchecked', '--check=none', 'mini'],
    ['xz', '-kf', 'mini'],
    ['objcopy', '--strip-all', '--add-section=.gnu_debugdata=mini.xz', 'whole', 'with-mini'],
  ]);
  if (!built) return null;
  const program = fileIn('with-mini');
  const { fileOffset, sizeBytes } = ElfFile.parse(new BufferSource(program)).section('.gnu_debugdata')!;
  const known = await placesIn(Buffer.from(program).fill(0, fileOffset, fileOffset + sizeBytes));
  return {
    name: '.gnu_debugdata',
    // By its checksum hardly a damaged file gets as far as its contents.
    seeds: [fileIn('mini.xz'), fileIn('mini.unchecked')],
    run: (input) => {
      program.fill(0, fileOffset, fileOffset + sizeBytes);
      input.copy(program, fileOffset, 0, sizeBytes);
      return countFound(program, known);
    },
    expects: expectsFormatError,
  };
}

/** Those that can be made here. */
export async function debugTargets(): Promise<FuzzTarget[]> {
  const targets: (FuzzTarget | null)[] = [compressedSections(), await miniDebug()];
  const split = ['-g', '-O2', '-gsplit-dwarf', '-c', SOURCE];
  if (
    made('five', [
      ['clang', ...split, '-gdwarf-5', '-o', 'five.o'],
      ['clang', 'five.o', '-o', 'five'],
    ])
  )
    targets.push(await furtherFile('split units', 'five', 'five.dwo'));
  if (
    made('four.dwp', [
      ['gcc', ...split, '-gdwarf-4', '-o', 'four.o'],
      ['gcc', 'four.o', '-o', 'four'],
      ['dwp', '-e', 'four', '-o', 'four.dwp'],
    ])
  )
    targets.push(await furtherFile('packages of split units', 'four', 'four.dwp'));
  if (
    made('common.debug', [
      ['gcc', '-g', '-O2', SOURCE, '-o', 'one'],
      ['gcc', '-g', '-O1', SOURCE, '-o', 'two'],
      ['dwz', '-m', 'common.debug', 'one', 'two'],
    ])
  )
    targets.push(await furtherFile('supplementary files', 'one', 'common.debug'));
  return targets.filter((target) => target !== null);
}
