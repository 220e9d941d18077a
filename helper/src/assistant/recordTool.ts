// The one tool that does something: it records a process or a command, after the user has confirmed exactly that. The recording is made by
// the command line in a session of its own, without a terminal: nobody can be asked for a password there, and where rights are missing the
// answer is the error that says so.

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { safeName, timeInName } from '../client/recordingNames';
import { type ErrorReport, TracerError, tracerError, visibleText } from '../protocol';
import { type AssistantSettings, type AssistantTool, TOOLS, textsOf } from './tools';

export const RECORD_TOOL: Omit<AssistantTool, 'run'> = {
  name: 'record_program',
  title: 'Record a process or command',
  description:
    'Records where a running process (pid), or a command from its first instruction on, spends its CPU time, for some seconds, and answers with the report and the recording’s path. The user is asked to confirm it first. Needs the rights to trace; no password is asked for.',
  inputSchema: {
    type: 'object',
    properties: {
      pid: { type: 'integer', minimum: 1, description: 'The process to record.' },
      command: {
        type: 'array',
        items: { type: 'string' },
        minItems: 1,
        maxItems: 200,
        description: 'Program and its arguments.',
      },
      seconds: {
        type: 'number',
        minimum: 0.5,
        maximum: 300,
        description: 'How long; default 10. A command that still runs then is ended.',
      },
    },
    required: [],
    additionalProperties: false,
  },
};

export interface RecordRequest {
  target: { pid: number } | { command: string[] };
  seconds: number;
}

const MAX_SECONDS = 300;
const MAX_OUTPUT_CHARS = 16 * 1024 * 1024;

/** Throws USAGE, PID_INVALID. */
export function recordRequest(args: Record<string, unknown>): RecordRequest {
  const seconds = args.seconds === undefined ? 10 : Number(args.seconds);
  if (!(seconds >= 0.5 && seconds <= MAX_SECONDS)) throw tracerError('DURATION_INVALID', String(args.seconds));
  if (args.command !== undefined) {
    if (args.pid !== undefined) throw tracerError('USAGE', 'Give a process id or a command, not both.');
    return { target: { command: textsOf(args, 'command') }, seconds };
  }
  if (!Number.isSafeInteger(args.pid) || (args.pid as number) < 1) throw tracerError('PID_INVALID', String(args.pid));
  return { target: { pid: args.pid as number }, seconds };
}

/** What the user confirms: the very process or command, with its folder. */
export async function describeRequest({ target, seconds }: RecordRequest, folder: string): Promise<string> {
  if ('command' in target) {
    const quoted = target.command
      .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)))
      .join(' ');
    return visibleText(`Run and record for ${seconds} s, in ${folder}: ${quoted}`);
  }
  const command = await readFile(`/proc/${target.pid}/cmdline`, 'utf8').then(
    (text) => text.replace(/\0+$/, '').replaceAll('\0', ' '),
    () => '',
  );
  return visibleText(
    `Record process ${target.pid} for ${seconds} s: ${command.slice(0, 500) || '(its command is not known)'}`,
  );
}

/** Answers with the report. Throws what the command line says. `signal` ends the recording and keeps it. */
export async function record(
  request: RecordRequest,
  settings: AssistantSettings,
  cliScript: string,
  signal?: AbortSignal,
): Promise<string> {
  const folder = settings.folders[0] ?? process.cwd();
  const { target, seconds } = request;
  const name =
    'command' in target
      ? safeName(target.command[0].slice(target.command[0].lastIndexOf('/') + 1))
      : `pid-${target.pid}`;
  const output = join(folder, `${name}-${timeInName(new Date())}.speedscope.json`);
  const args = ['record', '--json', '--duration', `${seconds}s`, '--output', output];
  const rest = 'command' in target ? ['--', ...target.command] : ['--pid', String(target.pid)];
  const { stdout, code } = await run([cliScript, ...args, ...rest], folder, signal);
  const error = errorIn(stdout);
  if (error) throw new TracerError(error);
  if (code !== 0) throw tracerError('INTERNAL', `the recording ended with exit code ${code}`);
  const report = TOOLS.find((tool) => tool.name === 'report_recording')!;
  return `Recording: ${visibleText(output)}\n\n${await report.run({ recording: output }, settings)}`;
}

/** In a session of its own: sudo finds no terminal to ask on. */
function run(argv: string[], cwd: string, signal?: AbortSignal): Promise<{ stdout: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { cwd, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (stdout.length < MAX_OUTPUT_CHARS) stdout += chunk.toString();
    });
    const stop = () => void child.kill('SIGINT');
    signal?.addEventListener('abort', stop, { once: true });
    child.once('error', reject);
    child.once('close', (code) => {
      signal?.removeEventListener('abort', stop);
      resolve({ stdout, code });
    });
  });
}

function errorIn(stdout: string): ErrorReport | null {
  try {
    return (JSON.parse(stdout) as { error?: ErrorReport }).error ?? null;
  } catch {
    return null;
  }
}
