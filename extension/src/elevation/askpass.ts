// Lets sudo ask for the password through this extension: `sudo -A` runs the program named by SUDO_ASKPASS, ours is a script
// of a few lines. So the box opens in the user's window also when everything else runs on a remote machine. Nothing is stored.
//
// Question and answer go through the standard error and the standard input that the script inherits from the sudo that we
// started: sudo gives its askpass program no other descriptors (closefrom(3) in its tgetpass.c), and its own belong to root.
// Nothing listens anywhere, so no other process of the user, no other extension, and no second sudo can ask, or hear an answer:
// having these descriptors is the proof. Not protected: a process that may trace the user's processes (ptrace, where Yama
// lets it) can read along in the script, as it can in VS Code itself, or in a terminal.

import { randomBytes } from 'node:crypto';
import { access, constants, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ASKPASS_NAME } from '../../../helper/src/client/socketFolder';

/** The text that `sudo -p` replaces PAM's own "Password:" with; anything else is another question (a second factor). */
export const PASSWORD_PROMPT = 'ebpf-tracer-password';

/**
 * What goes before the command. `-k` with a command: sudo asks although it asked lately, and remembers nothing (sudo(8)). Otherwise
 * every program of this extension host, other extensions among them, could use sudo for a quarter of an hour.
 */
export const ASKING_SUDO = ['sudo', '-A', '-k', '-p', PASSWORD_PROMPT, '--'];
/** For users who need no password: `-k` leaves alone what was typed for something else. */
export const QUIET_SUDO = ['sudo', '-n', '-k', '--'];

/** sudo gives three attempts, and PAM modules may ask something else at each. */
const MOST_QUESTIONS = 12;
const MARKER_BYTES = 16;

/**
 * The question as one line of standard error that begins with the marker; the answer is a line of standard input: "=" and the text,
 * or "-" where there is none. By the shell's own commands, so that no argument of any process holds the answer.
 */
const scriptText = (marker: string) => `#!/bin/sh
printf '${marker} %s\\n' "$(printf '%s' "$1" | tr '\\n' ' ')" >&2
IFS= read -r answer || exit 1
case $answer in =*) printf '%s\\n' "\${answer#=}" ;; *) exit 1 ;; esac
`;

export interface Askpass {
  /** Path for SUDO_ASKPASS. */
  script: string;
  /** Takes a line of sudo's standard error; false where it is no question. `reply` writes to sudo's standard input. */
  takeLine(line: string, reply: (text: string) => void): boolean;
  close(): Promise<void>;
}

/**
 * `ask` gets sudo's question and gives the answer, or null to cancel: one question at a time, one answer for each. The script
 * goes into the first of `folders` from which programs may be run (a noexec mount refuses).
 */
export async function makeAskpass(
  folders: string[],
  ask: (question: string) => Promise<string | null>,
): Promise<Askpass> {
  const marker = `ebpf-tracer-asks-${randomBytes(MARKER_BYTES).toString('hex')}`;
  const script = await writeScript(folders, scriptText(marker));
  let questions = 0;
  let isAsking = false;
  return {
    script,
    takeLine(line, reply) {
      if (!line.startsWith(`${marker} `)) return false;
      // sudo waits for its answer before it asks again: what comes meanwhile is not its question.
      if (isAsking) return true;
      if (++questions > MOST_QUESTIONS) {
        reply('-\n');
        return true;
      }
      isAsking = true;
      const answered = (text: string | null) => {
        isAsking = false;
        reply(text === null || text.includes('\n') ? '-\n' : `=${text}\n`);
      };
      ask(line.slice(marker.length + 1)).then(answered, () => answered(null));
      return true;
    },
    close: () => rm(script, { force: true }),
  };
}

async function writeScript(folders: string[], text: string): Promise<string> {
  let lastError: unknown;
  for (const folder of folders) {
    const path = join(folder, ASKPASS_NAME);
    try {
      // Never through a link or into a file that somebody else put there.
      await rm(path, { force: true });
      await writeFile(path, text, { mode: 0o700, flag: 'wx' });
      await access(path, constants.X_OK);
      return path;
    } catch (error) {
      lastError = error;
      await rm(path, { force: true });
    }
  }
  throw lastError;
}
