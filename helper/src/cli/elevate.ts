// Starts the helper for the command line and hands back a connection to it. The ladder: this process may trace already
// -> `sudo -n` (no password needed, or one was given lately) -> sudo on the terminal -> NO_PRIVILEGE with what to do. The ways differ
// from the extension's, which has no terminal: there sudo keeps no password, and asks by a box.

import { join } from 'node:path';
import { findInPath } from '../client/findInPath';
import { cleanEnvironment, helperCommand, programOf } from '../client/helperCommand';
import type { HelperConnection } from '../client/helperConnection';
import { climb, type Rung, settled } from '../client/ladder';
import { beyondPasswords, mayTrace, readRights } from '../client/rights';
import { createSocketFolder, removeSocketFolder, removeStaleFolders } from '../client/socketFolder';
import { explainFailure } from '../client/startFailure';
import { type ClientLog, startProcess } from '../client/startProcess';
import { type HelperNotes, TracerError, tracerError } from '../protocol';

/** Without a password to type, a helper that is not ready by then never will be. */
const READY_WITHIN_MS = 60_000;

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
  /** Other network namespaces may be asked for. */
  namespaces?: boolean;
  /** Test and diagnosis switch, passed on to every recording. */
  without?: string[];
  log?: (line: HelperNotes['log']) => void;
  /** Default: helper.js beside the running bundle, run by what runs this process. */
  helperPath?: string;
  execPath?: string;
}

type Way = 'direct' | 'sudo -n' | 'sudo';
const PREFIXES: Record<Way, string[]> = {
  direct: [],
  'sudo -n': ['sudo', '-n'],
  sudo: ['sudo', '-p', '[sudo] password for %p, to trace processes: '],
};

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
    const [, client] = await Promise.all([start(options, folder.dir), import('../client/helperConnection')]);
    options.beforeConnect?.();
    const connection = await client.HelperConnection.connect({ ...folder, log: options.log });
    if (interrupted) connection.dispose();
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

/** The ways that make sense for this process, best first; none without sudo. Throws where no way can work. */
function waysFor(interactive: boolean): Way[] {
  const rights = readRights();
  if (mayTrace(rights.effective)) return ['direct'];
  const impossible = beyondPasswords(rights);
  if (impossible) throw new TracerError(impossible);
  if (!findInPath('sudo')) return [];
  return interactive ? ['sudo -n', 'sudo'] : ['sudo -n'];
}

async function start(options: StartHelperOptions, socketFolder: string): Promise<void> {
  const say = (level: keyof ClientLog) => (text: string) => options.log?.({ level, text });
  const log: ClientLog = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const rung =
    (way: Way): Rung =>
    () =>
      startBy(way, options, socketFolder, log);
  const rungs = { direct: rung('direct'), 'sudo -n': rung('sudo -n'), sudo: rung('sudo') };
  await climb(waysFor(options.interactive ?? process.stdin.isTTY === true), rungs, log);
}

async function startBy(way: Way, options: StartHelperOptions, socketFolder: string, log: ClientLog): ReturnType<Rung> {
  const program = programOf(options.helperPath ?? join(__dirname, 'helper.js'), options.execPath);
  const { uid, gid } = options.caller ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const { lingerMs = 0, cacheDir, tracers, anyUser = false, namespaces = false, without } = options;
  const request = { program, socketFolder, uid, gid, lingerMs, cacheDir, tracers, anyUser, namespaces, without };
  const result = await startProcess([...PREFIXES[way], ...helperCommand(request)], {
    // sudo's messages in English, so that they can be told apart.
    env: cleanEnvironment(process.env, { LC_ALL: 'C' }),
    timeoutMs: way === 'sudo' ? null : READY_WITHIN_MS,
    log,
    detached: false,
  });
  return settled(result, ({ code: exitCode, stderr, why }) => {
    const { node: execPath, script: helperPath } = program;
    const report = explainFailure({ rung: way, execPath, helperPath, exitCode, stderr, why });
    if (report.code !== 'NO_PRIVILEGE') throw new TracerError(report);
    return { kind: 'next', why: report.message, report };
  });
}
