// For `make benchmark`: how long after the click that stops a recording (60 s x 99 Hz x 8 threads) its final flame graph is
// painted, in the real workbench. Prints milliseconds as a JSON array. From the mouse event's own time (before it,
// Playwright waits for the button to stand still) to when the page says that it has painted, which the extension writes
// into its log. Run by helper/bench/main.ts as a program of its own.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WORKLOADS } from './paths';
import { Product } from './product';
import type { Workbench } from './workbench';

const RUNS = 3;
const RECORDED_MS = 60_000;
/** No further painting for so long: the last one was the final one. */
const QUIET_MS = 3_000;

/** Times at which a recording was painted, epoch ms, from the extension's log. */
function paintedTimes(dataDir: string): number[] {
  const logs = join(dataDir, 'data/logs');
  const files = readdirSync(logs, { recursive: true, encoding: 'utf8' }).filter((name) => /ebpf.*\.log$/i.test(name));
  return files
    .flatMap((name) => readFileSync(join(logs, name), 'utf8').split('\n'))
    .flatMap((line) => {
      const match = /painted \d+ samples in \d+ ms at (\S+)/.exec(line);
      return match ? [new Date(match[1]).getTime()] : [];
    });
}

/** When the workbench was clicked, epoch ms. */
function nextClick({ page }: Workbench): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        // Runs in the page; the tests' own types know no DOM.
        const { addEventListener } = globalThis as unknown as Pick<EventTarget, 'addEventListener'>;
        const onClick = (event: Event) => resolve(performance.timeOrigin + event.timeStamp);
        addEventListener('click', onClick, { capture: true, once: true });
      }),
  );
}

async function measureOnce(product: Product): Promise<number> {
  const { workbench, server } = product;
  const target = spawn(join(WORKLOADS, 'threads'), ['8', '120'], { stdio: 'ignore' });
  try {
    await product.profile(target.pid as number);
    await product.waitUntilRecording();
    await workbench.page.waitForTimeout(RECORDED_MS);
    const clicked = nextClick(workbench);
    await product.recordingItem.first().click();
    const clickedMs = await clicked;
    await product.recordingItem.first().waitFor({ state: 'hidden', timeout: 60_000 });
    await workbench.eventually('nothing is painted any more', async () => {
      const last = paintedTimes(server.dataDir).at(-1) ?? 0;
      return last > clickedMs && Date.now() - last > QUIET_MS;
    });
    return (paintedTimes(server.dataDir).at(-1) as number) - clickedMs;
  } finally {
    target.kill('SIGTERM');
  }
}

async function main() {
  const missing = Product.missing();
  if (missing !== null) throw new Error(missing);
  const product = await Product.open('paint', undefined, 'debug');
  const times: number[] = [];
  try {
    for (let run = 0; run < RUNS; run++) times.push(await measureOnce(product));
  } finally {
    await product.close();
  }
  console.log(JSON.stringify(times));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
