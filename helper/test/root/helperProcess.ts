// Starts the real helper for the tests of this folder, as root does it, and finds out what it holds in the kernel.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { HelperConnection } from '../../src/client/helperConnection';
import { createSocketFolder, type SocketFolder } from '../../src/client/socketFolder';
import type { ErrorReport, ReadyLine } from '../../src/protocol';
import { PUBLIC_NODE, publicFile } from './publicCopy';
import { SLOWNESS } from './slowness';

/** A user and group that no account has. */
export const STRANGER = 54_321;
export const HELPER_JS = publicFile('../../src/main');

export interface StartedHelper {
  folder: SocketFolder;
  child: ChildProcess;
  pid: number;
  exited: Promise<number | null>;
  connect(options?: { heartbeatIntervalMs?: number }): Promise<HelperConnection>;
}

export interface HelperOptions {
  uid?: number;
  lingerMs?: number;
  extra?: string[];
  stdio?: StdioOptions;
  folder?: SocketFolder;
  env?: NodeJS.ProcessEnv;
  /** Of the helper; left out: the product's. */
  script?: string;
  /** A command that runs the helper: ['setpriv', '…']. */
  prefix?: string[];
}

/** Rejects with the helper's ErrorReport where it says why it does not start. */
export async function serve(options: HelperOptions = {}): Promise<StartedHelper> {
  const uid = options.uid ?? 0;
  const folder = options.folder ?? createSocketFolder({ uid, gid: uid });
  const args = ['serve', '--socket-dir', folder.dir, '--uid', String(uid), '--gid', String(uid)];
  args.push('--linger', String(options.lingerMs ?? 0), ...(options.extra ?? []));
  const [file, ...rest] = [...(options.prefix ?? []), PUBLIC_NODE, options.script ?? HELPER_JS, ...args];
  const child = spawn(file, rest, {
    stdio: options.stdio ?? ['ignore', 'pipe', 'inherit'],
    env: options.env ?? process.env,
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  if (child.stdout) await readyLine(child);
  // Its mode is set once it listens; before that a connection would be refused.
  else await until(() => modeOf(folder.socket) === 0o600, 'the helper listens');
  return {
    folder,
    child,
    pid: child.pid!,
    exited,
    connect: (more) => HelperConnection.connect({ ...folder, ...more }),
  };
}

const modeOf = (path: string) => (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o777;

function readyLine(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (chunk) => {
      text += chunk;
      if (!text.includes('\n')) return;
      const line: ReadyLine | { error: ErrorReport } = JSON.parse(text);
      if ('error' in line) reject(line.error);
      else resolve();
    });
    child.once('exit', (code) => reject(new Error(`the helper ended with ${code}: ${text}`)));
  });
}

/** Polls until `condition` holds; fails after a minute (emulated machines are slow) naming `what`. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const deadline = performance.now() + 60_000 * SLOWNESS; !condition(); ) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** BPF objects that a process holds open: `prog 12`, `map 34`, `link 56`. Ids are never used again. */
export function bpfObjectsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    try {
      const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1');
      return [...info.matchAll(/^(prog|map|link)_id:\s*(\d+)$/gm)].map(([, kind, id]) => `${kind} ${id}`);
    } catch {
      return [];
    }
  });
}

export function isAlive(pid: number): boolean {
  try {
    // A zombie has ended; only its parent has not looked yet.
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

/** Ids of the processes below `pid`, at any depth. */
export function descendantsOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Why the tests that need real eBPF cannot run here; null where they can. */
export function missingForEbpf(): string | null {
  return process.getuid!() === 0 ? null : 'needs root';
}
