// Starts the helper for the command line and hands back a connection to it. The ladder: this process may trace already
// -> `sudo -n` (no password needed, or one was given lately) -> sudo on the terminal -> NO_PRIVILEGE with what to do.
// Called by cli/. (The extension has a ladder of its own, with password boxes.)

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { effectiveCapabilities, statusMask } from '../client/capabilities';
import { mayTrace, refusal } from '../client/rights';
import { explainFailure, type StartFailure } from '../client/startFailure';
import { textOf } from '../client/surroundings';
import { findInPath } from '../privilege/findInPath';
import { type errorReport, type HelperNotes, type ReadyLine, TracerError, tracerError } from '../protocol';
import type { HelperConnection } from '../rpc/client';
import { createSocketFolder, removeSocketFolder, removeStaleFolders } from '../rpc/socketFolder';

/** Without a password to type, a helper that is not ready by then never will be. */
const READY_WITHIN_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

export interface StartHelperOptions {
  /** May sudo ask for a password on this process's terminal? Default: stdin is one. */
  interactive?: boolean;
  /** How long the helper outlives its connection; a command needs none. */
  lingerMs?: number;
  /** On whose behalf root (through sudo) asks: the helper becomes that user. Default: this process's own user. */
  caller?: { uid: number; gid: number };
  /** Called when the helper runs, before it is talked to: it answers nobody but its caller. */
  beforeConnect?: () => void;
  /** The caller's cache folder for this product, or null for none. */
  cacheDir: string | null;
  /** Ids of those that will be asked for: the helper keeps the rights that they need. Default: the usual ones. */
  tracers?: readonly string[];
  /** Other users' processes may be asked for; only root's helper obeys. */
  anyUser?: boolean;
  /** Test and diagnosis switch, passed on to every recording. */
  without?: string[];
  log?: (line: HelperNotes['log']) => void;
  /** Default: helper.js beside the running bundle, run by what runs this process. */
  helperPath?: string;
  execPath?: string;
}

interface Rung {
  name: 'direct' | 'sudo -n' | 'sudo';
  prefix: string[];
}

