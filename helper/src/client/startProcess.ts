// Starts a command that is, or becomes, the helper, and waits for the line with which the helper says that it listens. One for the
// command line and the extension: both bound what they read, hear sudo's words, and leave nothing of the helper's that keeps them alive.

import { type ChildProcess, spawn } from 'node:child_process';
import { ERROR_CODES, type ErrorReport, type HelperNotes, type ReadyLine } from '../protocol';

/** Where what happens meanwhile is written, and what the helper says on its standard error later. */
export type ClientLog = Record<HelperNotes['log']['level'], (text: string) => void>;

export type StartResult =
  | { kind: 'ready'; ready: ReadyLine }
  /** The helper itself said why not. */
  | { kind: 'report'; report: ErrorReport }
  /** It ended without a word of the protocol; `why` where there is no exit code. */
  | { kind: 'exited'; code: number | null; stderr: string; why: string | null }
  | { kind: 'timeout' };

/** The helper's one line on stdout; null for anything else (a login banner). */
export function parseReadyLine(line: string): StartResult | null {
  try {
    const value = JSON.parse(line) as Partial<ReadyLine> & { error?: ErrorReport };
    if (value.ready === true && typeof value.socket === 'string') return { kind: 'ready', ready: value as ReadyLine };
    const { error } = value;
    if (error && ERROR_CODES.includes(error.code) && typeof error.message === 'string' && typeof error.fix === 'string')
      return { kind: 'report', report: error };
  } catch {
    // Not JSON: not ours.
  }
  return null;
}

const STDERR_KEPT_CHARS = 16_384;
const LINE_MOST_CHARS = 65_536;

/** Takes a line of standard error as a question; `reply` writes to standard input. false: it is none. */
export type TakeQuestion = (line: string, reply: (text: string) => void) => boolean;

export interface StartOptions {
  env: NodeJS.ProcessEnv;
  /** null while a person may be typing a password. */
  timeoutMs: number | null;
  log: ClientLog;
  /** Without it standard input is empty. */
  question?: TakeQuestion;
  /** In a session of its own, as it outlives this process. Not where sudo asks on this process's terminal: Ctrl-C is to reach it. */
  detached: boolean;
}

/** Never rejects. */
export function startProcess(argv: string[], options: StartOptions): Promise<StartResult> {
  const { env, timeoutMs, log, question, detached } = options;
  log.info(`starting: ${argv.join(' ')}`);
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), {
      env,
      detached,
      stdio: [question ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      // Root may not be able to enter the folder that we are in, and the helper should keep none busy.
      cwd: '/',
    });
    child.stdin?.on('error', () => undefined); // It ended without reading.
    const reply = (text: string) => void child.stdin?.write(text);
    let stderr = '';
    let settled = false;
    const timer = timeoutMs === null ? null : setTimeout(() => settle({ kind: 'timeout' }), timeoutMs);
    const settle = (result: StartResult) => {
      if (settled) return;
      settled = true;
      if (timer) clearTimeout(timer);
      if (result.kind === 'timeout') child.kill('SIGTERM');
      child.stdin?.end();
      letGo(child);
      resolve(result);
    };
    eachLine(child.stdout!, (line) => {
      const result = parseReadyLine(line);
      if (result) settle(result);
      else log.debug(`helper stdout: ${line}`);
    });
    eachLine(child.stderr!, (line) => {
      if (settled) return log.warn(`helper stderr: ${line}`);
      if (question?.(line, reply)) return;
      stderr = `${stderr}${line}\n`.slice(-STDERR_KEPT_CHARS);
      log.debug(`helper stderr: ${line}`);
    });
    child.once('error', ({ message }) => settle({ kind: 'exited', code: null, stderr, why: message }));
    child.once('close', (code, signal) =>
      settle({ kind: 'exited', code, stderr, why: signal && `it was ended by ${signal}` }),
    );
  });
}

/** From here on the socket tells whether the helper lives: neither it nor its pipes keep this process alive. */
function letGo(child: ChildProcess): void {
  child.unref();
  child.stdout?.destroy();
  (child.stderr as unknown as { unref?: () => void } | null)?.unref?.();
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(-LINE_MOST_CHARS);
    for (const line of lines) onLine(line);
  });
  stream.on('end', () => rest && onLine(rest));
}
