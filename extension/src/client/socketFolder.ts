// The private folder in which one window and its helper meet: 0700, with the token (0600) that the helper asks for in
// the handshake. Made by helperHost.ts before the helper starts, removed when the helper has ended.

import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
      const path = await mkdtemp(join(base, `ebpf-tracer-${process.getuid?.() ?? 0}-`));
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
