// Links the sources by each linker and layout that this machine can make. The living functions' addresses come from the
// symbol table, by readelf.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeSources, ROOT, type Sources } from './sources';

export const FOLDER = join(process.cwd(), 'out/golden/discarded');

export const LINKERS = ['bfd', 'gold', 'lld', 'mold'];
export const COMPILERS = ['gcc', 'clang'];
export const DWARF_VERSIONS = [2, 3, 4, 5];

/** Flags for the compiler as it links; with `-fPIC` compiled code where it is a library. */
export const LAYOUTS: Record<string, string[]> = {
  library: ['-shared', '-Wl,-z,separate-code'],
  'library with code beside headers': ['-shared', '-Wl,-z,noseparate-code'],
  'library with code at 0': ['-shared', '-Wl,-Ttext=0', '-Wl,--build-id=none', '-Wl,--hash-style=gnu'],
  pie: ['-pie', '-Wl,-z,separate-code'],
  'pie with code beside headers': ['-pie', '-Wl,-z,noseparate-code'],
  'program at a fixed address': ['-no-pie', '-static'],
  'program with code at 0': ['-no-pie', '-static', '-Wl,-Ttext=0'],
  'program with everything in one segment': ['-no-pie', '-static', '-Wl,-N', '-Wl,-Ttext=0'],
};

/** What no version of the linker that was tried can make (overlapping headers, internal errors, a crash). */
const IMPOSSIBLE: [string, string][] = [
  ['bfd', 'library with code at 0'],
  ['mold', 'library with code at 0'],
  ['gold', 'program with everything in one segment'],
];

export function isPossible(linker: string, layout: string): boolean {
  return !IMPOSSIBLE.some(([who, what]) => who === linker && what === layout);
}

export interface Program {
  path: string;
  /** Living functions by name: first address and size. */
  functions: Map<string, { start: number; sizeBytes: number }>;
}

/** Objects of one compiler and version of DWARF; null where they cannot be made. */
export function compileAll(compiler: string, version: number, extra: string[] = []): string[] | null {
  const sources = makeSources();
  const folder = join(FOLDER, `${compiler}-${version}${extra.join('')}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return writeAndCompile(sources, folder, compiler, version, extra);
}

function writeAndCompile(
  { files }: Sources,
  folder: string,
  compiler: string,
  version: number,
  extra: string[],
): string[] | null {
  const objects: string[] = [];
  for (const { name, text, splitsFunctions, hasDebugInformation } of files) {
    const source = join(folder, name);
    const object = `${source}.o`;
    writeFileSync(source, text);
    const flags = ['-O2', '-fPIC', '-ffreestanding', '-c', source, '-o', object];
    if (splitsFunctions) flags.push('-ffunction-sections');
    if (hasDebugInformation) flags.push('-g', `-gdwarf-${version}`, ...extra);
    const done = spawnSync(compiler, flags, { encoding: 'utf8' });
    if (done.error || done.status !== 0) return null;
    objects.push(object);
  }
  return objects;
}

/** Null where this linker cannot make that; `why` then says it. */
export function link(
  objects: string[],
  compiler: string,
  linker: string,
  layout: string,
  extra: string[] = [],
): Program | { why: string } {
  const path = join(objects[0], '..', `${linker}-${layout.replaceAll(' ', '-')}${extra.join('').replace(/\W+/g, '')}`);
  const script = `${path}.map`;
  writeFileSync(script, `{ global: ${ROOT}; local: *; };\n`);
  // gold lays code beside the headers always.
  const flags = LAYOUTS[layout].filter((flag) => linker !== 'gold' || !flag.startsWith('-Wl,-z'));
  const visible = flags.includes('-shared') ? [`-Wl,--version-script=${script}`] : [`-Wl,-e,${ROOT}`];
  const done = spawnSync(
    compiler,
    [`-fuse-ld=${linker}`, '-nostdlib', ...flags, '-Wl,--gc-sections', ...extra, ...visible, ...objects, '-o', path],
    { encoding: 'utf8' },
  );
  if (done.error || done.status !== 0) return { why: done.error?.message ?? done.stderr.trim().split('\n')[0] };
  return { path, functions: functionsOf(path) };
}

function functionsOf(path: string): Program['functions'] {
  const done = spawnSync('readelf', ['-sW', path], { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (done.error) throw done.error;
  const found: Program['functions'] = new Map();
  for (const [, value, size, name] of done.stdout.matchAll(/^\s*\d+: ([0-9a-f]+)\s+(\d+) FUNC\s+.* (\S+)$/gm))
    found.set(name, { start: Number.parseInt(value, 16), sizeBytes: Number(size) });
  return found;
}
