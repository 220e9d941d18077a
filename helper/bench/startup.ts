// How soon a recording shows something: execve of the command line to the first sample, and to the first named frame in
// the file, with an empty symbol cache (cold) and a filled one (warm).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WORKLOADS } from './paths';
import { start } from './processes';
import { startRecording } from './recorder';

export interface StartupFigures {
  firstSampleMs: number[];
  firstSymbolWarmMs: number[];
  firstSymbolColdMs: number[];
}

export async function measureStartup(runs: number): Promise<StartupFigures> {
  const target = await start([`${WORKLOADS}/hot-rust`, '600'], 0);
  const figures: StartupFigures = { firstSampleMs: [], firstSymbolWarmMs: [], firstSymbolColdMs: [] };
  try {
    for (let run = 0; run < runs; run++) {
      const cache = mkdtempSync(join(tmpdir(), 'ebpf-bench-cache-'));
      for (const list of [figures.firstSymbolColdMs, figures.firstSymbolWarmMs]) {
        const recording = startRecording({
          args: ['--pid', String(target.pid)],
          environment: { XDG_CACHE_HOME: cache },
        });
        list.push(await recording.until('sixty'));
        const summary = await recording.stop();
        if (summary.helper.firstSampleMs !== null) figures.firstSampleMs.push(summary.helper.firstSampleMs);
      }
      rmSync(cache, { recursive: true, force: true });
    }
  } finally {
    await target.stop();
  }
  return figures;
}
