// The folder in which client and helper meet: 0700, made by the client, holding `token` (0600) and `helper.sock`.
// Client side (cli/elevate.ts; the extension has its own copy of these names): make, clean up. Helper side (serve.ts): check
// that it is what it should be before anything in it is trusted.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
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
const TOKEN_BYTES = 32;
/** A folder without a socket may be one whose helper is just being started, with a password being typed. */
const STARTING_MS = 10 * 60_000;

export interface SocketFolder {
  dir: string;
  socket: string;
  token: string;
}

const prefix = (uid: number) => `ebpf-tracer-${uid}-`;

/** Where such folders are made: the user's own runtime folder, else the common one for temporary files. */
function parentFolder(): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  try {
    if (runtime && lstatSync(runtime).uid === process.getuid?.()) return runtime;
  } catch {
    // Set, but not there: sudo and su leave such values behind.
  }
  return tmpdir();
}

/** Makes a fresh folder with a fresh token; for `owner` where root makes it on behalf of somebody else. */
export function createSocketFolder(owner?: { uid: number; gid: number }): SocketFolder {
  const dir = mkdtempSync(join(parentFolder(), prefix(owner?.uid ?? process.getuid?.() ?? 0)));
  chmodSync(dir, 0o700);
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const tokenPath = join(dir, TOKEN_NAME);
  writeFileSync(tokenPath, token, { mode: 0o600, flag: 'wx' });
  // The token first: once the folder is the owner's, its names are the owner's to change.
  if (owner) for (const path of [tokenPath, dir]) chownSync(path, owner.uid, owner.gid);
  return { dir, socket: join(dir, SOCKET_NAME), token };
}

/** Removes what client and helper put into the folder, then the folder; whatever else is in it stays. */
export function removeSocketFolder(dir: string): void {
  for (const name of [SOCKET_NAME, TOKEN_NAME]) rmSync(join(dir, name), { force: true });
  try {
    rmdirSync(dir);
  } catch {
    // Already gone, or not empty: not ours to judge.
  }
}

/**
 * Removes folders of this user whose helper and client were both killed: their socket refuses connections. Called when
 * a new helper runs, off the path of its start.
 */
export async function removeStaleFolders(except: string): Promise<void> {
  const parent = parentFolder();
  const names = readdirSync(parent).filter((name) => name.startsWith(prefix(process.getuid?.() ?? 0)));
  await Promise.all(
    names
      .map((name) => join(parent, name))
      .filter((dir) => dir !== except)
      .map(async (dir) => {
        if (await isStale(dir)) removeSocketFolder(dir);
      }),
  );
}

async function isStale(dir: string): Promise<boolean> {
  try {
    const stat = lstatSync(dir);
    if (!stat.isDirectory() || stat.uid !== process.getuid?.()) return false;
    if (!readdirSync(dir).includes(SOCKET_NAME)) return Date.now() - stat.mtimeMs > STARTING_MS;
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

/**
 * The token in `dir`, for the helper, after it became the caller. Throws HELPER_START where the folder is not the
 * caller's own, or is open to others.
 */
export function readToken(dir: string, uid: number): string {
  const stat = lstatSync(dir);
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0)
    throw tracerError('HELPER_START', `${dir} is not a folder that only user ${uid} can open.`);
  const token = readFileSync(join(dir, TOKEN_NAME), 'utf8').trim();
  if (token.length < TOKEN_BYTES) throw tracerError('HELPER_START', `the token in ${dir} is too short.`);
  return token;
}

/** Compares in a time that tells nothing about where they differ. */
export function sameToken(shown: string, expected: string): boolean {
  const [a, b] = [Buffer.from(shown), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
