// What a recording costs its target: CPU time a request with and without sampling, in alternating windows on one steady
// load, until the 95 % interval is narrow enough. The same loop measures other profilers, for comparison.
import type { RecordSummary } from '../src/protocol';
import { type PerfSwitch, perfSwitchOf } from './perfSwitch';
import { descendants, pause } from './processes';
import { startRecording } from './recorder';
import type { ServerTarget } from './serverTargets';
import { type Estimate, trimmedEstimate } from './statistics';

/** Short: what else happens on the machine lasts longer, and then weighs on both sides alike. */
const WINDOW_MS = 200;
/** With and without change places from one block to the next, so that no drift favours one. */
const BLOCKS = [
  [true, false, false, true],
  [false, true, true, false],
];
/** Then the profiler is started anew, for each start has caches of its own; its first seconds are not the steady state. */
const BLOCKS_A_RUN = 50;
const WARM_UP_MS = 3_000;

export interface Profiler {
  /** Starts it on `pid`; resolves once it samples. `samplerPid` is who owns the perf events. */
  start(pid: number): Promise<{ samplerPid: number; stop(): Promise<void> }>;
}

export interface OverheadLimits {
  blocksMin: number;
  blocksMax: number;
  halfWidth: number;
}

/** CPU time a request with / without, of one block of four windows. */
async function measureBlock(target: ServerTarget, sampling: PerfSwitch, block: boolean[]): Promise<number> {
  const cpuNs = { true: 0, false: 0 };
  const requests = { true: 0, false: 0 };
  for (const on of block) {
    sampling.set(on);
    const before = await target.work();
    await pause(WINDOW_MS);
    const after = await target.work();
    cpuNs[`${on}`] += after.cpuNs - before.cpuNs;
    requests[`${on}`] += after.requests - before.requests;
  }
  return cpuNs.true / requests.true / (cpuNs.false / requests.false);
}

export async function overheadRatio(
  target: ServerTarget,
  profiler: Profiler,
  { blocksMin, blocksMax, halfWidth }: OverheadLimits,
): Promise<Estimate> {
  const ratios: number[] = [];
  for (;;) {
    const running = await profiler.start(target.pid);
    const sampling = perfSwitchOf(running.samplerPid);
    try {
      await pause(WARM_UP_MS);
      for (let i = 0; i < BLOCKS_A_RUN && ratios.length < blocksMax; i++)
        ratios.push(await measureBlock(target, sampling, BLOCKS[i % BLOCKS.length]));
    } finally {
      sampling.set(true);
      sampling.close();
      await running.stop();
    }
    const result = trimmedEstimate(ratios);
    process.stderr.write(`  block ${result.count}: ${result.mean.toFixed(4)} ± ${result.halfWidth.toFixed(4)}\n`);
    const enough = result.count >= blocksMin && result.halfWidth <= halfWidth;
    if (enough || result.count >= blocksMax) return result;
  }
}

/** Our own recording as a profiler; hands each one's summary to `collect`. */
export function ourRecording(frequencyHz: number, collect: (summary: RecordSummary) => void): Profiler {
  return { start: (pid) => startOn(pid, frequencyHz, collect) };
}

/**
 * The same recording, but of this process, which is hardly on a CPU: what is left is what the sampling interrupts themselves
 * cost the server here. In a virtual machine each of them is a way or two out to the host and back.
 */
export function interruptsAlone(frequencyHz: number): Profiler {
  return { start: () => startOn(process.pid, frequencyHz, () => {}, ['--no-children']) };
}

async function startOn(
  pid: number,
  frequencyHz: number,
  collect: (summary: RecordSummary) => void,
  options: string[] = [],
) {
  const recording = startRecording({ args: ['--pid', String(pid), '--frequency', String(frequencyHz), ...options] });
  await recording.until();
  return {
    samplerPid: descendants(recording.pid, 'helper.js')[0],
    async stop() {
      collect(await recording.stop());
    },
  };
}
