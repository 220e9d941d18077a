// How long unwind tables take to make, and to come from the cache, asked of the product's own thread (dist/unwindWorker.js):
// the first file of a thread is compiled by code that the engine has not optimized yet, later ones by code that it has.
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { LoadedTable, TableRequest } from '../src/unwind/load/worker';
import { ROW_WORDS } from '../src/unwind/rows';
import type { ThreadReply } from '../src/workers/requestThread';
import { endThread, startThread } from '../src/workers/thread';
import { ROOT } from './paths';

type Reply = ThreadReply<LoadedTable>;

interface TableTime {
  rows: number;
  /** From asking to the table in the main thread. */
  elapsedMs: number;
}

export interface TableFigures {
  /** The C library: as the first file of a thread, and as the sixth. */
  libcFirstMs: number[];
  libcLaterMs: number[];
  /** The largest libraries here, scaled to a million rows: in a thread's first run over them, and in its second. */
  millionRowsFirstMs: number[];
  millionRowsLaterMs: number[];
  /** All files that this process has mapped, from the cache, in a fresh thread. */
  cachedProcessMs: number[];
  cachedFiles: number;
}

const MILLION = 1_000_000;
const LIBC_RUNS = 6;
const MAX_LARGE_FILES = 4;

/** Null on a machine whose C library is not glibc. */
export async function measureUnwindTables(runs: number): Promise<TableFigures | null> {
  const mapped = mappedFiles();
  const libc = mapped.find((path) => /\/libc\.so\.6$/.test(path));
  if (!libc) return null;
  const large = largestLibraries(dirname(libc));
  const figures: TableFigures = {
    libcFirstMs: [],
    libcLaterMs: [],
    millionRowsFirstMs: [],
    millionRowsLaterMs: [],
    cachedProcessMs: [],
    cachedFiles: mapped.length,
  };
  const cacheDir = mkdtempSync(join(tmpdir(), 'ebpf-bench-tables-'));
  try {
    await inThread(mapped, cacheDir);
    for (let run = 0; run < runs; run++) {
      const libcTimes = await inThread(new Array(LIBC_RUNS).fill(libc), null);
      figures.libcFirstMs.push(libcTimes[0].elapsedMs);
      figures.libcLaterMs.push(libcTimes[LIBC_RUNS - 1].elapsedMs);
      const largeTimes = await inThread([...large, ...large], null);
      figures.millionRowsFirstMs.push(perMillion(largeTimes.slice(0, large.length)));
      figures.millionRowsLaterMs.push(perMillion(largeTimes.slice(large.length)));
      const cached = await inThread(mapped, cacheDir);
      figures.cachedProcessMs.push(cached.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0));
    }
    return figures;
  } finally {
    rmSync(cacheDir, { recursive: true, force: true });
  }
}

function perMillion(times: TableTime[]): number {
  const rows = times.reduce((sum, time) => sum + time.rows, 0);
  return (times.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0) / rows) * MILLION;
}

/** One after the other. Rejects where a file has no table. */
function inThread(paths: string[], cacheDir: string | null): Promise<TableTime[]> {
  let onReply: (reply: Reply) => void = () => {};
  const options = { workerData: { cacheDir } };
  const worker = startThread<Reply>(join(ROOT, 'dist/unwindWorker.js'), options, (reply) => onReply(reply));
  const times: TableTime[] = [];
  return new Promise<TableTime[]>((resolve, reject) => {
    let startedMs = 0;
    let fd = -1;
    const ask = () => {
      const path = paths[times.length];
      fd = openSync(path, 'r');
      startedMs = performance.now();
      const from = { fileId: times.length + 1, fd, sizeBytes: statSync(path).size };
      worker.postMessage({ sequence: times.length, from } satisfies TableRequest & { sequence: number });
    };
    worker.on('online', ask);
    worker.on('error', reject);
    onReply = (reply) => {
      const elapsedMs = performance.now() - startedMs;
      closeSync(fd);
      if (!reply.ok) return reject(new Error(`${paths[times.length]}: ${reply.why}`));
      times.push({ rows: reply.answer.table.rows.length / ROW_WORDS, elapsedMs });
      if (times.length < paths.length) ask();
      else resolve(times);
    };
  }).finally(() => endThread(worker));
}

/** Programs and libraries of this process. */
function mappedFiles(): string[] {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  const paths = lines.filter((line) => / r-xp /.test(line)).map((line) => line.slice(line.indexOf('/')));
  return [...new Set(paths.filter((path) => path.startsWith('/')))];
}

function largestLibraries(folder: string): string[] {
  const files = new Set<string>();
  for (const name of readdirSync(folder))
    if (/\.so(\.|$)/.test(name)) {
      const path = realpathSync(join(folder, name));
      if (statSync(path).isFile()) files.add(path);
    }
  const sizeOf = (path: string) => statSync(path).size;
  return [...files].sort((a, b) => sizeOf(b) - sizeOf(a)).slice(0, MAX_LARGE_FILES);
}
