// The programs that inlines.test.ts asks about: C, C++ and Rust by gcc, clang and rustc in the shapes that debug information
// comes in. Small ones run in every `make test`, all of them under MATRIX=1.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAMS } from '../symbolize/build';

export const FOLDER = join(process.cwd(), 'out/golden/inlines');

export interface Variant {
  name: string;
  /** Run one after another in FOLDER/name; OUT is the program, SRC the sources' folder. */
  commands: string[][];
  /** llvm-symbolizer is asked about this file instead (in the same folder), which has the same code. */
  oracle?: string;
  /** Earlier llvm-symbolizers are wrong about it. */
  llvmSince?: number;
}

const SOURCE = { c: 'many.c', cxx: 'words.cpp', rust: 'shapes.rs' };
const FLAGS = { c: ['-g'], cxx: ['-g', '-std=c++17'], rust: ['-g'] };
type Language = keyof typeof SOURCE;

function one(language: Language, name: string, compiler: string, flags: string[]): Variant {
  const source = `SRC/${SOURCE[language]}`;
  return { name, commands: [[compiler, ...FLAGS[language], ...flags, source, '-o', 'OUT']] };
}

/** Compiled and linked apart, as build systems do: the .dwo then lies beside the object. */
function split(
  language: 'c' | 'cxx',
  name: string,
  compiler: string,
  flags: string[],
  after: string[][] = [],
): Variant {
  const compile = [
    compiler,
    ...FLAGS[language],
    '-O2',
    '-gsplit-dwarf',
    ...flags,
    '-c',
    `SRC/${SOURCE[language]}`,
    '-o',
    'unit.o',
  ];
  return { name, commands: [compile, [compiler, 'unit.o', '-o', 'OUT'], ...after] };
}

/** Few in every run, of the languages and of the ways in which the information is spread: building takes the time. */
const ALWAYS = [
  'c-gcc-O2-gdwarf-5',
  'cxx-clang-O2-gdwarf-5',
  'c-clang-split5',
  'c-gcc-dwz',
  'c-gcc-dwz-units',
  'rust-O2',
];

const optimized = (compiler: string, language: Language, prefix: string): Variant[] =>
  ['-O0', '-O2', '-O3'].flatMap((level) =>
    ['-gdwarf-4', '-gdwarf-5'].map((version) =>
      one(language, `${prefix}${level}${version}`, compiler, [level, version]),
    ),
  );

