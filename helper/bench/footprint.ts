// What the helper itself uses while it records a busy server at 99 Hz: CPU after the first seconds, memory in steady state
// and at its peak, read from /proc for the privileged process with its workers.
import { cpuTimeMs, descendants, memoryBytes, pause } from './processes';
import { startRecording } from './recorder';
import type { ServerTarget } from './serverTargets';

export interface Footprint {
  /** Share of one core after the first 5 s. */
  cpuShare: number;
  steadyRssBytes: number;
  peakRssBytes: number;
}

export async function measureFootprint(target: ServerTarget, seconds: number): Promise<Footprint> {
  const recording = startRecording({ args: ['--pid', String(target.pid)] });
  await recording.until();
  await pause(5_000);
  const [helper] = descendants(recording.pid, 'helper.js').sort((a, b) => memoryBytes(b).rss - memoryBytes(a).rss);
  if (helper === undefined) throw new Error('The helper process was not found below the command line.');
  const cpuBeforeMs = cpuTimeMs(helper);
  const startMs = Date.now();
  await pause(seconds * 1_000);
  const cpuShare = (cpuTimeMs(helper) - cpuBeforeMs) / (Date.now() - startMs);
  const { rss, peak } = memoryBytes(helper);
  await recording.stop();
  return { cpuShare, steadyRssBytes: rss, peakRssBytes: peak };
}
