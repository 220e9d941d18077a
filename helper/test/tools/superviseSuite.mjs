// superviseSuite.mjs COMMAND…   runs COMMAND, and ends with it all that it started and left, however it ended: crashed,
// hung, or done. Run by runSuites.mjs (through sudo where a suite needs root, so that it may end what is root's); ends
// everything as soon as its own standard input ends, which it also does when runSuites.mjs is gone.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;
/** What ends by itself a moment later is no leftover. */
const GRACE_MS = 1_000;
const PATIENCE_MS = 10_000;

const koffi = createRequire(import.meta.url)('koffi');
const libc = koffi.load(null);
const waitpid = libc.func('int waitpid(int pid, void *status, int options)');
// Whoever loses its parent becomes a child of this process instead of the system's first.
libc.func('int prctl(int option, ulong a, ulong b, ulong c, ulong d)')(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

const text = (file) => {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
};
const childrenOf = (pid) => text(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
const isZombie = (pid) => /^State:\s*Z/m.test(text(`/proc/${pid}/status`));
const nameOf = (pid) => text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 120);

const [file, ...args] = process.argv.slice(2);
const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] });

/** Node waits for its own child only; orphans that have ended are waited for here, as init does. */
function reapOrphans() {
  for (const pid of childrenOf(process.pid)) if (pid !== child.pid && isZombie(pid)) waitpid(pid, null, WNOHANG);
}
process.on('SIGCHLD', reapOrphans);

/** Children of whoever hands its own on (not of a subreaper's below) are reached at any depth. */
function descendants(pid = process.pid) {
  return childrenOf(pid).flatMap((below) => [below, ...descendants(below)]);
}

const living = () => descendants().filter((pid) => !isZombie(pid));

async function endAll() {
  for (const deadline = Date.now() + PATIENCE_MS; living().length > 0 && Date.now() < deadline; await delay(50)) {
    for (const pid of living()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended, or belongs to somebody else.
      }
    }
    reapOrphans();
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => endAll());
process.stdin.on('end', () => endAll()).on('error', () => endAll());
process.stdin.resume();

child.on('error', (error) => {
  console.error(error.message);
  process.exit(127);
});
child.on('exit', async (code, signal) => {
  for (const deadline = Date.now() + GRACE_MS; living().length > 0 && Date.now() < deadline; ) await delay(50);
  const left = living().map((pid) => `${pid} ${nameOf(pid)}`);
  if (left.length > 0) console.log(`Ended what this suite left running:\n  ${left.join('\n  ')}`);
  await endAll();
  if (signal === null) process.exit(code);
  for (const own of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(own);
  process.kill(process.pid, signal);
});
