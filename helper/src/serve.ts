// The privileged helper's life: takes what only root can take, becomes its caller with the rights that its tracers need, then
// serves one client over a Unix socket until that client is gone. On stdout it prints one line, ReadyLine or {error}.
// helper/README.md has the exit rules.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { effectiveCapabilities, statusMask } from './client/capabilities';
import { refusal } from './client/rights';
import { removeSocketFolder, SOCKET_NAME } from './client/socketFolder';
import { textOf } from './client/surroundings';
import { tracersNamed, tracersWithRightsOf } from './engine/chooseTracers';
import type { Tracer } from './engine/tracer';
import { optimizeLater } from './health/engine';
import { dropPrivileges } from './privilege/drop';
import { libc } from './privilege/libc';
import { dropPoolCapabilities } from './privilege/poolThreads';
import { ownsNamespace } from './privilege/userNamespace';
import { bePatient, isHanging } from './process/patience';
import {
  EXIT,
  exitCodeOf,
  PROTOCOL_VERSION,
  type ReadyLine,
  TRACER_VERSION,
  TracerError,
  toErrorReport,
  tracerError,
} from './protocol';
import { Lifetime } from './rpc/lifetime';
import { HelperServer } from './rpc/server';
import { readToken } from './rpc/token';
import { parseServeArguments } from './serveArguments';
import { createServices } from './services';
import { takeAsRoot } from './takeAsRoot';
import { output } from './terminal/terminal';
import { endThreads } from './workers/thread';

/** `tracers`: the table; `usual`: ids of those for which a helper is started where nobody says another. */
export function serve(argv: readonly string[], tracers: readonly Tracer[], usual: readonly string[]): void {
  start(argv, tracers, usual).catch((error: unknown) => {
    const report = toErrorReport(error);
    void output.json({ error: report }, () => process.exit(exitCodeOf(report.code) || EXIT.failed));
  });
}

async function start(argv: readonly string[], tracers: readonly Tracer[], usual: readonly string[]): Promise<void> {
  optimizeLater();
  const args = parseServeArguments(argv, tracers, usual);
  const bounding = statusMask(textOf('/proc/self/status') ?? '', 'CapBnd');
  const missing = refusal(effectiveCapabilities(), bounding);
  if (missing) throw new TracerError(missing);
  if (args.anyUser && process.getuid?.() !== 0) throw tracerError('ANY_USER_NEEDS_ROOT');
  // Whoever starts the helper as who they are had its capabilities before; sudo's and pkexec's are not the caller's.
  const capabilities =
    process.getuid?.() === args.uid ? statusMask(textOf('/proc/thread-self/status') ?? '', 'CapPrm') : 0n;
  const taken = takeAsRoot();
  const chosen = tracersNamed(tracers, args.tracers);
  const served = tracersWithRightsOf(tracers, chosen).map(({ id }) => id);
  const dropped = dropPrivileges(args, [
    ...chosen.flatMap(({ capabilities }) => capabilities),
    ...(args.namespaces ? (['SYS_ADMIN'] as const) : []),
  ]);
  const stillCapable = await dropPoolCapabilities();
  if (stillCapable > 0) taken.notes.push(`${stillCapable} threads of Node's own kept their capabilities`);
  bePatient();
  const groups = [...new Set([dropped.gid, ...(process.getgroups?.() ?? [])])];

  const log: HelperServer['log'] = (level, text) => server.log(level, text);
  const services = createServices({
    tracers,
    served,
    args,
    taken,
    rights: { groups, capabilities, ownsNamespace },
    log,
    shutdown: () => lifetime.end('asked to'),
  });
  const socket = join(args.socketDir, SOCKET_NAME);
  const server = new HelperServer({
    socket,
    uid: args.uid,
    token: readToken(args.socketDir, args.uid),
    heartbeatTimeoutMs: args.heartbeatTimeoutMs,
    services,
    identity: () => ({
      protocolVersion: PROTOCOL_VERSION,
      helperVersion: TRACER_VERSION,
      pid: process.pid,
      uid: args.uid,
      capabilities: dropped.capabilities,
      tracers: served,
    }),
    clientCame: () => lifetime.clientCame(),
    clientGone: (why) => lifetime.clientGone(why),
  });
  await server.listen();
  const lifetime = new Lifetime({
    lingerMs: args.lingerMs,
    hasClient: () => server.hasClient(),
    reachable: () => existsSync(socket),
    unload: () => services.unload(),
    close: (why) => server.close(why),
    log,
    leave: () => removeSocketFolder(args.socketDir),
    exit: (code) => void leave(code),
  });
  const ready: ReadyLine = { ready: true, pid: process.pid, socket };
  void output.json(ready);
  log('info', `Helper ${TRACER_VERSION} serves user ${args.uid} with ${dropped.capabilities.join(', ')}`);
  for (const note of taken.notes) log('info', note);
  setImmediate(() => services.preload());
}

/** All is unloaded by now. A thread that waits for a file system that does not answer would hold process.exit() for ever. */
async function leave(code: number): Promise<void> {
  if ((await endThreads()) && !isHanging()) process.exit(code);
  libc().exitAtOnce(code);
}
