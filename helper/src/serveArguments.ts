// The helper's own arguments. They come from our client (client/helperCommand.ts), pass through sudo or pkexec, and are read while the process is still root: so nothing clever here.

import { isAbsolute } from 'node:path';
import { tracersNamed } from './engine/chooseTracers';
import type { Tracer } from './engine/tracer';
import { HEARTBEAT_TIMEOUT_MS, RECONNECT_GRACE_MS, tracerError } from './protocol';

export interface ServeArguments {
  socketDir: string;
  uid: number;
  gid: number;
  /** How long to wait for the window to come back. */
  lingerMs: number;
  /** The caller's cache folder for this product; null: no cache on disk. */
  cacheDir: string | null;
  heartbeatTimeoutMs: number;
  /** Recordings of other users' processes may be asked for: root's word at the start, not the client's later. */
  anyUser: boolean;
  /** Recordings in other network namespaces may be asked for, which takes CAP_SYS_ADMIN: root's word as well. */
  namespaces: boolean;
  /** Ids of the tracers whose rights are kept; others that need no more may be asked for, too. */
  tracers: string[];
  /** Features to do without in every recording: test and diagnosis switch. */
  without: string[];
}

/** Throws USAGE naming the argument, or TRACER_UNKNOWN. */
export function parseServeArguments(
  argv: readonly string[],
  table: readonly Tracer[],
  usual: readonly string[],
): ServeArguments {
  if (argv[0] !== 'serve') throw tracerError('USAGE', 'The helper has one command: serve.');
  const values = new Map<string, string>();
  let anyUser = false;
  let namespaces = false;
  for (let i = 1; i < argv.length; i += 2) {
    for (; argv[i] === '--any-user' || argv[i] === '--namespaces'; i++) {
      if (argv[i] === '--any-user') anyUser = true;
      else namespaces = true;
    }
    if (i >= argv.length) break;
    const name = argv[i];
    const value = argv[i + 1];
    if (!KNOWN.has(name)) throw tracerError('USAGE', `serve has no option ${name}.`);
    if (value === undefined) throw tracerError('USAGE', `${name} needs a value.`);
    values.set(name, value);
  }
  const path = (name: string): string | null => {
    const value = values.get(name);
    if (value !== undefined && !isAbsolute(value)) throw tracerError('USAGE', `${name} needs an absolute path.`);
    return value ?? null;
  };
  const number = (name: string, missing: number | null): number => {
    const text = values.get(name) ?? String(missing);
    // 2^32 - 1 is "no user" to the kernel; time-outs beyond it make no sense either.
    if (!/^\d{1,10}$/.test(text) || Number(text) >= 0xffff_ffff) throw tracerError('USAGE', `${name} needs a number.`);
    return Number(text);
  };
  const socketDir = path('--socket-dir');
  if (socketDir === null) throw tracerError('USAGE', '--socket-dir is missing.');
  return {
    socketDir,
    uid: number('--uid', null),
    gid: number('--gid', null),
    lingerMs: number('--linger', RECONNECT_GRACE_MS),
    cacheDir: path('--cache-dir'),
    heartbeatTimeoutMs: number('--heartbeat-timeout', HEARTBEAT_TIMEOUT_MS),
    anyUser,
    namespaces,
    tracers: tracersNamed(table, values.get('--for')?.split(',') ?? usual).map(({ id }) => id),
    without: (values.get('--without') ?? '').split(',').filter((word) => word !== ''),
  };
}

const KNOWN = new Set([
  '--socket-dir',
  '--uid',
  '--gid',
  '--linger',
  '--cache-dir',
  '--heartbeat-timeout',
  '--without',
  '--for',
]);