/** Throws TracerError: NO_PRIVILEGE, SUDO_ABSENT, PASSWORD_REJECTED, ELEVATION_CANCELLED, CONTAINER_NO_RIGHTS, … */
export async function startHelper(options: StartHelperOptions): Promise<HelperConnection> {
  const folder = createSocketFolder(options.caller);
  // Ctrl-C at the prompt reaches sudo as well; staying alive to see that lets us clean up and say so.
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  process.on('SIGINT', interrupt);
  try {
    // The client's parts load while the helper starts: a recording wants to begin at once.
    const [started, client] = await Promise.all([climb(options, folder.dir), import('../rpc/client')]);
    options.beforeConnect?.();
    const connection = await client.HelperConnection.connect({ ...folder, log: options.log });
    if (interrupted) connection.dispose();
    forwardErrors(started, options.log);
    void connection.closed.then(() => removeSocketFolder(folder.dir));
    setImmediate(() => void removeStaleFolders(folder.dir).catch(() => {}));
    if (!interrupted) return connection;
    throw tracerError('ELEVATION_CANCELLED');
  } catch (error) {
    removeSocketFolder(folder.dir);
    throw interrupted ? tracerError('ELEVATION_CANCELLED') : error;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/** The rungs that make sense for this process, best first. Throws where none does. */
function rungs(interactive: boolean): Rung[] {
  const effective = effectiveCapabilities();
  if (mayTrace(effective)) return [{ name: 'direct', prefix: [] }];
  const missing = refusal(effective, statusMask(textOf('/proc/self/status') ?? '', 'CapBnd'));
  // Root without the capabilities stands in a container that was not given them: sudo would change nothing.
  if (missing && (process.getuid?.() === 0 || missing.code === 'CONTAINER_NO_RIGHTS')) throw new TracerError(missing);
  // A Flatpak's programs exist only inside of it, and so does its lack of sudo.
  if (existsSync('/.flatpak-info')) throw tracerError('HELPER_UNREADABLE', 'what lies inside a Flatpak');
  if (!findInPath('sudo')) throw tracerError('SUDO_ABSENT');
  const ladder: Rung[] = [{ name: 'sudo -n', prefix: ['sudo', '-n'] }];
  if (interactive)
    ladder.push({ name: 'sudo', prefix: ['sudo', '-p', '[sudo] password for %p, to trace processes: '] });
  return ladder;
}

async function climb(options: StartHelperOptions, socketDir: string): Promise<ChildProcess> {
  const interactive = options.interactive ?? process.stdin.isTTY === true;
  let last: TracerError = tracerError('NO_PRIVILEGE', 'there is no way to get them here.');
  for (const rung of rungs(interactive)) {
    try {
      return await startBy(rung, options, socketDir);
    } catch (error) {
      if (!(error instanceof TracerError) || error.report.code !== 'NO_PRIVILEGE') throw error;
      last = error;
    }
  }
  throw last;
}

function startBy(rung: Rung, options: StartHelperOptions, socketDir: string): Promise<ChildProcess> {
  const execPath = options.execPath ?? process.execPath;
  const helperPath = options.helperPath ?? join(__dirname, 'helper.js');
  const asNode = process.versions.electron !== undefined || process.env.ELECTRON_RUN_AS_NODE !== undefined;
  const command = [
    ...rung.prefix,
    // sudo clears the environment; Electron without this variable would open a window instead of running the helper.
    ...(rung.prefix.length > 0 && asNode ? ['env', 'ELECTRON_RUN_AS_NODE=1'] : []),
    execPath,
    helperPath,
    ...serveArguments(options, socketDir),
  ];
  const child = spawn(command[0], command.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
    // Root may not be able to enter the folder that we are in, and the helper should keep none busy.
    cwd: '/',
  });
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    const timer =
      rung.name === 'sudo'
        ? null
        : setTimeout(() => fail({ ...ended, why: `no answer within ${READY_WITHIN_MS / 1000} s` }), READY_WITHIN_MS);
    const ended: StartFailure = { rung: rung.name, execPath, helperPath, exitCode: null, stderr: '', why: null };
    const fail = (failure: StartFailure) => {
      if (timer) clearTimeout(timer);
      child.kill();
      reject(new TracerError(explainFailure(failure)));
    };
    child.on('error', (error) => fail({ ...ended, why: error.message }));
    child.stderr.on('data', (chunk) => {
      if (stderr.length < MAX_OUTPUT_BYTES) stderr += chunk;
    });
    child.stdout.on('data', (chunk) => {
      if (stdout.length < MAX_OUTPUT_BYTES) stdout += chunk;
      const line = helperLine(stdout);
      if (!line) return;
      if (timer) clearTimeout(timer);
      if ('error' in line) reject(new TracerError(line.error));
      else resolve(child);
    });
    child.on('close', (exitCode, signal) =>
      fail({ ...ended, exitCode, stderr, why: signal && `it was ended by ${signal}` }),
    );
  });
}

type Line = ReadyLine | { error: ReturnType<typeof errorReport> };

/** The helper's line among what sudo's plugins may print before it; null as long as it has not come. */
function helperLine(stdout: string): Line | null {
  for (const text of stdout.split('\n').slice(0, -1)) {
    if (!text.startsWith('{')) continue;
    try {
      const line = JSON.parse(text);
      if (line.ready === true || line.error?.code) return line;
    } catch {
      // Not ours.
    }
  }
  return null;
}

function serveArguments(options: StartHelperOptions, socketDir: string): string[] {
  const args = ['serve', '--socket-dir', socketDir];
  const { uid, gid } = options.caller ?? { uid: process.getuid?.(), gid: process.getgid?.() };
  args.push('--uid', String(uid), '--gid', String(gid));
  args.push('--linger', String(options.lingerMs ?? 0));
  if (options.cacheDir !== null) args.push('--cache-dir', options.cacheDir);
  if (options.anyUser) args.push('--any-user');
  if (options.tracers) args.push('--for', options.tracers.join(','));
  if (options.without?.length) args.push('--without', options.without.join(','));
  return args;
}

/** sudo's messages in English, so that they can be told apart; nothing that would make the helper's Node listen or load. */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C' };
  for (const name of Object.keys(env)) if (name.startsWith('NODE_')) delete env[name];
  return env;
}

/** What the helper still says on stderr goes to the log; neither it nor its pipes keep this process alive. */
function forwardErrors(child: ChildProcess, log: StartHelperOptions['log']): void {
  child.removeAllListeners('close');
  child.stdout?.destroy();
  child.stderr?.removeAllListeners('data').on('data', (chunk) => {
    log?.({ level: 'warn', text: String(chunk).trimEnd() });
  });
  (child.stderr as unknown as { unref?: () => void } | null)?.unref?.();
  child.unref();
}
