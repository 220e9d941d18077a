// Builds and runs the programs that the unwind tests sample, and asks gdb for their stacks.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SampleRecord } from '../../src/abi/records';
import type { Capture } from '../../src/engine/captureTypes';
import { type Collected, type CpuCapture, capture, eventually } from './captureHarness';

const SOURCE = [__dirname, join(__dirname, '../../../../../helper/test/root')]
  .map((folder) => join(folder, 'unwindTarget.cpp'))
  .find((path) => existsSync(path))!;

/** No frame pointers, as distributions build. */
const FLAGS = ['-O2', '-g', '-fomit-frame-pointer', '-pthread'];

let folder: string | undefined;

export function workFolder(): string {
  folder ??= mkdtempSync(join(tmpdir(), 'unwind-'));
  return folder;
}

export function removeWorkFolder(): void {
  if (folder) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}

/** unwindTarget.cpp, by these additional flags. */
export function buildUnwindTarget(name: string, flags: string[] = []): string {
  const program = join(workFolder(), name);
  if (!existsSync(program)) execFileSync('c++', [...FLAGS, ...flags, '-o', program, SOURCE]);
  return program;
}

export interface Running {
  pid: number;
  child: ChildProcess;
  end(): Promise<void>;
}

/** Resolves with its first line on stdout. */
export async function startProgram(command: string[], environment?: NodeJS.ProcessEnv): Promise<Running> {
  const [file, ...args] = command;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], env: environment ?? process.env });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout!.once('data', () => resolve());
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${file} ended at once (${code})`)));
  });
  return {
    pid: child.pid!,
    child,
    async end() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Samples whose walk could use tables: taken after the tables of all that is mapped were loaded. */
export interface Unwound {
  samples: SampleRecord[];
  got: Collected;
  running: Capture;
}

/** Captures until `count` samples came after the tables were there; ends the capture. */
export async function unwound(
  pid: number,
  count: number,
  options: Partial<CpuCapture> = {},
  /** Called once the capture runs. */
  begin: () => void = () => {},
): Promise<Unwound> {
  const { running, got } = await capture(pid, options);
  try {
    begin();
    const isThere = options.without?.includes('publishedtables') ? hasTables : isLoaded;
    await eventually(() => isThere(running), 'the unwind tables are loaded');
    return { samples: await samplesFromNow(got, count), got, running };
  } finally {
    await running.stop();
  }
}

/** Taken from now on: what is still on its way does not count. */
export async function samplesFromNow(got: Collected, count: number): Promise<SampleRecord[]> {
  const nowNs = Number(process.hrtime.bigint());
  const taken = () => got.samples.filter(({ timeNs }) => timeNs > nowNs);
  await eventually(() => taken().length >= count, `${count} samples arrive`);
  return taken();
}

/** The kernel says so of the walks: frames left by tables, and no table still to come. */
export function isLoaded(running: Capture): boolean {
  const { unwinding } = running.counters();
  return unwinding !== undefined && unwinding.waiting === 0 && unwinding.frames.byTable > 0;
}

/** The helper has them all, whether or not BPF was told. */
function hasTables(running: Capture): boolean {
  const { unwinding } = running.counters();
  return unwinding !== undefined && unwinding.waiting === 0 && unwinding.tables > 0;
}

/** Share of samples whose walk was whole, and of the others how they ended. */
export function wholeShare({ samples, got }: Unwound): { share: number; others: string } {
  const ends: Record<string, number> = {};
  for (const sample of samples) {
    const end = got.stackOf(sample).truncated ?? 'whole';
    ends[end] = (ends[end] ?? 0) + 1;
  }
  const broken = samples.map((sample) => got.stackOf(sample)).find(({ truncated }) => truncated !== null);
  const example = broken ? ` ${broken.user.map((pc) => pc.toString(16)).join(' ')}` : '';
  return { share: (ends.whole ?? 0) / samples.length, others: JSON.stringify(ends) + example };
}

/** Return addresses by thread as gdb's own unwinder finds them, innermost first, without the innermost pc itself. */
export function gdbStacks(pid: number): Map<number, number[]> {
  const script = join(workFolder(), 'stacks.py');
  // Physical frames only: an inlined function has none, nor has one that ended in a jump (gdb guesses those).
  writeFileSync(
    script,
    `import gdb
for setting in ["pagination off", "backtrace limit 10000", "backtrace past-main on", "debuginfod enabled off"]:
    gdb.execute("set " + setting)
gdb.execute("attach ${pid}", to_string=True)
for thread in gdb.selected_inferior().threads():
    thread.switch()
    frame = gdb.newest_frame()
    pcs = []
    while frame is not None:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            pcs.append(frame.pc())
        frame = frame.older()
    print("STACK %d %s" % (thread.ptid[1], " ".join("%x" % pc for pc in pcs)))
gdb.execute("detach", to_string=True)
`,
  );
  const text = execFileSync('gdb', ['-batch', '-nx', '-x', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const stacks = new Map<number, number[]>();
  for (const [, tid, pcs] of text.matchAll(/^STACK (\d+) (.*)$/gm))
    stacks.set(
      Number(tid),
      pcs
        .split(' ')
        .slice(1)
        .map((pc) => Number.parseInt(pc, 16)),
    );
  assert.ok(stacks.size > 0, `gdb found no thread: ${text}`);
  return stacks;
}
