// What the helper itself uses while it records at 99 Hz: CPU after the first seconds, memory in steady state and at its peak,
// read from /proc for the privileged process with its workers.
import { cpuTimeMs, descendants, memoryBytes, pause } from './processes';
import { startRecording } from './recorder';

const FIRST_MS = 5_000;
/** CPU time comes in steps of 10 ms: 0.1 % of such a window. */
const WINDOW_MS = 10_000;

export interface Footprint {
  /** Share of one core, window by window, after the first 5 s. */
  cpuShares: number[];
  /** At the end of each window. */
  rssBytes: number[];
  peakRssBytes: number;
}

export async function measureFootprint(pid: number, windows: number): Promise<Footprint> {
  const recording = startRecording({ args: ['--pid', String(pid)] });
  await recording.until();
  await pause(FIRST_MS);
  const [helper] = descendants(recording.pid, 'helper.js').sort((a, b) => memoryBytes(b).rss - memoryBytes(a).rss);
  if (helper === undefined) throw new Error('The helper process was not found below the command line.');
  const cpuShares: number[] = [];
  const rssBytes: number[] = [];
  for (let window = 0; window < windows; window++) {
    const beforeMs = cpuTimeMs(helper);
    const startMs = performance.now();
    await pause(WINDOW_MS);
    cpuShares.push((cpuTimeMs(helper) - beforeMs) / (performance.now() - startMs));
    rssBytes.push(memoryBytes(helper).rss);
  }
  const { peak } = memoryBytes(helper);
  await recording.stop();
  return { cpuShares, rssBytes, peakRssBytes: peak };
}
