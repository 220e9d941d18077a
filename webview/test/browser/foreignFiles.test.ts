// Files of other programs in a real Chromium: stock speedscope's own reader, on the page, gives every frame of every profile the same
// weights; the profiles are chosen by keyboard; events that do not fit each other are shown with a warning.
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseRecording } from '../../src/load';
import { buildStackTree, functionWeights } from '../../src/stackTree';
import { fixtureRecording } from '../fixtureRecording';
import { suiteBrowser } from './suiteBrowser';
import type { TestPage } from './testPage';

const NAMES = ['main', 'serve', 'render', 'query'];
const sampled = (name: string, unit: string, samples: number[][], weights: number[]) => ({
  ...{ type: 'sampled', name, unit, startValue: 0, endValue: weights.reduce((sum, weight) => sum + weight, 0) },
  samples,
  weights,
});
const evented = (
  name: string,
  unit: string,
  startValue: number,
  endValue: number,
  events: [string, number, number][],
) => ({
  ...{ type: 'evented', name, unit, startValue, endValue },
  events: events.map(([type, frame, at]) => ({ type, frame, at })),
});
const fileOf = (...profiles: object[]) =>
  JSON.stringify({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    shared: { frames: NAMES.map((name) => ({ name })) },
    profiles,
    activeProfileIndex: 1,
  });

const GOOD = fileOf(
  sampled(
    'Thread 1',
    'seconds',
    [
      [0, 1, 2],
      [0, 1],
      [0, 1, 0, 2],
      [0, 1, 2],
    ],
    [0.01, 0.25, 0.5, 0.01],
  ),
  sampled('numbers', 'none', [[0], [0, 3], [3]], [7, 0.5, 3]),
  sampled(
    'heap',
    'bytes',
    [
      [0, 3],
      [0, 2],
    ],
    [4096, 123_456_789],
  ),
  // Gaps, frames of no length, recursion, an end behind the last event.
  evented('events', 'milliseconds', 5, 120, [
    ...([
      ['O', 0, 10],
      ['O', 1, 10],
      ['O', 1, 15],
      ['C', 1, 40],
      ['O', 2, 40],
      ['C', 2, 40],
      ['C', 1, 60],
      ['C', 0, 70],
    ] as [string, number, number][]),
    ...([
      ['O', 3, 90],
      ['C', 3, 100],
    ] as [string, number, number][]),
  ]),
);

interface Weights {
  name: string;
  self: Record<string, number>;
  total: Record<string, number>;
}

/** As stock speedscope's importer has them, called as its own page does; our own hooks do not see it. */
function stockWeights(page: TestPage, text: string, name = 'x.speedscope.json'): Promise<Weights[]> {
  const given: [string, string] = [text, name];
  return page.page.evaluate(async ([file, path]) => {
    // biome-ignore lint/suspicious/noExplicitAny: Preact's tree, as src/speedscope.ts describes it.
    type Any = any;
    const find = (node: Any): Any => {
      const component = node?.__c;
      if (component && 'loadProfile' in component) return component;
      for (const child of node?.__k ?? []) {
        const found = find(child);
        if (found) return found;
      }
      return null;
    };
    const app = find({ __k: [(document.body.lastElementChild as Any).__k].flat() });
    return await new Promise<Weights[]>((resolve, reject) => {
      app.loadProfile = async (importer: () => Promise<Any>) => {
        try {
          const group = await importer();
          resolve(
            group.profiles.map((profile: Any) => {
              const weights = { name: profile.getName(), self: {}, total: {} } as Weights;
              profile.forEachFrame((frame: Any) => {
                // It lists frames of no length, too.
                if (frame.getTotalWeight() === 0) return;
                weights.self[frame.name] = frame.getSelfWeight();
                weights.total[frame.name] = frame.getTotalWeight();
              });
              return weights;
            }),
          );
        } catch (error) {
          reject(error);
        }
      };
      window.speedscope?.loadFileFromBase64(path, btoa(file));
    });
  }, given);
}

