// Builds the programs whose unwind tables are compared (kept in out/golden/unwind until their source changes), and compiles
// tables of files. Used by unwindTable.test.ts and unwindSystem.test.ts.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dropPages, FileSource } from '../../../src/bytes/source';
import { ElfFile } from '../../../src/elf/parser';
import { compileUnwindTable, type UnwindTable } from '../../../src/unwind';
import { type Architecture, architectureOf } from '../../../src/unwind/registers';

export const PROGRAMS = join(process.cwd(), 'helper/test/golden/unwind/programs');
export const OUTPUT = join(process.cwd(), 'out/golden/unwind');
let lastId = 1_000_000;

export function has(tool: string): boolean {
  return spawnSync(tool, [tool === 'go' ? 'version' : '--version']).error === undefined;
}

/** Runs `command` with OUT for the result; null where a tool is missing or does not know an option. */
export function build(output: string, commands: string[][], source: string): string | null {
  mkdirSync(OUTPUT, { recursive: true });
  // Another command is another file.
  const hash = createHash('sha1').update(JSON.stringify(commands)).digest('hex').slice(0, 8);
  const path = join(OUTPUT, `${output}-${hash}`);
  if (existsSync(path) && statSync(path).mtimeMs > statSync(join(PROGRAMS, source)).mtimeMs) return path;
  for (const command of commands) {
    const [tool, ...args] = command.map((part) => part.replace('OUT', `${path}.new`));
    const run = spawnSync(tool, args, {
      cwd: PROGRAMS,
      encoding: 'utf8',
      env: { ...process.env, GOFLAGS: '', GO111MODULE: 'off', CGO_ENABLED: '0' },
    });
    if (run.error || run.status !== 0) return null;
  }
  renameSync(`${path}.new`, path);
  return path;
}

/** Throws FormatError as the compiler does. `debugPath`: a separate debug file. */
export async function tableOf(
  path: string,
  debugPath: string | null = null,
): Promise<{
  table: UnwindTable;
  arch: Architecture;
  elapsedMs: number;
  /** Jump stubs, and the entry. */
  isLinkers: (address: number) => boolean;
}> {
  const opened: { id: number; fd: number }[] = [];
  const descriptors: number[] = [];
  const open = (name: string) => {
    const fd = openSync(name, 'r');
    const id = ++lastId;
    opened.push({ id, fd });
    return ElfFile.parse(new FileSource(id, fd, fstatSync(fd).size));
  };
  try {
    const started = performance.now();
    const elf = open(path);
    const debug = debugPath === null ? null : open(debugPath);
    const spill = { cache: null, descriptors, memoryBytes: 0, nextFileId: () => ++lastId };
    const table = await compileUnwindTable(elf, debug, spill);
    const elapsedMs = performance.now() - started;
    const stubs = elf.sections.filter(({ name }) => /^\.i?plt/.test(name));
    const entry = Number(elf.source.read(24, 8).readBigUInt64LE());
    const isLinkers = (address: number) =>
      address === entry || stubs.some((s) => address >= s.address && address < s.address + s.sizeBytes);
    return { table, arch: architectureOf(elf), elapsedMs, isLinkers };
  } finally {
    for (const { id, fd } of opened) {
      dropPages(id);
      closeSync(fd);
    }
    for (const fd of descriptors) closeSync(fd);
  }
}
