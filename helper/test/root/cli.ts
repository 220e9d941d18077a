// Runs the real command line (dist/cli.js, built by make) for the record tests, and reads what it leaves behind.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ErrorReport, RecordingFile, RecordSummary } from '../../src/protocol';
import { until } from './helperProcess';
import { PUBLIC_NODE, PUBLIC_ROOT } from './publicCopy';

/** The bundles: dist/ where every user can read it, or another folder to try a private build. */
export const CLI_JS = join(resolve(process.env.EBPF_TRACER_DIST ?? join(PUBLIC_ROOT, 'dist')), 'cli.js');

export const workload = (name: string) => resolve('out/workloads', name);

export interface CliRun {
  child: ChildProcess;
  /** Settles when it has ended. */
  ended: Promise<CliResult>;
}

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export function startCli(args: string[], options: SpawnOptions = {}): CliRun {
  const child = spawn(PUBLIC_NODE, [CLI_JS, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const result: CliResult = { code: null, stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    result.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    result.stderr += chunk;
  });
  const ended = new Promise<CliResult>((done) =>
    child.once('close', (code) => {
      result.code = code;
      done(result);
    }),
  );
  return { child, ended };
}

export const cli = (args: string[], options?: SpawnOptions) => startCli(args, options).ended;

/** The one JSON object that `--json` prints. */
export function jsonOf<T = RecordSummary & { command?: unknown }>({ stdout, stderr, code }: CliResult): T {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`not one JSON object (exit code ${code}): ${stdout}\n${stderr}`);
  }
}

export const errorOf = (result: CliResult) => jsonOf<{ error: ErrorReport }>(result).error;

export const readRecording = (path: string): RecordingFile => JSON.parse(readFileSync(path, 'utf8'));

/** Samples in the recording as its last checkpoint has it. */
export const samplesIn = (path: string) =>
  existsSync(path) ? (readRecording(path).ebpfTracer?.metrics[0].samples ?? 0) : 0;

/** Starts a workload; resolves when it says that its work begins. The caller ends it. */
export async function startWorkload(name: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(workload(name), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout!.on('data', (chunk) => {
    text += chunk;
  });
  await until(() => text.includes('ready'), `${name} works`);
  return child;
}

/** Records until the file holds `samples`, then Ctrl-C. However busy the machine is, the error is that of the count. */
export async function recordSamples(args: string[], output: string, samples: number): Promise<CliResult> {
  const run = startCli(['record', '--json', '--output', output, ...args]);
  let over = false;
  void run.ended.then(() => {
    over = true;
  });
  for (const deadline = performance.now() + 150_000; !over && samplesIn(output) < samples; ) {
    if (performance.now() > deadline) break;
    await new Promise((done) => setTimeout(done, 100));
  }
  run.child.kill('SIGINT');
  return run.ended;
}
