// Starts the command of `record -- COMMAND` as the caller, with the caller's environment, folder and terminal, but holds it before
// its first instruction: /bin/sh waits for one line on a pipe, then becomes the command (same pid). So the helper attaches in
// between, and the command is never a child of anything privileged.

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Writable } from 'node:stream';
import { tracerError } from '../protocol';

export interface CommandEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

export interface HeldCommand {
  pid: number;
  /** Settles when the command (or the launcher) has ended. */
  ended: Promise<CommandEnd>;
  /** Lets it run. */
  release(): void;
  /** Ends the launcher before it became the command. */
  cancel(): void;
  kill(signal: NodeJS.Signals): void;
}

/** Descriptor of the pipe in the launcher; closed before the command starts. */
const HOLD_FD = 3;
const SCRIPT = `read -r go <&${HOLD_FD} || exit 125; exec ${HOLD_FD}<&-; unset go; exec "$@"`;

/**
 * With this process's own user and groups, so root in another's name becomes that user first. Throws COMMAND_NOT_FOUND.
 * `outputToStderr`: our own stdout is to carry nothing but the result.
 */
export function launchHeld(command: string[], environment: NodeJS.ProcessEnv, outputToStderr: boolean): HeldCommand {
  const child: ChildProcess = spawn('/bin/sh', ['-c', SCRIPT, 'sh', ...command], {
    stdio: ['inherit', outputToStderr ? 2 : 'inherit', 'inherit', 'pipe'],
    env: environment,
  });
  const hold = child.stdio[HOLD_FD] as Writable;
  hold.on('error', () => {});
  const ended = new Promise<CommandEnd>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
    child.once('error', () => resolve({ exitCode: 127, signal: null }));
  });
  if (child.pid === undefined) throw tracerError('COMMAND_NOT_FOUND', command[0], '/bin/sh does not start');
  return {
    pid: child.pid,
    ended,
    release: () => void hold.end('\n'),
    cancel: () => hold.destroy(),
    kill: (signal) => void child.kill(signal),
  };
}

/** As a shell would look for it, so that a wrong name is said before a password is asked for. Throws COMMAND_NOT_FOUND. */
export function findProgram(name: string, path: string | undefined): void {
  const places = name.includes('/')
    ? [name]
    : (path ?? '/usr/bin:/bin').split(delimiter).map((dir) => join(dir || '.', name));
  let why = name.includes('/') ? 'no such file' : 'not found in PATH';
  for (const place of places) {
    try {
      if (statSync(place).isDirectory()) {
        why = 'it is a folder';
        continue;
      }
      accessSync(place, constants.X_OK);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES') why = 'permission denied';
    }
  }
  throw tracerError('COMMAND_NOT_FOUND', name, why);
}

export function describeEnd({ exitCode, signal }: CommandEnd): string {
  return signal ? `signal ${signal}` : `exit code ${exitCode}`;
}
