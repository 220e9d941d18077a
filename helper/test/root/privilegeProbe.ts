// Run by privilege.test.ts as a process of its own, as root: drops to a user and says what is left and what works.
// Arguments: UID GID WITHOUT PLAIN CLOSED. WITHOUT names one of the kept capabilities to give up, too, or is "none"; PLAIN
// and CLOSED are processes of that user, CLOSED not dumpable (as a program with secrets makes itself).

import { pbkdf2 } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { gzip } from 'node:zlib';
import { native } from '../../src/bpf/libbpf';
import { hasRingBuffer } from '../../src/bpf/probe';
import { type CapabilityName, effectiveCapabilities, maskOf } from '../../src/client/capabilities';
import { dropAllCapabilities, setThreadCapabilities } from '../../src/privilege/capabilities';
import { dropPrivileges } from '../../src/privilege/drop';
import { libc } from '../../src/privilege/libc';
import { dropPoolCapabilities } from '../../src/privilege/poolThreads';
import { CPU } from '../../src/stack/sources/cpu';
import { takeAsRoot } from '../../src/takeAsRoot';

export interface ProbeResult {
  capabilities: string[];
  /** Lines of /proc/self/task/TID/status by their names; the main thread first. */
  threads: Record<string, string>[];
  /** What dropPoolCapabilities() says. */
  stillCapable: number;
  /** As `threads`, after every kind of work for which Node or V8 starts threads. */
  later: Record<string, string>[];
  works: Record<'ringBuffer' | 'sampling' | 'maps' | 'closedFiles' | 'mapFiles' | 'kallsyms' | 'ownFiles', boolean>;
  rootAgain: boolean;
  workerCapabilities: string;
  inspector: boolean;
  shadowReadable: boolean;
}

function attempt(action: () => unknown): boolean {
  try {
    return action() !== false;
  } catch {
    return false;
  }
}

/** A system-wide sampling event, as a recording opens them: PERF_TYPE_SOFTWARE, cpu-clock, all processes on CPU 0. */
function sampling(): boolean {
  const attr = Buffer.alloc(112);
  attr.writeUInt32LE(1, 0);
  attr.writeUInt32LE(112, 4);
  attr.writeBigUInt64LE(10_000_000n, 16);
  const fd = native().system.perfEventOpen(attr, -1, 0, -1, 8);
  if (fd >= 0) native().system.close(fd);
  return fd >= 0;
}

function threads(): Record<string, string>[] {
  return readdirSync('/proc/self/task').map((tid) => {
    const status = readFileSync(`/proc/self/task/${tid}/status`, 'latin1');
    return Object.fromEntries(status.split('\n').map((line) => line.split(/:\s*/, 2)));
  });
}

/** A worker as the symbolizer's are: it drops its own capabilities, and shows them. */
function workerCapabilities(): Promise<string> {
  const source = `
    const { dropAllCapabilities } = require(${JSON.stringify(require.resolve('../../src/privilege/capabilities'))});
    const { effectiveCapabilities } = require(${JSON.stringify(require.resolve('../../src/client/capabilities'))});
    const before = effectiveCapabilities();
    dropAllCapabilities();
    require('node:worker_threads').parentPort.postMessage((before !== 0n) + ' ' + effectiveCapabilities());`;
  return new Promise((resolve, reject) => {
    new Worker(source, { eval: true }).once('message', resolve).once('error', reject);
  });
}

/** Files, compression, keys and a worker: twice as many at once as the pool has threads, and V8 optimizes and collects meanwhile. */
async function threadsAfterWork(): Promise<Record<string, string>[]> {
  const text = Buffer.alloc(1 << 20, 'work');
  const compress = promisify(gzip);
  const worker = new Worker('for (let i = 0, a = []; i < 2e6; i++) a[i % 999] = { i }', { eval: true });
  await Promise.all([
    ...Array.from({ length: 8 }, () => compress(text)),
    ...Array.from({ length: 8 }, () => readFile('/proc/self/maps')),
    ...Array.from({ length: 8 }, () => promisify(pbkdf2)('a', 'b', 1_000, 32, 'sha256')),
    lookup('localhost').catch(() => null),
    once(worker, 'exit'),
  ]);
  return threads();
}

function inspectorListens(): Promise<boolean> {
  process.kill(process.pid, 'SIGUSR1');
  return new Promise((resolve) => {
    setTimeout(() => {
      const socket = connect(process.debugPort, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    }, 200);
  });
}

/** Debian's Node has calls that change users, but they throw, because its libuv might use io_uring. */
function refuseAsDebiansNode(): void {
  for (const call of ['setuid', 'setgid', 'setgroups', 'initgroups'])
    Object.defineProperty(process, call, {
      value: () => {
        throw new Error(`${call}() disabled: io_uring may be enabled`);
      },
    });
}

/** By the C library, as no Node refuses it. */
const becomesRoot = () => libc().setresuid(0, 0, 0) >= 0;

async function main(): Promise<void> {
  const [uid, gid, without, plain, closed] = process.argv.slice(2);
  refuseAsDebiansNode();
  const { kallsymsFd } = takeAsRoot();
  const { capabilities } = dropPrivileges({ uid: Number(uid), gid: Number(gid) }, CPU.capabilities);
  const listed = threads();
  const stillCapable = await dropPoolCapabilities();
  const later = await threadsAfterWork();
  if (without !== 'none') setThreadCapabilities(effectiveCapabilities() & ~maskOf([without as CapabilityName]));
  const mapFile = () => readdirSync(`/proc/${plain}/map_files`)[0];
  const works = {
    ringBuffer: attempt(hasRingBuffer),
    sampling: attempt(sampling),
    maps: attempt(() => readFileSync(`/proc/${closed}/maps`, 'latin1').length > 0),
    closedFiles: attempt(() => readdirSync(`/proc/${closed}/root/`).length > 0),
    mapFiles: attempt(() => closeSync(openSync(`/proc/${plain}/map_files/${mapFile()}`, 'r'))),
    kallsyms: /^0*[1-9a-f]/m.test(readFirst(kallsymsFd!)),
    ownFiles: attempt(() => readFileSync('/proc/self/maps').length > 0 && readdirSync('/proc/self/fd').length > 0),
  };
  const result: ProbeResult = {
    capabilities,
    threads: listed,
    stillCapable,
    later,
    works,
    rootAgain: Number(uid) !== 0 && becomesRoot(),
    workerCapabilities: await workerCapabilities(),
    inspector: await inspectorListens(),
    shadowReadable: attempt(() => readFileSync('/etc/shadow')),
  };
  process.stdout.write(JSON.stringify(result));
  dropAllCapabilities();
}

function readFirst(fd: number): string {
  const head = Buffer.alloc(4096);
  return head.toString('latin1', 0, readSync(fd, head, 0, head.length, 0));
}

void main();
