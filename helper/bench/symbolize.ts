// How long naming 10,000 different addresses of a large debug file takes, and how much memory: `ebpf-tracer symbolize` as
// a user runs it, from its start to its end. The file is made here, because no archive has one that is always there: one
// C++ object of many templates, linked 250 times under other names.
import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { dropPages, FileSource } from '../src/bytes/source';
import { ElfFile } from '../src/elf/parser';
import { CLI, ROOT } from './paths';

const ADDRESSES = 10_000;
const COPIES = 250;
const FOLDER = join(ROOT, 'out/bench');
const SOURCE = join(ROOT, 'helper/test/golden/symbolize/programs/words.cpp');

export interface SymbolizeFigures {
  file: string;
  fileBytes: number;
  wallMs: number[];
  peakRssBytes: number[];
  /** llvm-symbolizer's time for the same; null where it is not installed. */
  llvmMs: number | null;
}

/** Null where there is no compiler to make the file. */
export async function measureSymbolize(runs: number): Promise<SymbolizeFigures | null> {
  const file = join(FOLDER, 'large.so');
  if (!existsSync(file) && !makeLarge(file)) return null;
  return measureFile(file, runs, true);
}

/** Node's own binary: as large, with a symbol table and no more. */
export function measureOwnBinary(runs: number): Promise<SymbolizeFigures> {
  return measureFile(process.execPath, runs, false);
}

async function measureFile(file: string, runs: number, withLlvm: boolean): Promise<SymbolizeFigures> {
  const input = join(FOLDER, 'addresses');
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(input, addressesOf(file).join('\n'));
  const figures: SymbolizeFigures = {
    file,
    fileBytes: statSync(file).size,
    wallMs: [],
    peakRssBytes: [],
    llvmMs: null,
  };
  // Once before, for the system's cache of the file.
  for (let run = -1; run < runs; run++) {
    const { wallMs, peakRssBytes } = await runOnce([process.execPath, CLI, 'symbolize', '--json', file], input);
    if (run < 0) continue;
    figures.wallMs.push(wallMs);
    figures.peakRssBytes.push(peakRssBytes);
  }
  if (withLlvm)
    figures.llvmMs = await runOnce(['llvm-symbolizer', '--obj', file, '--inlines'], input).then(
      ({ wallMs }) => wallMs,
      () => null,
    );
  return figures;
}

/** Spread over the code, in no order. */
function addressesOf(file: string): string[] {
  const fd = openSync(file, 'r');
  const text = ElfFile.parse(new FileSource(1, fd, statSync(file).size)).section('.text')!;
  // The next file has the same number.
  dropPages(1);
  closeSync(fd);
  let state = 7;
  const found = new Set<number>();
  while (found.size < ADDRESSES) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    found.add(text.address + Math.floor((state / 2 ** 32) * text.sizeBytes));
  }
  return [...found].map((address) => `0x${address.toString(16)}`);
}

async function runOnce([tool, ...args]: string[], input: string): Promise<{ wallMs: number; peakRssBytes: number }> {
  const stdin = openSync(input, 'r');
  const start = process.hrtime.bigint();
  const child = spawn(tool, args, { stdio: [stdin, 'ignore', 'inherit'] });
  closeSync(stdin);
  let peakRssBytes = 0;
  // The kernel keeps the peak: only the last look before the end counts.
  const look = setInterval(() => {
    try {
      const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1];
      peakRssBytes = Math.max(peakRssBytes, Number(kilobytes ?? 0) * 1024);
    } catch {
      // It has ended.
    }
  }, 10);
  try {
    const code = await new Promise((done, failed) => child.once('exit', done).once('error', failed));
    if (code !== 0) throw new Error(`${tool} ended with ${code}`);
  } finally {
    clearInterval(look);
  }
  return { wallMs: Number(process.hrtime.bigint() - start) / 1e6, peakRssBytes };
}

function makeLarge(file: string): boolean {
  mkdirSync(FOLDER, { recursive: true });
  const work = join(FOLDER, 'objects');
  mkdirSync(work, { recursive: true });
  try {
    const object = join(work, 'one.o');
    execFileSync('g++', ['-std=c++17', '-g', '-O2', '-fPIC', '-c', SOURCE, '-o', object]);
    const copies = Array.from({ length: COPIES }, (_, i) => {
      const copy = join(work, `${i}.o`);
      execFileSync('objcopy', [`--prefix-symbols=p${i}_`, object, copy]);
      execFileSync('objcopy', [`--redefine-sym=p${i}___dso_handle=__dso_handle`, copy]);
      return copy;
    });
    execFileSync('g++', ['-shared', '-Wl,--unresolved-symbols=ignore-all', '-o', `${file}.new`, ...copies]);
    renameSync(`${file}.new`, file);
    return true;
  } catch (error) {
    console.error(`The large debug file could not be made: ${(error as Error).message.split('\n')[0]}`);
    return false;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
