// What keeps a process alive after its last test: timers, sockets, child processes, threads that a test or the product never
// ended. suiteReporter.mjs makes the run fail by it. With HANDLES=1 each is named with the place that made it (async_hooks,
// https://nodejs.org/api/async_hooks.html), which slows the tests down.

import { createHook } from 'node:async_hooks';

/** Long enough for a child process that was killed and a socket that was closed to be gone; an emulated CPU takes longer. */
const GRACE_MS = Number(process.env.HANDLES_GRACE_MS ?? 5_000);
const STACK_FRAMES = 16;
const SHOWN_FRAMES = 6;
/** Files and promises end by themselves; ticks are no handles. */
const IGNORED = /^(PROMISE|TickObject|Immediate|FSREQ|RANDOM|ELDHISTOGRAM)/;

const made = new Map();

function rememberOrigins() {
  Error.stackTraceLimit = STACK_FRAMES;
  createHook({
    init(id, type, _trigger, resource) {
      if (IGNORED.test(type)) return;
      const frames = new Error().stack.split('\n').slice(2);
      const ours = frames.filter((line) => !/node:|node_modules\/mocha/.test(line)).slice(0, SHOWN_FRAMES);
      made.set(id, { type, resource: new WeakRef(resource), stack: ours.join('\n') });
    },
    destroy: (id) => made.delete(id),
  }).enable();
}

function nameOf(handle) {
  const { spawnargs, pid, remoteAddress, remotePort, server } = handle;
  if (spawnargs) return `child process ${pid}: ${spawnargs.join(' ').slice(0, 200)}`;
  if (remoteAddress) return `socket to ${remoteAddress}:${remotePort}`;
  return server ? 'socket of a server' : handle.constructor.name;
}

/** One line for all kinds, and one for each that has a name or (HANDLES=1) a known origin. */
function describeLeft() {
  const kinds = process.getActiveResourcesInfo();
  const output = new Set([process.stdout, process.stderr]);
  const handles = process._getActiveHandles().filter((handle) => !output.has(handle));
  const origins = [...made.values()].filter(({ resource }) => {
    const alive = resource.deref();
    return alive && (typeof alive.hasRef !== 'function' || alive.hasRef());
  });
  return [
    kinds.join(', '),
    ...handles.map((handle) => `  ${nameOf(handle)}`),
    ...origins.map(({ type, stack }) => `  ${type}, made\n${stack}`),
  ].join('\n');
}

/** Calls `found` with a description if the process still lives some seconds from now; keeps nothing alive itself. */
export function whenHandlesStay(found) {
  setTimeout(() => found(describeLeft()), GRACE_MS).unref();
}

if (process.env.HANDLES) rememberOrigins();
