// Runs the built command line as a user would, and tells what it reported. Used by all parts of the benchmark.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordSummary } from '../src/protocol';
import { CLI } from './paths';
import { pause } from './processes';

export interface Recording {
  /** The command line's own process. */
  pid: number;
  startedMs: number;
  /** Ends it as Ctrl-C does. */
  stop(): Promise<RecordSummary>;
  /** Resolves when it ends by itself. */
  ended: Promise<RecordSummary>;
  /** Milliseconds from its start until the file held a sample; `symbol` given: a frame of that name. */
  until(symbol?: string): Promise<number>;
}

export interface RecordingOptions {
  /** What follows `record`: ['--pid', '12'] or [..., '--', 'command']. */
  args: string[];
  environment?: Record<string, string>;
  /** Where the recording stays; left out: it is thrown away. */
  output?: string;
}

export function startRecording({ args, environment, output: kept }: RecordingOptions): Recording {
  const folder = mkdtempSync(join(tmpdir(), 'ebpf-bench-'));
  const output = kept ?? join(folder, 'r.speedscope.json');
  const startedMs = Date.now();
  const child = spawn(process.execPath, [CLI, 'record', '--json', '--output', output, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  let running = true;
  const ended = new Promise<RecordSummary>((done, fail) => {
    child.on('close', (code) => {
      running = false;
      rmSync(folder, { recursive: true, force: true });
      const line = out.trim().split('\n').at(-1) ?? '';
      if (code === 0) done(JSON.parse(line));
      else fail(new Error(`record ended with ${code}: ${line} ${err}`));
    });
  });
  // Whoever waits for it gets the error; until then it must not end the process.
  ended.catch(() => {});
  return {
    pid: child.pid as number,
    startedMs,
    ended,
    stop() {
      child.kill('SIGINT');
      return ended;
    },
    async until(symbol) {
      const wanted = symbol === undefined ? /"samples":\s*\[\s*\[/ : new RegExp(`"name":\\s*"[^"]*${symbol}`);
      while (running && Date.now() - startedMs < 30_000) {
        try {
          if (wanted.test(readFileSync(output, 'utf8'))) return Date.now() - startedMs;
        } catch {
          // not written yet
        }
        await pause(10);
      }
      throw new Error(`The recording never showed ${symbol ?? 'a sample'}: ${out} ${err}`);
    },
  };
}

/** A recording from start to end, whole. */
export function record(options: RecordingOptions): Promise<RecordSummary> {
  return startRecording(options).ended;
}
