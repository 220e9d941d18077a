// Runs captureTarget.c and a capture of it, for capture*.test.ts: everything real, in this process, which is root.

import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SampleRecord, StackId, StackRecord } from '../../src/abi/records';
import { startCapture } from '../../src/engine/capture';
import type { Capture, CaptureOptions } from '../../src/engine/captureTypes';
import { FileStore } from '../../src/process/fileStore';
import { ProcessTable } from '../../src/process/table';
import type { Address, ProcessRecord } from '../../src/process/types';
import type { CpuOptions } from '../../src/protocol';
import { CPU } from '../../src/stack/sources/cpu';
import { SLOWNESS } from './slowness';

/** The sources stay in the repository; the tests' JavaScript runs from out/js. */
export const sourceOf = (name: string): string =>
  [__dirname, join(__dirname, '../../../../../helper/test/root')]
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))!;

let folder: string | undefined;

/** Builds the program, with frame pointers or without. Throws where there is no compiler. */
export function buildTarget(framePointers: boolean): string {
  folder ??= mkdtempSync(join(tmpdir(), 'capture-'));
  const program = join(folder, framePointers ? 'target' : 'target-without');
  if (existsSync(program)) return program;
  // Unoptimized: with optimization even a leaf function can do without its frame, and its caller is lost.
  const flags = framePointers ? '-fno-omit-frame-pointer' : '-fomit-frame-pointer';
  execFileSync('cc', ['-g', '-O0', '-pthread', flags, '-o', program, sourceOf('captureTarget.c')]);
  return program;
}

export function removeTargets(): void {
  if (folder) rmSync(folder, { recursive: true });
  folder = undefined;
}

export class Target {
  readonly pid: number;
  private readonly functions: { name: string; start: Address }[] = [];
  private readonly waiting: ((line: string) => void)[] = [];
  private readonly lines: string[] = [];

  private constructor(private readonly child: ChildProcess) {
    this.pid = child.pid!;
    let rest = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop()!;
      for (const line of parts) {
        const next = this.waiting.shift();
        if (next) next(line);
        else this.lines.push(line);
      }
    });
  }

  /** Resolves when it works. */
  static async start(program: string, ...args: string[]): Promise<Target> {
    return Target.startAs({}, program, ...args);
  }

  /** With another user's ids, say. */
  static async startAs(options: SpawnOptions, program: string, ...args: string[]): Promise<Target> {
    const target = new Target(spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options }));
    for (let line = await target.line(); line !== 'ready'; line = await target.line()) {
      const [name, start] = line.split(' ');
      target.functions.push({ name, start: Number.parseInt(start, 16) });
    }
    target.functions.sort((a, b) => b.start - a.start);
    return target;
  }

  /** The next line that it prints. */
  line(): Promise<string> {
    const line = this.lines.shift();
    return line !== undefined ? Promise.resolve(line) : new Promise((resolve) => this.waiting.push(resolve));
  }

  /** One byte: what its mode does then is said in captureTarget.c. */
  poke(): void {
    this.child.stdin!.write('x');
  }

  /** Its standard input ends. */
  noMore(): void {
    this.child.stdin!.end();
  }

  /** Name of the function at an address of the program; null where none of those it told of can be. */
  functionAt(address: Address): string | null {
    const found = this.functions.find(({ start }) => start <= address);
    return found && address - found.start < 4096 ? found.name : null;
  }

  /** Where a function begins that the program told of. */
  startOf(name: string): Address {
    const found = this.functions.find((told) => told.name === name);
    if (!found) throw new Error(`the program told nothing of ${name}`);
    return found.start;
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return resolve();
      this.child.once('exit', () => resolve());
      this.child.kill('SIGKILL');
    });
  }
}

export type NativeStack = Omit<StackRecord, 'user'> & { user: Address[] };

/** What a capture handed over, in order. */
export class Collected {
  readonly stacks = new Map<StackId, StackRecord>();
  readonly samples: SampleRecord[] = [];
  readonly processes: ProcessRecord[] = [];
  /** Everything in order: what came before what. */
  readonly order: (ProcessRecord | { kind: 'sample'; timeNs: number; pid: number })[] = [];
  /** Samples whose stack had not come before them. */
  orphans = 0;
  error: Error | null = null;

  stack(record: StackRecord): void {
    this.stacks.set(record.stackId, record);
  }

  sample(record: SampleRecord): void {
    if (!this.stacks.has(record.stackId)) this.orphans++;
    this.samples.push(record);
    this.order.push({ kind: 'sample', timeNs: record.timeNs, pid: record.pid });
  }

  taken(): void {}

  process(record: ProcessRecord): void {
    this.processes.push(record);
    this.order.push(record);
  }

  failed(error: Error): void {
    this.error = error;
  }

  /** Of a program without frames of a runtime. */
  stackOf(sample: SampleRecord): NativeStack {
    return this.stacks.get(sample.stackId) as NativeStack;
  }
}

/** Of a capture of CPU time. */
export interface CpuCapture extends Omit<CaptureOptions, 'target' | 'tracers'>, CpuOptions {
  children: boolean;
  startAtExec: boolean;
}

export async function capture(
  pid: number,
  {
    frequencyHz = 999,
    kernel = true,
    maxFrames,
    children = true,
    startAtExec = false,
    ...options
  }: Partial<CpuCapture> = {},
): Promise<{ running: Capture; got: Collected }> {
  const got = new Collected();
  const processes = new ProcessTable(new FileStore());
  const target = { pids: [pid], children, startAtExec };
  const tracers = [{ tracer: CPU, options: { frequencyHz, kernel, maxFrames } }];
  const running = await startCapture({ target, tracers, processes, without: [], ...options }, got);
  return { running: endedWith(running, processes), got };
}

/** The capture's processes are let go of with it. */
function endedWith(running: Capture, processes: ProcessTable): Capture {
  const stop = running.stop.bind(running);
  running.stop = async () => {
    await stop();
    processes.close();
    await processes.files.close();
  };
  return running;
}

/** Polls until `condition` holds; fails after a deadline naming `what`. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = performance.now() + 30_000 * SLOWNESS; !(await condition()); ) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