export const VARIANTS: Variant[] = [
  ...optimized('gcc', 'c', 'c-gcc'),
  ...optimized('clang', 'c', 'c-clang'),
  ...optimized('g++', 'cxx', 'cxx-gcc'),
  ...optimized('clang++', 'cxx', 'cxx-clang'),
  one('cxx', 'cxx-gcc-O3-lto', 'g++', ['-O3', '-flto']),
  one('c', 'c-gcc-O3-lto', 'gcc', ['-O3', '-flto']),
  one('cxx', 'cxx-clang-O3-lto', 'clang++', ['-O3', '-flto', '-fuse-ld=lld']),
  one('c', 'c-clang-O3-lto', 'clang', ['-O3', '-flto', '-fuse-ld=lld']),
  one('c', 'c-gcc-O2-dwarf3', 'gcc', ['-O2', '-gdwarf-3', '-gstrict-dwarf']),
  one('c', 'c-gcc-O2-dwarf64', 'gcc', ['-O2', '-gdwarf-5', '-gdwarf64']),
  one('cxx', 'cxx-gcc-O2-sections', 'g++', [
    '-O2',
    '-ffunction-sections',
    '-Wl,--gc-sections',
    '-fdebug-types-section',
  ]),
  one('cxx', 'cxx-clang-gmlt', 'clang++', ['-O2', '-gline-tables-only']),
  one('cxx', 'cxx-clang-gdb-index', 'clang++', ['-O2', '-ggnu-pubnames', '-fuse-ld=lld', '-Wl,--gdb-index']),
  one('cxx', 'cxx-clang-names', 'clang++', ['-O2', '-gdwarf-5', '-gpubnames']),
  one('cxx', 'cxx-gcc-gz-zlib', 'g++', ['-O2', '-gz=zlib']),
  split('c', 'c-gcc-split4', 'gcc', ['-gdwarf-4']),
  // Debian 12's 14 says otherwise of 391 of 1,501 addresses, of which 19 says what we say.
  { ...split('c', 'c-clang-split5', 'clang', ['-gdwarf-5']), llvmSince: 19 },
  split('cxx', 'cxx-gcc-split4', 'g++', ['-gdwarf-4']),
  split('cxx', 'cxx-gcc-split5', 'g++', ['-gdwarf-5']),
  split('cxx', 'cxx-clang-split4', 'clang++', ['-gdwarf-4']),
  { ...split('cxx', 'cxx-clang-split5', 'clang++', ['-gdwarf-5']), llvmSince: 19 },
  split('cxx', 'cxx-clang-split-single', 'clang++', ['-gdwarf-5', '-gsplit-dwarf=single']),
  split(
    'cxx',
    'cxx-gcc-dwp4',
    'g++',
    ['-gdwarf-4'],
    [
      ['dwp', '-e', 'OUT', '-o', 'OUT.dwp'],
      ['rm', 'unit.dwo'],
    ],
  ),
  split(
    'cxx',
    'cxx-clang-dwp5',
    'clang++',
    ['-gdwarf-5'],
    [
      ['llvm-dwp', '-e', 'OUT', '-o', 'OUT.dwp'],
      ['rm', 'unit.dwo'],
    ],
  ),
  {
    name: 'c-gcc-zstd',
    oracle: 'plain',
    commands: [
      ['gcc', '-g', '-O2', '-gdwarf-5', 'SRC/many.c', '-o', 'plain'],
      ['llvm-objcopy-19', '--compress-debug-sections=zstd', 'plain', 'OUT'],
    ],
  },
  {
    // llvm-symbolizer does not follow references into the common file: it is asked about the program as it was before.
    name: 'cxx-gcc-dwz',
    oracle: 'plain',
    commands: [
      ['g++', '-std=c++17', '-g', '-O2', 'SRC/words.cpp', '-o', 'plain'],
      ['g++', '-std=c++17', '-g', '-O3', 'SRC/words.cpp', '-o', 'other'],
      ['cp', 'plain', 'OUT'],
      ['dwz', '-m', 'common.debug', 'OUT', 'other'],
    ],
  },
  {
    name: 'c-gcc-dwz',
    oracle: 'plain',
    commands: [
      ['gcc', '-g', '-O2', 'SRC/many.c', '-o', 'plain'],
      ['gcc', '-g', '-O1', 'SRC/many.c', '-o', 'other'],
      ['cp', 'plain', 'OUT'],
      ['dwz', '-m', 'common.debug', 'OUT', 'other'],
    ],
  },
  {
    // What two units have in common becomes a unit of its own, with a line table and without code.
    name: 'c-gcc-dwz-units',
    commands: [
      ['gcc', '-g', '-O2', '-c', 'SRC/many.c', '-o', 'one.o'],
      ['gcc', '-g', '-O1', '-Dmain=second', '-DONCE=static', '-c', 'SRC/many.c', '-o', 'two.o'],
      ['gcc', 'one.o', 'two.o', '-o', 'OUT'],
      ['dwz', 'OUT'],
    ],
  },
  one('rust', 'rust-O0', 'rustc', ['-C', 'opt-level=0']),
  one('rust', 'rust-O2', 'rustc', ['-C', 'opt-level=2']),
  one('rust', 'rust-O3-lto', 'rustc', ['-C', 'opt-level=3', '-C', 'lto=fat']),
  one('rust', 'rust-dwarf5', 'rustc', [
    '-C',
    'opt-level=2',
    '-C',
    'dwarf-version=5',
    '-C',
    'symbol-mangling-version=v0',
  ]),
  one('rust', 'rust-unpacked', 'rustc', ['-C', 'opt-level=2', '-C', 'split-debuginfo=unpacked']),
  one('rust', 'rust-packed', 'rustc', ['-C', 'opt-level=2', '-C', 'split-debuginfo=packed']),
];

