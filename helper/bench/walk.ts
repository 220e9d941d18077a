// What the walk of user stacks by unwind tables costs: a frame of a warm walk, what the rules' cache answers, the tables' kernel
// memory, and how soon a recording has its first whole stack.
//
// A frame's cost is a difference: two programs that do the same below stacks of different depth, so that what a sample
// costs anyway drops out. They keep every CPU busy: on an idle one each interrupt would be a run for nobody, and count.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCapture } from '../src/engine/capture';
import type { Capture } from '../src/engine/captureTypes';
import type { CaptureCounters } from '../src/engine/types';
import { openBpfStats } from '../src/health/bpfStats';
import { FileStore } from '../src/process/fileStore';
import { ProcessTable } from '../src/process/table';
import { CPU } from '../src/stack/sources/cpu';
import { pause } from './processes';
import { record, startRecording } from './recorder';

/** main's, its callers' and the leaf's frames come on top: 30 frames and 5. */
const DEEP = 26;
const SHALLOW = 1;
const FREQUENCY_HZ = 999;
const WINDOW_MS = 4_000;
const LOADED_DEADLINE_MS = 10_000;

const SOURCE = `
#include <stdlib.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>
static volatile unsigned long sink;
__attribute__((noinline, noclone)) static void spin(void)
{
	for (unsigned long x = 1;; x = x * 6364136223846793005ul + 1)
		sink = x;
}
__attribute__((noinline, noclone)) static void recurse(int depth)
{
	if (depth == 0)
		spin();
	else
		recurse(depth - 1);
	__asm__ volatile("" ::: "memory");
}
int main(int argc, char **argv)
{
	for (long others = sysconf(_SC_NPROCESSORS_ONLN) - 1; others > 0; others--) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			break;
		}
	}
	recurse(argc > 1 ? atoi(argv[1]) : 0);
	return (int)sink;
}
`;

export interface WalkFigures {
  nsPerFrame: number;
  /** A whole sample (BPF time, all of it) of 30 frames. */
  nsPerSample: number;
  /** Share of frames whose rule was in the cache. */
  hitShare: number;
  rows: number;
  bytesPerRow: number;
}

/** Builds the program, hands its path on, takes it away again. Throws where there is no C compiler. */
async function withProgram<T>(body: (program: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'walk-'));
  try {
    const program = join(folder, 'recurse');
    writeFileSync(`${program}.c`, SOURCE);
    execFileSync('cc', [
      '-O2',
      '-g',
      '-fomit-frame-pointer',
      '-fno-optimize-sibling-calls',
      '-o',
      program,
      `${program}.c`,
    ]);
    return await body(program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withRunning<T>(command: string[], body: (pid: number) => Promise<T>): Promise<T> {
  const child = spawn(command[0], command.slice(1), { stdio: 'ignore' });
  try {
    await pause(200);
    return await body(child.pid as number);
  } finally {
    child.kill('SIGKILL');
  }
}

async function untilLoaded(running: Capture): Promise<void> {
  for (const deadline = performance.now() + LOADED_DEADLINE_MS; ; await pause(20)) {
    const { unwinding } = running.counters();
    if (unwinding && unwinding.waiting === 0 && unwinding.frames.byTable > 0) return;
    if (performance.now() > deadline) throw new Error('the unwind tables were not loaded');
  }
}

/** What happened within one window of a capture whose tables are loaded. */
async function sampled(pid: number): Promise<{ from: CaptureCounters; to: CaptureCounters }> {
  const sink = { stack() {}, sample() {}, taken() {}, process() {}, failed() {} };
  const processes = new ProcessTable(new FileStore());
  const running = await startCapture(
    {
      target: { pids: [pid], children: true, startAtExec: false },
      tracers: [{ tracer: CPU, options: { frequencyHz: FREQUENCY_HZ, kernel: true } }],
      processes,
      cacheDir: null,
      without: [],
    },
    sink,
  );
  try {
    await untilLoaded(running);
    await pause(500);
    const from = running.counters();
    await pause(WINDOW_MS);
    return { from, to: running.counters() };
  } finally {
    await running.stop();
    processes.close();
    await processes.files.close();
  }
}

export async function measureWalk(): Promise<WalkFigures> {
  const stats = openBpfStats();
  if (!stats) throw new Error('BPF statistics cannot be switched on');
  try {
    return await withProgram(async (program) => {
      const at = (depth: number) => withRunning([program, String(depth)], sampled);
      const [shallow, deep] = [await at(SHALLOW), await at(DEEP)];
      const nsOf = ({ from, to }: typeof deep) => ((to.bpfNs ?? 0) - (from.bpfNs ?? 0)) / (to.taken - from.taken);
      const frames = (key: 'byTable' | 'missed') =>
        (deep.to.unwinding?.frames[key] ?? 0) - (deep.from.unwinding?.frames[key] ?? 0);
      const { rows = 0, bytes = 0 } = deep.to.unwinding ?? {};
      return {
        nsPerFrame: (nsOf(deep) - nsOf(shallow)) / (DEEP - SHALLOW),
        nsPerSample: nsOf(deep),
        hitShare: 1 - frames('missed') / frames('byTable'),
        rows,
        bytesPerRow: bytes / rows,
      };
    });
  } finally {
    stats.close();
  }
}

/** From the command to a file with a stack that reaches `_start`, in ms; tables and symbols are in the cache already. */
export async function measureFirstWhole(runs: number): Promise<number[]> {
  return withProgram((program) =>
    withRunning([program, String(DEEP)], async (pid) => {
      const args = ['--pid', String(pid)];
      await record({ args: [...args, '--duration', '3'] });
      const times: number[] = [];
      for (let run = 0; run < runs; run++) {
        const recording = startRecording({ args });
        times.push(await recording.until('_start"'));
        await recording.stop();
      }
      return times;
    }),
  );
}
