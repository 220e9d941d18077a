// Compares our symbolization of one file with llvm-symbolizer's, address by address. Used by symbolize.test.ts, and by hand
// on any file of the system.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { DiskCache } from '../../../src/bytes/diskCache';
import { FileSource } from '../../../src/bytes/source';
import { chooseDebugFile } from '../../../src/elf/debugCandidates';
import { ElfFile } from '../../../src/elf/parser';
import { readFunctions } from '../../../src/elf/symbols';
import { PF_X, PT_LOAD } from '../../../src/elf/types';
import { displayName } from '../../../src/symbolize/demangle/demangle';
import { elfOpener } from '../../../src/symbolize/dwarf/opener';
import { FileSymbols } from '../../../src/symbolize/fileSymbols';
import type { Place } from '../../../src/symbolize/place';
import { newestLlvm } from '../llvmTools';

export interface Expected {
  /** Linkage name of the function itself, null where unknown. */
  functionName: string | null;
  /** Source of the innermost inlined code. */
  file: string | null;
  line: number;
}

let nextId = 1;

export interface Opened {
  symbols: FileSymbols;
  elf: ElfFile;
  close(): void;
}

export async function openForTest(
  path: string,
  debugPath: string | null = null,
  crc: number | null = null,
  cacheFolder: string | null = null,
): Promise<Opened> {
  const fds: number[] = [];
  const handle = (p: string) => {
    const fd = openSync(p, 'r');
    fds.push(fd);
    return { id: nextId++, fd, sizeBytes: statSync(p).size, path: p };
  };
  const file = handle(path);
  const elf = ElfFile.parse(new FileSource(file.id, file.fd, file.sizeBytes));
  const { debug, problem } = chooseDebugFile(elf, debugPath ? [{ ...handle(debugPath), crc }] : []);
  const spill = {
    cache: cacheFolder === null ? null : DiskCache.open(cacheFolder),
    descriptors: [],
    memoryBytes: 0,
    nextFileId: () => nextId++,
  };
  const symbols = await FileSymbols.open(elf, debug, spill, {
    opener: elfOpener(new Set(['']), () => nextId++),
    path: resolve(path),
    debugPaths: debugPath ? [resolve(debugPath)] : [],
  });
  if (problem) symbols.problems.add(problem);
  return {
    symbols,
    elf,
    close() {
      symbols.close();
      for (const fd of fds) closeSync(fd);
    },
  };
}

/** File offset of an address of executable code. */
export function offsetOf(elf: ElfFile, address: number): number {
  const segment = elf.segments.find(
    (s) => s.type === PT_LOAD && s.flags & PF_X && address >= s.address && address < s.address + s.fileSizeBytes,
  );
  if (!segment) throw new Error(`no code at ${address.toString(16)}`);
  return address - segment.address + segment.fileOffset;
}

/** About `count` addresses spread evenly over the functions of the file, never at one place of an instruction only. */
export function sampleAddresses(elf: ElfFile, count: number): number[] {
  const table = readFunctions(elf)?.table;
  if (!table) return [];
  let total = 0;
  for (const size of table.sizesBytes) total += size;
  const step = Math.max(1, total / count);
  const addresses: number[] = [];
  let next = 0;
  let passed = 0;
  for (let i = 0; i < table.starts.length; i++) {
    for (; next < passed + table.sizesBytes[i]; next += step) {
      const address = table.starts[i] + Math.floor(next - passed);
      if (elf.isCode(address)) addresses.push(address);
    }
    passed += table.sizesBytes[i];
  }
  return addresses;
}

interface LlvmSymbol {
  FileName: string;
  FunctionName: string;
  Line: number;
}

/** Null where llvm-symbolizer is not installed. */
export function askLlvm(path: string, addresses: number[], extra: string[] = []): Expected[] | null {
  const tool = newestLlvm('llvm-symbolizer');
  if (tool === null) return null;
  const run = spawnSync(
    tool.command,
    ['--obj', path, '--inlines', '--functions=linkage', '--no-demangle', '--output-style=JSON', ...extra],
    { input: `${addresses.map((a) => `0x${a.toString(16)}`).join('\n')}\n`, maxBuffer: 1 << 30, encoding: 'utf8' },
  );
  if (run.error) return null;
  return run.stdout
    .trim()
    .split('\n')
    .map((text) => {
      const frames = (JSON.parse(text) as { Symbol?: LlvmSymbol[] }).Symbol ?? [];
      const inner = frames[0];
      return {
        functionName: frames.at(-1)?.FunctionName || null,
        file: inner?.FileName || null,
        line: inner?.Line ?? 0,
      };
    });
}

export interface Comparison {
  compared: number;
  wrongFunction: string[];
  wrongLine: string[];
}

/** `sameFunction`: further names that stand for the same address count as equal. */
export function compare(
  addresses: number[],
  expected: Expected[],
  ours: Place[][],
  sameFunction: (expected: string, index: number) => boolean = () => false,
): Comparison {
  const result: Comparison = { compared: addresses.length, wrongFunction: [], wrongLine: [] };
  addresses.forEach((address, i) => {
    const want = expected[i];
    const [inner] = ours[i];
    const outer = ours[i].at(-1)!;
    const at = `0x${address.toString(16)}`;
    const wantName = want.functionName === null ? null : displayName(want.functionName);
    const sameName = wantName === null || (wantName.name === outer.name && wantName.fullName === outer.fullName);
    if (!sameName && !sameFunction(want.functionName!, i))
      result.wrongFunction.push(`${at}: ${outer.fullName ?? outer.name}, not ${wantName?.fullName ?? wantName?.name}`);
    const wantPlace = want.line > 0 && want.file ? `${posix.normalize(want.file)}:${want.line}` : 'none';
    const gotPlace = inner.line !== null && inner.file !== null ? `${inner.file}:${inner.line}` : 'none';
    // A build folder mapped to `.` stands twice in the oracle's path, and once in ours.
    const mapped = want.file?.startsWith('./') && wantPlace.endsWith(`/${gotPlace}`);
    if (wantPlace !== gotPlace && !mapped) result.wrongLine.push(`${at}: ${gotPlace}, not ${wantPlace}`);
  });
  return result;
}
