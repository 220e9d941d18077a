// The processes of this machine as far as the caller may see them, for `ebpf-tracer list` and the extension's picker: a
// walk over /proc. Kernel threads are left out, zombies too: neither can be recorded. Reads only.

import { readdirSync } from 'node:fs';
import { hasEnded, readStat, TICKS_PER_SECOND } from '../client/processStat';
import type { ProcessInfo } from '../protocol';
import { containerOf } from './container';
import { isNativeOnly } from './nativeOnly';
import { ListeningPorts } from './ports';
import { bootTimeMs, ownerOf, readCommand, readProcessLink, readText, readUids } from './procfs';
import { runtimeOf } from './runtime';
import { userName } from './users';

/** Processes read before others get their turn: some 10 ms. */
const BATCH = 50;

/** In order of their pids. */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const ports = new ListeningPorts();
  const bootMs = bootTimeMs();
  const found: ProcessInfo[] = [];
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
  for (const [i, pid] of pids.entries()) {
    if (i % BATCH === BATCH - 1) await new Promise(setImmediate);
    const process = describe(pid, ports, bootMs);
    if (process) found.push(process);
  }
  return found;
}

function describe(pid: number, ports: ListeningPorts, bootMs: number): ProcessInfo | null {
  const stat = readStat(pid);
  if (!stat || stat.kernelThread || hasEnded(pid, stat)) return null;
  const uid = readUids(pid)?.real ?? ownerOf(pid);
  if (uid === null) return null;
  const runtime = runtimeOf(pid);
  return {
    pid,
    ppid: stat.ppid,
    uid,
    user: userName(uid),
    runtime,
    ...(isNativeOnly(pid, runtime) ? { nativeOnly: true } : {}),
    name: stat.name,
    command: readCommand(pid),
    cwd: readProcessLink(pid, 'cwd'),
    container: containerOf(readText(`/proc/${pid}/cgroup`) ?? ''),
    listeningPorts: ports.of(pid),
    tty: stat.tty,
    startTimeMs: bootMs + (stat.startTicks * 1000) / TICKS_PER_SECOND,
  };
}