function ourWeights(text: string): Weights[] {
  const { frames, profiles } = parseRecording(text, 'x');
  return profiles.map((profile) => {
    const { self, total } = functionWeights(buildStackTree(profile), frames.length);
    const weights: Weights = { name: profile.name, self: {}, total: {} };
    frames.forEach(({ name }, i) => {
      if (total[i] === 0) return;
      weights.self[name] = self[i];
      weights.total[name] = total[i];
    });
    return weights;
  });
}

const rounded = (all: Weights[]) =>
  JSON.parse(JSON.stringify(all), (_, value) => (typeof value === 'number' ? Math.round(value * 1e6) / 1e6 : value));

describe("other programs' files in Chromium", function () {
  this.timeout(120_000);
  const browser = suiteBrowser();
  const { open } = browser;
  const choice = (page: TestPage) => page.page.getByRole('combobox', { name: 'Profile' });

  it('have the weights that stock speedscope gives them', async () => {
    const page = await open();
    const stock = rounded(await stockWeights(page, GOOD));
    strictEqual(stock.length, 4);
    ok(Object.keys(stock[0].total).length === 3);
    deepStrictEqual(rounded(ourWeights(GOOD)), stock);
  });

  it('that we write as .cpuprofile have the same weights there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-cpuprofile-'));
    try {
      const path = join(folder, 'x.speedscope.json');
      const recording = JSON.stringify(fixtureRecording());
      writeFileSync(path, recording);
      const text = execFileSync(process.execPath, [resolve('dist/cli.js'), 'export', path, '--format', 'cpuprofile']);
      const ascii = text
        .toString()
        .trim()
        .replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
      const [stock] = await stockWeights(await open(), ascii, 'x.cpuprofile');
      // Of a function called and inlined that format makes one; the last sample has no time there.
      const periodUs = (fixtureRecording().ebpfTracer.metrics[0].period ?? 0) / 1e3;
      const [{ self }] = ourWeights(recording);
      const ours: Record<string, number> = {};
      for (const [name, weight] of Object.entries(self))
        if (weight > 0)
          ours[name.replace(/ \(inlined\)$/, '')] = (ours[name.replace(/ \(inlined\)$/, '')] ?? 0) + weight / 1e3;
      const theirs = Object.fromEntries(Object.entries(stock.self).filter(([, weight]) => weight > 0));
      deepStrictEqual(Object.keys(theirs).sort(), Object.keys(ours).sort());
      for (const [name, weight] of Object.entries(ours))
        ok(Math.abs(theirs[name] - weight) <= periodUs + 10, `${name}: ${theirs[name]}, not ${weight}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('show the profile that they name, and the others by keyboard', async () => {
    const page = await open();
    await page.load(GOOD);
    deepStrictEqual(await choice(page).locator('option').allTextContents(), ['Thread 1', 'numbers', 'heap', 'events']);
    strictEqual(await choice(page).evaluate((select: HTMLSelectElement) => select.selectedIndex), 1);
    await choice(page).focus();
    await page.page.keyboard.press('ArrowDown');
    const rows = page.page.locator('#panel-functions .grid-body [role=row]');
    await rows.filter({ hasText: 'render' }).waitFor();
    match((await rows.first().textContent()) ?? '', /render/);
    const cell = rows.first().locator('[title*=" of "]').first();
    match((await cell.getAttribute('title')) ?? '', /^123\.5.MB of 123\.5.MB$/);
    strictEqual(await page.page.locator('[role=columnheader]:visible', { hasText: '±' }).count(), 0);
    strictEqual(await page.page.getByRole('tab', { name: 'Goroutines' }).count(), 0);
    deepStrictEqual(browser.consoleErrors, []);
  });

  it('are shown with a warning where their events do not fit each other', async () => {
    const page = await open();
    await page.load(
      fileOf(
        sampled('a', 'none', [], []),
        evented('b', 'seconds', 0, 9, [
          ['O', 0, 0],
          ['C', 2, 3],
        ]),
      ),
    );
    const warning = page.page.locator('.summary .warning');
    strictEqual(await warning.textContent(), '2 events do not fit each other');
    strictEqual(await page.page.locator('#panel-functions .grid-body [role=row]').count(), 1);
  });
});
