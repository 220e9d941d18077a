// Starts a command that is, or becomes, the helper, and waits for the line with which the helper says that it listens.
// Called by every rung but the terminal. The process outlives this extension host (window reload), hence detached.

import { spawn } from 'node:child_process';
import type { ErrorReport, ReadyLine } from '../../../helper/src/protocol';
import type { Log } from '../log';

export type StartResult =
  | { kind: 'ready'; ready: ReadyLine }
  /** The helper itself said why not. */
  | { kind: 'report'; report: ErrorReport }
  /** It ended without a word of the protocol. */
  | { kind: 'exited'; code: number | null; stderr: string }
  | { kind: 'timeout' };

/** The helper's one line on stdout; null for anything else (a login banner). */
export function parseReadyLine(line: string): StartResult | null {
  try {
    const value = JSON.parse(line) as Partial<ReadyLine> & { error?: ErrorReport };
    if (value.ready === true && typeof value.socket === 'string') return { kind: 'ready', ready: value as ReadyLine };
    if (value.error?.code && value.error.message) return { kind: 'report', report: value.error };
  } catch {
    // Not JSON: not ours.
  }
  return null;
}

const STDERR_KEPT_CHARS = 16_384;

/** Takes a line of standard error as a question; `reply` writes to standard input. false: it is none. */
export type TakeQuestion = (line: string, reply: (text: string) => void) => boolean;

/** Never rejects. `timeoutMs` null while a person may be typing a password. Without `question`, standard input is empty. */
export function startProcess(
  argv: string[],
  env: NodeJS.ProcessEnv,
  timeoutMs: number | null,
  log: Log,
  question?: TakeQuestion,
): Promise<StartResult> {
  log.info(`starting: ${argv.join(' ')}`);
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), {
      env,
      detached: true,
      stdio: [question ? 'pipe' : 'ignore', 'pipe', 'pipe'],
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
      // From here on the socket is what tells whether the helper lives.
      child.unref();
      resolve(result);
    };
    eachLine(child.stdout!, (line) => {
      const result = parseReadyLine(line);
      if (result) settle(result);
      else log.debug(`helper stdout: ${line}`);
    });
    eachLine(child.stderr!, (line) => {
      if (!settled && question?.(line, reply)) return;
      stderr = `${stderr}${line}\n`.slice(-STDERR_KEPT_CHARS);
      log.debug(`helper stderr: ${line}`);
    });
    child.once('error', (error) => settle({ kind: 'exited', code: null, stderr: error.message }));
    child.once('close', (code) => settle({ kind: 'exited', code, stderr }));
  });
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  stream.on('end', () => rest && onLine(rest));
}
