// Other profilers beside ours, where they are installed: perf by frame pointers, and bpftrace's profile. Each is started and
// stopped as a user would.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Profiler } from './overhead';
import { pause } from './processes';

export function isInstalled(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`]);
    return true;
  } catch {
    return false;
  }
}

const INTERRUPT_AGAIN_MS = 2_000;
const KILL_AFTER_MS = 30_000;

/** Again and again: bpftrace 0.17 goes on waiting where the signal comes between its look at the flag and its epoll_wait. */
async function interrupt(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGINT');
  const again = setInterval(() => child.kill('SIGINT'), INTERRUPT_AGAIN_MS);
  const last = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  await exited;
  clearInterval(again);
  clearTimeout(last);
}

/** Started when it says so on stderr or stdout; perf says nothing, so its file's header is awaited. */
const STARTED_MS = 3_000;

export const perfRecord = (frequencyHz: number): Profiler => ({
  async start(pid) {
    const folder = mkdtempSync(join(tmpdir(), 'ebpf-bench-perf-'));
    const child = spawn(
      'perf',
      ['record', '-q', '-F', String(frequencyHz), '-g', '-p', String(pid), '-o', join(folder, 'data')],
      { stdio: 'ignore' },
    );
    await pause(STARTED_MS);
    return {
      samplerPid: child.pid as number,
      async stop() {
        await interrupt(child);
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});

export const bpftraceProfile = (frequencyHz: number): Profiler => ({
  async start(pid) {
    const program = `profile:hz:${frequencyHz} /pid == ${pid}/ { @[ustack, kstack] = count(); }`;
    const child = spawn('bpftrace', ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise<void>((done, fail) => {
      child.stdout?.once('data', () => done());
      child.once('error', fail);
      child.once('exit', (code) => fail(new Error(`bpftrace ended at once (${code})`)));
    });
    child.stdout?.resume();
    await pause(500);
    return { samplerPid: child.pid as number, stop: () => interrupt(child) };
  },
});

/** Mean run time of bpftrace's own program, ns: needs the kernel's BPF statistics, switched on only meanwhile. */
export async function bpftraceProgramNs(pid: number, frequencyHz: number): Promise<number | null> {
  const setting = '/proc/sys/kernel/bpf_stats_enabled';
  const before = readFileSync(setting, 'utf8');
  const known = new Set(programs().map(({ id }) => id));
  try {
    writeFileSync(setting, '1');
    const running = await bpftraceProfile(frequencyHz).start(pid);
    await pause(10_000);
    const theirs = programs().filter(({ id, run_cnt }) => !known.has(id) && (run_cnt ?? 0) > 0);
    await running.stop();
    const count = theirs.reduce((sum, program) => sum + (program.run_cnt ?? 0), 0);
    const timeNs = theirs.reduce((sum, program) => sum + (program.run_time_ns ?? 0), 0);
    return count === 0 ? null : timeNs / count;
  } finally {
    writeFileSync(setting, before);
  }
}

function programs(): { id: number; type: string; run_cnt?: number; run_time_ns?: number }[] {
  const all = JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'show'], { encoding: 'utf8' }));
  return all.filter((program: { type: string }) => program.type === 'perf_event');
}
