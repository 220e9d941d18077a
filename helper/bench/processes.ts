// Starts and measures processes from /proc: CPU time, memory, descendants. Used by all parts of the benchmark.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ is 100 on every architecture that we support. */
const TICK_MS = 10;

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** CPU time of all threads, exited ones included, in ms (10 ms steps). */
export function cpuTimeMs(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return 0;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export function memoryBytes(pid: number): { rss: number; peak: number } {
  const status = read(`/proc/${pid}/status`) ?? '';
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { rss: field('VmRSS'), peak: field('VmHWM') };
}

/** Processes below `pid` whose command line holds `text`. */
export function descendants(pid: number, text: string): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : null;
    if (stat !== null) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (child: number): boolean => {
    const parent = parents.get(child);
    return parent === pid || (parent !== undefined && parent > 1 && isBelow(parent));
  };
  return [...parents.keys()].filter((child) => isBelow(child) && read(`/proc/${child}/cmdline`)?.includes(text));
}

export interface Started {
  child: ChildProcess;
  pid: number;
  /** Its first line on stdout. */
  firstLine: string;
  stop(): Promise<void>;
}

/** Starts `command` pinned to `cpu` and waits for its first line. */
export async function start(command: string[], cpu: number): Promise<Started> {
  const child = spawn('taskset', ['-c', String(cpu), ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  const firstLine = await new Promise<string>((done, fail) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk;
      if (text.includes('\n')) done(text.slice(0, text.indexOf('\n')));
    });
    child.once('exit', (code) => fail(new Error(`${command[0]} ended at once (${code})`)));
    child.once('error', fail);
  });
  return {
    child,
    pid: child.pid as number,
    firstLine,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

export const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
