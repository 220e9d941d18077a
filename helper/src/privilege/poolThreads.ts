// The threads on which Node does slow work for JavaScript (libuv's pool: files, compression, name look-ups). Node starts them when
// it first needs one, from the main thread, whose capabilities they inherit: after the privilege drop that would be the tracing
// capabilities, in threads that write the caller's files. So they are started here, right after the drop, and each gives up
// what it has. Node starts no further thread of this kind later.

import { readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { statusMask } from '../client/capabilities';
import { capabilitySets } from './capabilities';
import { libc } from './libc';

/** Node's own default (UV_THREADPOOL_SIZE); at most 1,024 are started. */
const DEFAULT_THREADS = 4;
const MOST_THREADS = 1_024;
/** Calls go to whichever thread is free: all are reached within a few rounds. */
const MOST_ROUNDS = 100;
/** Holds a thread for so long that the next call goes to another one. */
const HOLD_US = 500;

/** Resolves with how many threads besides the main one still hold a capability: 0 unless a kernel does what none does. */
export async function dropPoolCapabilities(): Promise<number> {
  await stat('/');
  const asked = Number(process.env.UV_THREADPOOL_SIZE);
  const threads = asked >= 1 ? Math.min(asked, MOST_THREADS) : DEFAULT_THREADS;
  for (let round = 0; round < MOST_ROUNDS && capableThreads() > 0; round++) {
    await Promise.all(Array.from({ length: threads }, giveUpInPool));
  }
  return capableThreads();
}

async function giveUpInPool(): Promise<void> {
  const { capsetInPool, sleepInPool } = libc();
  await Promise.all([capsetInPool(...capabilitySets(0n)), sleepInPool(HOLD_US)]);
}

/** Threads of this process, besides the main one, with a permitted capability. */
export function capableThreads(): number {
  return readdirSync('/proc/self/task').filter((tid) => {
    if (Number(tid) === process.pid) return false;
    try {
      return statusMask(readFileSync(`/proc/self/task/${tid}/status`, 'latin1'), 'CapPrm') !== 0n;
    } catch {
      return false; // It has ended.
    }
  }).length;
}
