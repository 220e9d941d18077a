// The private folder in which one window and its helper meet: 0700, with the token (0600) that the helper asks for in
// the handshake. Made by helperHost.ts before the helper starts, removed when the helper has ended.

import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** As the command line names its own. */
const PREFIX = `ebpf-tracer-${process.getuid?.() ?? 0}-`;

export interface SocketFolder {
  path: string;
  socket: string;
  token: string;
}

/** sockaddr_un.sun_path holds 108 bytes with its NUL (unix(7)). */
const SOCKET_PATH_MAX_BYTES = 107;

export async function createSocketFolder(bases: string[] = defaultBases()): Promise<SocketFolder> {
  let lastError: unknown;
  for (const base of bases) {
    try {
      const path = await mkdtemp(join(base, PREFIX));
      const socket = join(path, 'helper.sock');
      if (Buffer.byteLength(socket) > SOCKET_PATH_MAX_BYTES) {
        await rm(path, { recursive: true, force: true });
        continue;
      }
      const token = randomBytes(32).toString('hex');
      await writeFile(join(path, 'token'), token, { mode: 0o600, flag: 'wx' });
      return { path, socket, token };
    } catch (error) {
      lastError = error;
    }
  }
  throw lastError ?? new Error('no folder for the socket');
}

export async function removeSocketFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

/** A folder without a listener may be one in which a password is just being typed. */
const ABANDONED_AFTER_MS = 10 * 60_000;

/** Removes this user's folders whose window and helper were both killed. Called off the path of a start. */
export async function removeAbandonedFolders(bases: string[] = defaultBases(), nowMs = Date.now()): Promise<void> {
  for (const base of new Set(bases)) {
    for (const name of await readdir(base).catch(() => [] as string[])) {
      if (!name.startsWith(PREFIX)) continue;
      const path = join(base, name);
      const info = await lstat(path).catch(() => null);
      if (!info?.isDirectory() || info.uid !== process.getuid?.() || nowMs - info.mtimeMs < ABANDONED_AFTER_MS)
        continue;
      if (!(await listens(join(path, 'helper.sock')))) await removeSocketFolder(path).catch(() => undefined);
    }
  }
}

function listens(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** The session's own runtime folder where there is one (memory, gone at logout), else the temporary folder. */
function defaultBases(): string[] {
  const bases = [tmpdir(), '/tmp'];
  const runtime = process.env.XDG_RUNTIME_DIR;
  if (runtime) {
    try {
      accessSync(runtime, constants.W_OK | constants.X_OK);
      bases.unshift(runtime);
    } catch {
      // Set but not there, as after `su`: the temporary folder serves.
    }
  }
  return bases;
}
