// Run by libbpfVersions.test.ts as a process of its own, on whichever libbpf it was given: captures the program named by its
// argument, with all that this kernel has and without arrays that can be mapped, and prints what came of it.

import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { native } from '../../src/bpf/libbpf';
import { Target } from './captureHarness';
import { unwound, wholeShare } from './unwindHarness';

export interface LibbpfProbe {
  version: string;
  /** Which file is loaded. */
  path: string;
  runs: { without: string[]; byTable: number; whole: number }[];
  /** What libbpf warned of. */
  warnings: string[];
}

const LIBBPF_WARN = 0;

function collectWarnings(): string[] {
  const warnings: string[] = [];
  const vsnprintf = koffi.load(null).func('int vsnprintf(void *text, size_t bytes, void *format, void *arguments)');
  const text = Buffer.alloc(1 << 16);
  const print = koffi.proto('int warningsPrint(int level, void *format, void *arguments)');
  const listener = koffi.register((level: number, format: bigint, args: bigint) => {
    const length = Math.min(vsnprintf(text, text.length, format, args), text.length - 1);
    if (level === LIBBPF_WARN) warnings.push(text.toString('latin1', 0, length).trimEnd());
    return 0;
  }, koffi.pointer(print));
  native().libbpf.set_print(listener);
  return warnings;
}

async function captureOnce(program: string, without: string[]): Promise<LibbpfProbe['runs'][number]> {
  const target = await Target.start(program);
  try {
    const result = await unwound(target.pid, 300, { without, frequencyHz: 999 });
    const { frames } = result.running.counters().unwinding!;
    return { without, byTable: frames.byTable, whole: wholeShare(result).share };
  } finally {
    await target.end();
  }
}

async function main(): Promise<void> {
  const warnings = collectWarnings();
  const runs = [];
  for (const without of [[], ['mmaparrays']]) runs.push(await captureOnce(process.argv[2], without));
  const path = /\S*libbpf\.so\S*$/m.exec(readFileSync('/proc/self/maps', 'latin1'))![0];
  const version: string = koffi.load('libbpf.so.1').func('const char *libbpf_version_string()')();
  const probe: LibbpfProbe = { version: version.replace(/^v/, ''), path, runs, warnings };
  process.stdout.write(JSON.stringify(probe));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
