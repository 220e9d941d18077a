// The folder in which client and helper meet: 0700, made by the client, holding `token` (0600), `helper.sock`, and what a way to
// administrator rights needs meanwhile. Made, removed, and cleaned up after both were killed, in one way for the command line and the
// extension: each finds what the other left. The helper trusts nothing in it unchecked (../rpc/token.ts).

import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tracerError } from '../protocol';

export const SOCKET_NAME = 'helper.sock';
export const TOKEN_NAME = 'token';
/** sudo's question goes through it. */
export const ASKPASS_NAME = 'askpass.sh';
/** What a helper that a terminal started has to say. */
export const TERMINAL_LOG_NAME = 'terminal.log';
const NAMES = [SOCKET_NAME, TOKEN_NAME, ASKPASS_NAME, TERMINAL_LOG_NAME];

export const TOKEN_BYTES = 32;
/** sockaddr_un.sun_path holds 108 bytes with its NUL (unix(7)). */
const SOCKET_PATH_MOST_BYTES = 107;
/** A folder without a socket may be one whose helper is just being started, with a password being typed. */
const STARTING_MS = 10 * 60_000;

export interface SocketFolder {
  dir: string;
  socket: string;
  token: string;
}

const prefix = (uid: number) => `ebpf-tracer-${uid}-`;

/** Where such folders are made, best first: the user's own runtime folder (memory, gone at logout), else those for temporary files. */
export function parentFolders(environment: NodeJS.ProcessEnv = process.env): string[] {
  const folders = new Set([tmpdir(), '/tmp']);
  const runtime = environment.XDG_RUNTIME_DIR;
  try {
    if (runtime && lstatSync(runtime).uid === process.getuid?.()) {
      accessSync(runtime, constants.W_OK | constants.X_OK);
      return [...new Set([runtime, ...folders])];
    }
  } catch {
    // Set, but not there: sudo and su leave such values behind.
  }
  return [...folders];
}

/**
 * Makes a fresh folder with a fresh token, in the first of `parents` that has room for it; for `owner` where root makes it on behalf
 * of somebody else. Throws HELPER_START where none has.
 */
export function createSocketFolder(
  owner?: { uid: number; gid: number },
  parents: readonly string[] = parentFolders(),
): SocketFolder {
  let why = 'no folder is short enough for a socket';
  for (const parent of parents) {
    let dir: string | null = null;
    try {
      dir = mkdtempSync(join(parent, prefix(owner?.uid ?? process.getuid?.() ?? 0)));
      const socket = join(dir, SOCKET_NAME);
      if (Buffer.byteLength(socket) <= SOCKET_PATH_MOST_BYTES) return { dir, socket, token: fill(dir, owner) };
      removeSocketFolder(dir);
    } catch (error) {
      if (dir !== null) removeSocketFolder(dir);
      why = error instanceof Error ? error.message : String(error);
    }
  }
  throw tracerError('HELPER_START', `there is no folder for its socket (${why})`);
}

function fill(dir: string, owner?: { uid: number; gid: number }): string {
  chmodSync(dir, 0o700);
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const tokenPath = join(dir, TOKEN_NAME);
  writeFileSync(tokenPath, token, { mode: 0o600, flag: 'wx' });
  // The token first: once the folder is the owner's, its names are the owner's to change.
  if (owner) for (const path of [tokenPath, dir]) chownSync(path, owner.uid, owner.gid);
  return token;
}

/** Removes what client and helper put into the folder, then the folder; whatever else is in it stays, and the folder with it. */
export function removeSocketFolder(dir: string): void {
  try {
    for (const name of NAMES) rmSync(join(dir, name), { force: true });
    rmdirSync(dir);
  } catch {
    // Already gone, or with something else in it: not ours to judge.
  }
}

/**
 * Removes folders of this user whose helper and client were both killed: their socket refuses connections, or they have been without
 * one for long. To be called when a new helper runs, off the path of its start; `except` is its own folder.
 */
export async function removeStaleFolders(
  except: string,
  parents: readonly string[] = parentFolders(),
  nowMs = Date.now(),
): Promise<void> {
  for (const parent of parents) {
    for (const name of namesIn(parent)) {
      const dir = join(parent, name);
      if (dir !== except && name.startsWith(prefix(process.getuid?.() ?? 0)) && (await isStale(dir, nowMs)))
        removeSocketFolder(dir);
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function isStale(dir: string, nowMs: number): Promise<boolean> {
  try {
    const stat = lstatSync(dir);
    if (!stat.isDirectory() || stat.uid !== process.getuid?.()) return false;
    if (!readdirSync(dir).includes(SOCKET_NAME)) return nowMs - stat.mtimeMs > STARTING_MS;
  } catch {
    return false;
  }
  return new Promise((resolve) => {
    const probe = connect(join(dir, SOCKET_NAME));
    probe.on('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