export const SMALL_SET = VARIANTS.filter(({ name }) => ALWAYS.includes(name));

/** The program and the file to ask the oracles about, or why there is none. Kept until the sources change. */
export function buildVariant(variant: Variant): { program: string; oracle: string } | string {
  const folder = join(FOLDER, variant.name);
  const program = join(folder, 'program');
  const oracle = variant.oracle ? join(folder, variant.oracle) : program;
  const sources = join(FOLDER, 'sources');
  makeSources(sources);
  const newest = Math.max(...Object.values(SOURCE).map((name) => statSync(join(sources, name)).mtimeMs));
  if (existsSync(program) && existsSync(oracle) && statSync(program).mtimeMs > newest) return { program, oracle };
  mkdirSync(folder, { recursive: true });
  for (const [tool, ...args] of variant.commands) {
    const real = args.map((part) => part.replace('OUT', 'program').replace('SRC', '../sources'));
    try {
      execFileSync(tool, real, { cwd: folder, stdio: 'pipe' });
    } catch (error) {
      const { code, stderr } = error as { code?: string; stderr?: Buffer };
      return `${tool}: ${code ?? stderr?.toString().split('\n')[0]}`;
    }
  }
  return { program, oracle };
}

function makeSources(folder: string): void {
  mkdirSync(folder, { recursive: true });
  write(join(folder, SOURCE.c), manyFunctions());
  for (const name of [SOURCE.cxx, SOURCE.rust])
    write(join(folder, name), execFileSync('cat', [join(PROGRAMS, name)], { encoding: 'utf8' }));
}

function write(path: string, text: string): void {
  if (!existsSync(path) || execFileSync('cat', [path], { encoding: 'utf8' }) !== text) writeFileSync(path, text);
}

/** C with enough different code for 20,000 addresses: helpers inlined into helpers, on lines of their own. */
function manyFunctions(): string {
  const lines = [
    '#include <stdio.h>',
    '#include <stdlib.h>',
    '#include <string.h>',
    '#ifndef ONCE',
    '#define ONCE',
    '#endif',
    'static int seed = 7;',
  ];
  for (let i = 0; i < 260; i++) {
    const call = i === 0 ? '*p' : `clamp${i - 1}(*p, ${i})`;
    lines.push(
      `static inline int clamp${i}(int v, int most) {`,
      `  if (v > most * ${i + 2})`,
      `    return most - ${i};`,
      '  return v;',
      '}',
      `static inline long sum${i}(const int *p, int n) {`,
      '  long total = 0;',
      '  for (const int *end = p + n; p < end; p++) {',
      `    total += ${call};`,
      `    if (total % ${i + 3} == 1)`,
      `      total ^= clamp${i}((int)total, seed);`,
      '  }',
      '  return total;',
      '}',
      `ONCE __attribute__((noinline)) long work${i}(int *data, int n) {`,
      `  int *copy = malloc(n * sizeof(int) + ${i});`,
      '  if (!copy)',
      '    abort();',
      '  memcpy(copy, data, n * sizeof(int));',
      `  long result = sum${i}(copy, n) + sum${Math.max(0, i - 3)}(data, n / 2);`,
      '  switch (result & 3) {',
      '  case 0:',
      `    printf("%ld\\n", result + ${i});`,
      '    break;',
      '  case 1:',
      `    seed += sum${Math.floor(i / 2)}(copy, 3);`,
      '    break;',
      '  default:',
      `    data[0] = clamp${i}(data[0], (int)result);`,
      '  }',
      '  free(copy);',
      '  return result;',
      '}',
    );
  }
  lines.push('int main(int argc, char **argv) {', '  int data[64];', '  long all = 0;');
  lines.push('  for (int i = 0; i < 64; i++)', '    data[i] = i * argc + (argv[0] != 0);');
  for (let i = 0; i < 260; i++) lines.push(`  all += work${i}(data, 64);`);
  return [...lines, '  return (int)all & 1;', '}', ''].join('\n');
}
