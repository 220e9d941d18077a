// The table of goroutines in a real Chromium: there for Go programs only, by mouse, keyboard and screen reader.
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert';
import { fixtureRecording } from '../fixtureRecording';
import { G, goRecording } from '../goRecording';
import { suiteBrowser } from './suiteBrowser';
import type { TestPage } from './testPage';

describe('goroutines in Chromium', function () {
  this.timeout(120_000);
  const browser = suiteBrowser();
  const { open } = browser;
  const grid = (page: TestPage) => page.page.locator('#goroutines');
  const tab = (page: TestPage) => page.page.getByRole('tab', { name: 'Goroutines' });
  const ids = (page: TestPage) => grid(page).locator('.grid-body [role=gridcell]:first-child').allTextContents();

  it('shows the busiest with share, error, samples and functions', async () => {
    const page = await open();
    await page.load(goRecording());
    await tab(page).click();
    deepStrictEqual(await ids(page), ['8', '17', '1', '33']);
    const cells = grid(page).locator('.grid-body [role=row]').first().locator('[role=gridcell]');
    // The columns that the width has room for come with the next frame.
    await cells.nth(4).waitFor();
    // Wilson's interval for 90 of 200: 38.3 to 51.9 %.
    deepStrictEqual(
      (await cells.allTextContents()).map((text) => text.replace(/\s+/g, ' ')),
      ['8', '45.0 %', '90', 'main.sorter', 'slices.partitionOrdered[go.shape.int]'],
    );
    match((await cells.nth(1).getAttribute('title')) ?? '', /90 of 200 samples.*between 38\.3.% and 51\.9.%/s);
    match((await cells.nth(4).locator('.name').getAttribute('title')) ?? '', /zsortordered\.go:137\n80 of 90 samples/);
    strictEqual(
      await page.page.locator('#panel-goroutines .about').innerText(),
      'All threads · other goroutines 12.5\u00a0% · no goroutine 7.5\u00a0%',
    );
    strictEqual(await page.page.locator('#panel-goroutines .count').innerText(), '4 of 24 goroutines');
    await page.screenshot('dark-goroutines');
    deepStrictEqual(browser.consoleErrors, []);
  });

  it('works by keyboard alone', async () => {
    const page = await open();
    await page.load(goRecording());
    await page.page.getByRole('tab', { name: 'Hot Functions' }).press('ArrowRight');
    await page.page.getByRole('tab', { name: 'Call Tree' }).press('ArrowRight');
    strictEqual(await tab(page).getAttribute('aria-selected'), 'true');
    strictEqual(await page.page.getByRole('tabpanel', { name: 'Goroutines' }).count(), 1);
    strictEqual(await page.page.getByRole('grid', { name: 'Goroutines' }).getAttribute('aria-rowcount'), '5');
    await grid(page).focus();
    await page.page.keyboard.press('ArrowDown');
    await page.page.locator('footer.selection').getByText('slices.partitionOrdered[go.shape.int]').waitFor();
    await page.page.keyboard.press('Enter');
    deepStrictEqual(await page.received('openSource'), {
      type: 'openSource',
      frame: G.partition,
      line: 137,
      beside: true,
    });
    const header = (name: string) => grid(page).getByRole('columnheader', { name, exact: true });
    await header('Goroutine').getByRole('button').focus();
    await page.page.keyboard.press('Enter');
    strictEqual(await header('Goroutine').getAttribute('aria-sort'), 'ascending');
    strictEqual(await header('Share').getAttribute('aria-sort'), null);
    deepStrictEqual(await ids(page), ['1', '8', '17', '33']);
    // The selected row is still the same goroutine.
    strictEqual(await grid(page).locator('.selected [role=gridcell]').first().innerText(), '8');
  });

  it('is not there for other languages, also where it was chosen before', async () => {
    const page = await open({ state: { tab: 'goroutines' } });
    await page.load(fixtureRecording());
    ok(!(await tab(page).isVisible()));
    ok(await page.page.locator('#panel-functions').isVisible());
    await page.load(goRecording());
    strictEqual(await tab(page).getAttribute('aria-selected'), 'true');
    deepStrictEqual(await ids(page), ['8', '17', '1', '33']);
    await page.load(fixtureRecording());
    // The arrow keys pass it by.
    await page.page.getByRole('tab', { name: 'Hot Functions' }).press('ArrowRight');
    await page.page.getByRole('tab', { name: 'Call Tree' }).press('ArrowRight');
    strictEqual(await page.page.getByRole('tab', { name: 'Flame Graph' }).getAttribute('aria-selected'), 'true');
  });

  it('comes back where it was chosen, in a narrow page as well', async () => {
    const page = await open({ width: 640, height: 500, state: { narrowTab: 'goroutines' }, theme: 'light' });
    await page.load(goRecording({ processes: 2 }));
    deepStrictEqual(await ids(page), ['4711/8', '4712/17', '4711/1', '4711/33']);
    await page.screenshot('light-narrow-goroutines');
  });
});
