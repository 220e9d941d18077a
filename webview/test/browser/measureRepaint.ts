// For `make benchmark`: how long the page of a recording of 47,520 samples of 8 threads takes from a dragged range, a search and the
// My Code switch to its next painted frame, in Chromium. Prints milliseconds by action as JSON. Run by helper/bench/main.ts as a program
// of its own.

import { fixtureRecording } from '../fixtureRecording';
import { missingBrowser, TestBrowser, type TestPage } from './testPage';

const RUNS = 7;
const SIZE = { threads: 8, samplesPerThread: 5_940, extraFunctions: 3_000, times: true };
const ACTIONS = ['range', 'search', 'myCode'] as const;

/** From just before the action until what it shows is on the screen: the page marks when all of it is in place. */
async function measure({ page }: TestPage, action: (typeof ACTIONS)[number], run: number): Promise<number> {
  return page.evaluate(
    async ([what, round]) => {
      const marks = () => performance.getEntriesByName('shown').length;
      const before = marks();
      const began = performance.now();
      if (what === 'range') {
        // As a drag does: a range from a quarter on, longer each time.
        const strip = document.querySelector('.strip') as HTMLElement;
        const { left, top, width } = strip.getBoundingClientRect();
        strip.setPointerCapture = () => undefined;
        const at = (type: string, part: number) =>
          strip.dispatchEvent(
            new PointerEvent(type, { pointerId: 1, clientX: left + 110 + (width - 110) * part, clientY: top + 9 }),
          );
        at('pointerdown', 0.25);
        at('pointermove', 0.5 + round / 20);
        at('pointerup', 0.5 + round / 20);
      } else if (what === 'search') {
        const field = document.querySelector('input[type=search].filter') as HTMLInputElement;
        field.value = `function${round}`;
        field.dispatchEvent(new Event('input'));
      } else (document.querySelector('.chip.mine') as HTMLElement).click();
      while (marks() === before) await new Promise((resolve) => setTimeout(resolve, 1));
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return performance.now() - began;
    },
    [action, run] as const,
  );
}

async function main() {
  const missing = missingBrowser();
  if (missing !== null) throw new Error(missing);
  const browser = await TestBrowser.start();
  const times: Record<string, number[]> = {};
  try {
    const page = await browser.open();
    await page.load(fixtureRecording(SIZE));
    for (const action of ACTIONS) {
      times[action] = [];
      for (let run = 0; run < RUNS; run++) times[action].push(await measure(page, action, run));
    }
  } finally {
    await browser.stop();
  }
  console.log(JSON.stringify(times));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
