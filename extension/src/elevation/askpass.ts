// Lets sudo ask for the password through this extension: `sudo -A` runs the program named by SUDO_ASKPASS, ours is a
// two-line script that carries the question to a socket in the window's private folder and the answer back on stdout.
// So the box opens in the user's window also when everything else runs on a remote machine. Nothing is stored.

import { access, constants, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { HelperProgram } from './helperCommand';

/** The text that `sudo -p` replaces PAM's own "Password:" with; anything else is another question (a second factor). */
export const PASSWORD_PROMPT = 'ebpf-tracer-password';

/** Runs in its own process: question on the socket, answer on stdout, exit 1 when there is none. */
const CARRIER = [
  'const s=require("net").connect(process.argv[1]);let t="";',
  's.write(JSON.stringify(process.argv[2]||"")+"\\n");',
  's.on("data",d=>t+=d).on("end",()=>{if(!t)process.exit(1);process.stdout.write(t)}).on("error",()=>process.exit(1))',
].join('');

export interface Askpass {
  /** Path for SUDO_ASKPASS. */
  script: string;
  close(): Promise<void>;
}

/**
 * `ask` gets sudo's question and gives the answer, or null to cancel. The script goes into the first of `folders` from
 * which programs may be run (a noexec mount refuses), the socket into the first.
 */
export async function serveAskpass(
  folders: string[],
  program: HelperProgram,
  ask: (question: string) => Promise<string | null>,
): Promise<Askpass> {
  const socketPath = join(folders[0], 'askpass.sock');
  const server = createServer((socket) => {
    let question = '';
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      if (question.endsWith('\n')) return;
      question += chunk;
      if (question.endsWith('\n')) void answer(question, ask).then((text) => socket.end(text));
    });
  });
  await listen(server, socketPath);
  const script = await writeScript(folders, program, socketPath);
  return {
    script,
    close: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(script, { force: true });
      await rm(socketPath, { force: true });
    },
  };
}

async function answer(question: string, ask: (question: string) => Promise<string | null>): Promise<string> {
  try {
    const text = await ask(String(JSON.parse(question)));
    return text === null ? '' : `${text}\n`;
  } catch {
    return '';
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

async function writeScript(folders: string[], program: HelperProgram, socketPath: string): Promise<string> {
  const text = `#!/bin/sh\nELECTRON_RUN_AS_NODE=1 exec ${[program.node, '-e', CARRIER, socketPath].map(shellQuote).join(' ')} "$1"\n`;
  let lastError: unknown;
  for (const folder of folders) {
    const path = join(folder, 'askpass.sh');
    try {
      await writeFile(path, text, { mode: 0o700 });
      await access(path, constants.X_OK);
      return path;
    } catch (error) {
      lastError = error;
      await rm(path, { force: true });
    }
  }
  throw lastError;
}

export const shellQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
