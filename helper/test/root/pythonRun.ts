// Starts a Python program, records it with the real command line, and reads what the recording says of it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { RecordingFile, RecordSummary } from '../../src/protocol';
import type { Interpreter } from '../golden/python/interpreters';
import { jsonOf, readRecording, recordSamples } from './cli';
import { until } from './helperProcess';

const PROGRAMS = join(__dirname, '../../../../../helper/test/workloads/python');
/** Stands where functions were that came before they could be read. */
const NOT_NAMED_YET = '[not named yet: Python]';
const LOOP = '_PyEval_EvalFrameDefault';

export interface PythonRun {
  child: ChildProcess;
  /** All that it printed so far. */
  said(): string;
  /** When it has ended, and nobody can print any more. */
  closed: Promise<unknown>;
}

/** Resolves when it says that its work begins. The caller ends it. */
export async function startPython(interpreter: Interpreter, name: string, ...args: string[]): Promise<PythonRun> {
  const [program, ...rest] = interpreter.command(join(PROGRAMS, name), join(PROGRAMS, 'shares_work.py'));
  // A group of its own, so that its children end with it.
  const child = spawn(program, [...rest, ...args], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const closed = once(child, 'close');
  let text = '';
  child.stdout!.on('data', (chunk) => {
    text += chunk;
  });
  await until(() => text.includes('ready'), `${name} works`);
  return { child, said: () => text, closed };
}

export async function endPython({ child, closed }: PythonRun, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // All of its group are gone.
    }
  }
  await closed;
}

/** One kind of stack, outermost first, and its samples. */
export interface CountedStack {
  frames: { name: string; file: string | undefined; line: number | undefined }[];
  count: number;
}

export interface PythonRecording {
  summary: RecordSummary;
  file: RecordingFile;
  /** Of samples with Python frames. */
  stacks: CountedStack[];
  /** Samples from before its functions could be read, which say so. */
  notNamedYet: number;
  /** Samples in which the interpreter's loop stands as a native frame, and nothing says why. */
  nativeOnly: number;
  samples: number;
}

export async function recordPython(
  { child }: PythonRun,
  output: string,
  samples: number,
  ...args: string[]
): Promise<PythonRecording> {
  const summary = jsonOf<RecordSummary>(
    await recordSamples(['--pid', `${child.pid}`, '--frequency', '999', ...args], output, samples),
  );
  const file = readRecording(output);
  const stacks: CountedStack[] = [];
  let nativeOnly = 0;
  let notNamedYet = 0;
  const periodNs = file.ebpfTracer!.metrics[0].period ?? 1;
  const [all] = file.profiles;
  all.samples.forEach((stack, i) => {
    const frames = stack.map((index) => file.shared.frames[index]);
    const count = Math.round(all.weights[i] / periodNs);
    if (frames.some(({ name }) => name === NOT_NAMED_YET)) notNamedYet += count;
    else if (frames.some(({ name }) => name.startsWith(LOOP))) nativeOnly += count;
    else stacks.push({ frames: frames.map(({ name, file: of, line }) => ({ name, file: of, line })), count });
  });
  return { summary, file, stacks, notNamedYet, nativeOnly, samples: summary.samples };
}

export function countOf(stacks: readonly CountedStack[], holds: (names: string[]) => boolean): number {
  return stacks.reduce((sum, { frames, count }) => (holds(frames.map(({ name }) => name)) ? sum + count : sum), 0);
}
