// What a recording costs its target: CPU time a request with and without it, in alternating pairs on one steady load,
// until the 95 % interval is narrow enough. The same loop measures other profilers, for comparison.
import type { RecordSummary } from '../src/protocol';
import { pause } from './processes';
import { startRecording } from './recorder';
import type { ServerTarget } from './serverTargets';
import { type Estimate, estimate } from './statistics';

const WINDOW_MS = 4_000;
const SETTLE_MS = 1_000;

export interface Profiler {
  /** Starts it on `pid`; resolves once it samples. */
  start(pid: number): Promise<{ stop(): Promise<void> }>;
}

async function cpuNsPerRequest(target: ServerTarget): Promise<number> {
  await pause(SETTLE_MS);
  const before = await target.work();
  await pause(WINDOW_MS);
  const after = await target.work();
  return (after.cpuNs - before.cpuNs) / (after.requests - before.requests);
}

/** Ratio with/without. Pairs alternate in order, so that a drift of the machine cancels out. */
export async function overheadRatio(
  target: ServerTarget,
  profiler: Profiler,
  limits: { pairsMin: number; pairsMax: number; halfWidth: number },
): Promise<Estimate> {
  const ratios: number[] = [];
  const withProfiler = async () => {
    const running = await profiler.start(target.pid);
    try {
      return await cpuNsPerRequest(target);
    } finally {
      await running.stop();
    }
  };
  for (;;) {
    const profiledFirst = ratios.length % 2 === 0;
    const first = profiledFirst ? await withProfiler() : await cpuNsPerRequest(target);
    const second = profiledFirst ? await cpuNsPerRequest(target) : await withProfiler();
    ratios.push(profiledFirst ? first / second : second / first);
    const result = estimate(ratios);
    process.stderr.write(`  pair ${result.count}: ${result.mean.toFixed(4)} ± ${result.halfWidth.toFixed(4)}\r`);
    const enough = result.count >= limits.pairsMin && result.halfWidth <= limits.halfWidth;
    if (enough || result.count >= limits.pairsMax) {
      process.stderr.write('\n');
      return result;
    }
  }
}

/** Our own recording as a profiler; hands each one's summary to `collect`. */
export function ourRecording(frequencyHz: number, collect: (summary: RecordSummary) => void): Profiler {
  return {
    async start(pid) {
      const recording = startRecording({ args: ['--pid', String(pid), '--frequency', String(frequencyHz)] });
      await recording.until();
      return {
        async stop() {
          collect(await recording.stop());
        },
      };
    },
  };
}
