// What of a recording is shown, in Chromium: the user's own code, a range of time, chosen threads, what a search finds, and the verbs
// of a function. Graph and tables say the same, and the extension hears what the editors are to show.
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert';
import { F, fixtureRecording } from '../fixtureRecording';
import { suiteBrowser } from './suiteBrowser';
import type { TestPage } from './testPage';

describe('a part of a recording in Chromium', function () {
  this.timeout(120_000);
  const browser = suiteBrowser();
  const { open } = browser;
  const recording = fixtureRecording({ times: true });
  const rows = (page: TestPage) => page.page.locator('#functions .grid-body [role=row]');
  const row = (page: TestPage, text: string) =>
    page.page.locator('#functions .grid-body [role=row]', { hasText: text }).first();
  const names = async (page: TestPage) =>
    (await rows(page).locator('.name').allInnerTexts()).map((one) => one.replaceAll('\n', ''));
  const selfOf = (page: TestPage, text: string) => row(page, text).locator('.value').first().innerText();
  const opened = async (options: Parameters<typeof open>[0] = {}) => {
    const page = await open(options);
    await page.load(recording);
    return page;
  };
  const total = recording.profiles[0].samples.length;
  const percent = (count: number, of = total) => `${((count / of) * 100).toFixed(1)}\u00a0%`;

  it('is the user’s own code at a click, with libraries and kernel in those that called them', async () => {
    const page = await opened();
    await page.page.getByRole('button', { name: 'My Code' }).click();
    await row(page, 'price').waitFor();
    await page.page.waitForFunction(() => !document.body.innerText.includes('tcp_sendmsg'));
    const isOwn = (frame: number) => ![F.start, F.new, F.malloc, F.crypto, 12, 13, 14, 15].includes(frame);
    const handle = recording.profiles[0].samples.filter(
      (stack) => stack.filter((frame) => isOwn(frame)).at(-1) === F.handle,
    );
    strictEqual(await selfOf(page, 'Server::handle'), percent(handle.length));
    ok(!(await names(page)).includes('malloc'));
    const { fold, range } = await page.received('part');
    deepStrictEqual([fold.origins, range], [['library', 'runtime', 'kernel'], null]);
    await row(page, 'Server::handle').click();
    await page.screenshot('mycode-dark');
    // What was folded into it is shown on demand.
    await page.page.locator('footer').getByRole('button', { name: '[kernel]' }).click();
    await row(page, 'tcp_sendmsg').waitFor();
    await page.page.getByRole('button', { name: '[kernel] shown' }).click();
    await row(page, 'tcp_sendmsg').waitFor({ state: 'detached' });
    await page.page.getByRole('button', { name: 'My Code' }).click();
    await row(page, 'malloc').waitFor();
  });

  it('is a range of time, by mouse and by keyboard, and stays so', async () => {
    const page = await opened();
    const strip = page.page.getByRole('slider', { name: 'Range of time' });
    const box = (await strip.boundingBox())!;
    const xOf = (part: number) => box.x + 110 + (box.width - 110) * part;
    await page.page.mouse.move(xOf(0.25), box.y + 10);
    await page.page.mouse.down();
    await page.page.mouse.move(xOf(0.4), box.y + 10, { steps: 3 });
    await page.page.mouse.move(xOf(0.5), box.y + 10, { steps: 3 });
    await page.page.mouse.up();
    const chip = page.page.getByRole('button', { name: /Show all of the time/ });
    match(await chip.innerText(), /^1\.0.–2\.0.\u00a0s/);
    const { range } = (await page.messages('part')).at(-1)!;
    let at = 0;
    const stacks = recording.profiles[0].samples.filter((_, i) => {
      at += recording.ebpfTracer.metrics[0].timeline!.afterUs[i];
      return at / 1000 >= range!.fromMs && at / 1000 < range!.toMs;
    });
    const price = stacks.filter((stack) => stack.at(-1) === F.price).length;
    await page.page.waitForFunction((text) => document.body.innerText.includes(text), percent(price, stacks.length));
    await page.screenshot('range-dark');
    const state = (await page.page.evaluate(() => window.fakeHost.state)) as { range: unknown };
    deepStrictEqual(state.range, range);
    await strip.focus();
    await page.page.keyboard.press('ArrowRight');
    const moved = (await page.messages('part')).at(-1)!.range!;
    ok(moved.fromMs > range!.fromMs && moved.toMs - moved.fromMs - (range!.toMs - range!.fromMs) < 1e-6);
    match((await strip.getAttribute('aria-valuetext')) ?? '', /of the recording/);
    await page.page.keyboard.press('Escape');
    await chip.waitFor({ state: 'detached' });
    strictEqual((await page.messages('part')).at(-1)!.range, null);
    const later = await open({ state });
    await later.load(recording);
    strictEqual(await later.page.getByRole('button', { name: /Show all of the time/ }).count(), 1);
    deepStrictEqual((await later.messages('part')).at(-1)?.range, range);
  });

  it('is of several threads at once', async () => {
    const page = await opened();
    await page.page.getByRole('button', { name: 'All 3 threads' }).click();
    await page.page.getByRole('button', { name: 'Open' }).click();
    await page.page.getByRole('checkbox', { name: 'worker-1' }).check();
    await page.page.getByRole('checkbox', { name: 'worker-2' }).check();
    await page.screenshot('threads-dark');
    await page.page.keyboard.press('Escape');
    await page.page.getByRole('button', { name: '2 of 3 threads' }).waitFor();
    const stacks = [...recording.profiles[2].samples, ...recording.profiles[3].samples];
    const price = stacks.filter((stack) => stack.at(-1) === F.price).length;
    await page.page.waitForFunction((text) => document.body.innerText.includes(text), percent(price, stacks.length));
    strictEqual(await selfOf(page, 'price'), percent(price, stacks.length));
  });

  it('lights what a search finds, and says how much it is', async () => {
    const page = await opened();
    await page.page.locator('#functions').focus();
    await page.page.keyboard.press('Control+f');
    await page.page.keyboard.type('cart');
    const found = recording.profiles[0].samples.filter(
      (stack) => stack.includes(F.price) || stack.includes(F.helperCart),
    ).length;
    strictEqual(await page.page.locator('.found').innerText(), `${percent(found)} in 2 functions`);
    deepStrictEqual(await names(page), ['Cart::price() const', 'helper']);
    await page.screenshot('search-dark');
    await page.page.getByRole('tab', { name: 'Call Tree' }).click();
    const tree = (await page.page.locator('#calltree .name').allInnerTexts()).join(' ');
    ok(/price/.test(tree) && !/parseValue/.test(tree), tree);
    await page.page.getByRole('searchbox').press('Escape');
    strictEqual(await page.page.locator('.found').innerText(), '');
  });

  it('offers the verbs of a function by mouse, menu key and keys', async () => {
    const page = await opened();
    await row(page, 'price').click({ button: 'right' });
    const menu = page.page.getByRole('menu', { name: 'Cart::price() const' });
    const items = (await menu.getByRole('menuitem').locator('span:first-child').allInnerTexts()).join(', ');
    strictEqual(items, 'Go to Source, Show Callers, Focus, Hide shopd, Only This Thread, Copy Name, Copy Stack');
    await page.screenshot('menu-dark');
    await page.page.keyboard.press('End');
    await page.page.keyboard.press('Enter');
    deepStrictEqual(
      (await page.received('copy')).text,
      ['start_thread', 'Worker::run()', 'Server::handle(Request const&)', 'Cart::price() const'].join('\n'),
    );
    await page.page.locator('#functions').press('Control+c');
    strictEqual((await page.received('copy', 1)).text, 'Cart::price() const');
    await page.page.locator('#functions').press('f');
    await page.page.getByRole('button', { name: /^Focus: Cart::price/ }).waitFor();
    await row(page, 'json::parse(').waitFor({ state: 'detached' });
    strictEqual(await row(page, 'price').locator('.value').nth(1).innerText(), '100\u00a0%');
    await page.page.locator('#functions').press('f');
    await row(page, 'json::parse(').waitFor();
    await row(page, 'malloc').click();
    await page.page.locator('#functions').press('h');
    await row(page, 'malloc').waitFor({ state: 'detached' });
    await page.page.getByRole('button', { name: /^libc.so.6 hidden/ }).click();
    await row(page, 'malloc').click();
    await page.page.locator('#functions').press('c');
    await page.page.locator('#calltree .grid-body [role=row]', { hasText: 'operator new' }).waitFor();
    deepStrictEqual(browser.consoleErrors, []);
  });

  it('is told apart in every theme and where it is narrow', async () => {
    for (const theme of ['light', 'highContrast', 'highContrastLight'] as const) {
      const page = await opened({ theme, state: { range: { fromMs: 800, toMs: 2_600 }, filter: 'helper' } });
      await page.page.getByRole('button', { name: 'My Code' }).click();
      await page.screenshot(`part-${theme}`);
    }
    const page = await opened({ width: 700, state: { range: { fromMs: 800, toMs: 2_600 }, filter: 'helper' } });
    await page.page.getByRole('button', { name: 'My Code' }).click();
    await row(page, 'malloc').waitFor({ state: 'detached' });
    const wider = await page.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    ok(!wider);
    await page.screenshot('part-700');
  });
});
