// A command that waits to be recorded from its first instruction: a terminal's shell holds it on a fifo, the helper attaches to the
// holder's pid, then it is released and becomes the command. It stays the user's own process with the user's terminal, folder and
// environment; nothing of it is ever a child of the privileged helper.

import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { tracerError } from '../../../helper/src/protocol';

/**
 * $1 is the private folder, $2 the closing words, the rest the command. The inner shell writes its pid and waits; `exec`
 * keeps the pid. The outer one keeps the terminal open to read the output. Its trap (not an ignored signal, which the
 * command would inherit) lets Ctrl-C end the command only.
 */
const HOLDER = `dir=$1; words=$2; shift 2
trap : INT QUIT
/bin/sh -c 'echo $$ >"$0/pid.new" && mv "$0/pid.new" "$0/pid"; IFS= read -r _ <"$0/go" || exit 1; exec "$@"' "$dir" "$@"
code=$?
printf '\\n\\033[2m%s\\033[0m' "$words ($code)"
IFS= read -r _
exit 0`;

const POLL_MS = 20;
const PID_DEADLINE_MS = 15_000;
const READER_DEADLINE_MS = 1_000;

export interface HeldCommand {
  shellPath: string;
  shellArgs: string[];
  /** Pid that will become the command; waits for the terminal to start. Throws COMMAND_NOT_FOUND. */
  pid(): Promise<number>;
  release(): Promise<void>;
  /** Removes the fifo; a command that was not released ends. */
  dispose(): Promise<void>;
}

/** `argv` is started as it is, e.g. ['/bin/bash', '-c', 'make test']. */
export async function holdCommand(argv: string[], closingWords: string): Promise<HeldCommand> {
  const folder = await mkdtemp(join(tmpdir(), 'ebpf-tracer-held-'));
  const fifo = join(folder, 'go');
  await promisify(execFile)('mkfifo', ['-m', '600', fifo]);
  return {
    shellPath: '/bin/sh',
    shellArgs: ['-c', HOLDER, 'ebpf-tracer', folder, closingWords, ...argv],
    pid: () => waitForPid(join(folder, 'pid'), argv),
    release: async () => {
      const pipe = await openForWriting(fifo, argv);
      await pipe.write('\n');
      await pipe.close();
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

async function waitForPid(path: string, argv: string[]): Promise<number> {
  const deadline = Date.now() + PID_DEADLINE_MS;
  while (Date.now() < deadline) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text) return Number(text);
    await delay(POLL_MS);
  }
  throw tracerError('COMMAND_NOT_FOUND', argv.join(' '), 'its terminal did not start');
}

/**
 * O_NONBLOCK: fails with ENXIO instead of waiting for ever when the terminal was closed meanwhile. But so it does in the moment
 * between the holder's writing its pid and its opening the fifo.
 */
async function openForWriting(fifo: string, argv: string[]): Promise<FileHandle> {
  const deadline = Date.now() + READER_DEADLINE_MS;
  for (;;) {
    try {
      return await open(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      const nobodyReads = (error as NodeJS.ErrnoException).code === 'ENXIO';
      if (!nobodyReads || Date.now() > deadline)
        throw tracerError('COMMAND_NOT_FOUND', argv.join(' '), 'its terminal was closed');
      await delay(POLL_MS);
    }
  }
}

/** How `line` is run: by the user's own shell where it takes -c, else by sh. */
export function shellCommand(line: string, userShell: string): string[] {
  const known = ['bash', 'zsh', 'sh', 'dash', 'ksh', 'fish'];
  return [known.includes(basename(userShell)) ? userShell : '/bin/sh', '-c', line];
}
