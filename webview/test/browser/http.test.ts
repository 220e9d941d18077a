// The tab of HTTP requests in the real page: tables, details, the trace of a request, and what is copied and opened, by mouse and keyboard.
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert';
import { httpAlone, httpSection, withHttp } from '../httpRecording';
import { suiteBrowser } from './suiteBrowser';
import type { TestPage } from './testPage';

describe('HTTP requests in Chromium', function () {
  this.timeout(120_000);
  const browser = suiteBrowser();

  const open = async (page: TestPage, recording = withHttp()) => {
    await page.load(recording);
    await page.page.getByRole('tab', { name: 'HTTP Requests' }).click();
  };
  const texts = (page: TestPage, grid: string) =>
    page.page
      .locator(`#${grid} .grid-body [role=row]`)
      .evaluateAll((rows) =>
        rows.map((row) => [...row.children].map((cell) => (cell.textContent ?? '').replaceAll('\u00a0', ' '))),
      );
  const list = (page: TestPage, name: string) => page.page.locator('.http-view .segments button', { hasText: name });

  it('shows routes with their figures, and what they leave out', async () => {
    const page = await browser.open({ width: 1900 });
    await open(page);
    const rows = await texts(page, 'http-routes');
    deepStrictEqual(
      rows.map(([method, route, count]) => [method, route, count]),
      [
        ['GET', '/users/:id', '1,204'],
        ['POST', '/orders', '300'],
        ['GET', '/<img src=x onerror=alert(1)>\\u202e', '1'],
      ],
    );
    const notes = await page.page.locator('.http-notes').innerText();
    match(notes, /Not counted: 3 that began before the tracer was attached; something new: 2\. 4 single requests/);
    match(await page.page.locator('.summary').innerText(), /samples.*1,504 requests/s);
    await page.screenshot('http-routes');
    deepStrictEqual(browser.consoleErrors, []);
  });

  it('sorts by a column, filters by a word, and remembers both', async () => {
    const page = await browser.open();
    await open(page);
    await page.page.locator('#http-routes').getByRole('button', { name: 'p50' }).click();
    strictEqual((await texts(page, 'http-routes'))[0][1], '/orders');
    await page.page.locator('.http-view .filter').fill('users 404');
    deepStrictEqual(
      (await texts(page, 'http-routes')).map(([, route]) => route),
      ['/users/:id'],
    );
    await page.load(withHttp(), true);
    strictEqual((await texts(page, 'http-routes')).length, 1);
    const state = (await page.page.evaluate(() => window.fakeHost.state)) as Record<string, unknown>;
    strictEqual(state.httpFilter, 'users 404');
  });

  it('tells of a chosen route its latencies and who answers it, and opens the line by Enter', async () => {
    const page = await browser.open({ width: 1900 });
    await open(page);
    await page.page.locator('#http-routes').focus();
    await page.page.keyboard.press('ArrowDown');
    const details = page.page.locator('.http-details');
    await details.getByRole('heading', { name: 'GET /users/:id' }).waitFor();
    const text = await details.innerText();
    match(text, /Server::handle server\.cpp:88 85 % sure · on the stack of 41 of 44 answers/);
    const bars = await details.locator('.histogram li').allInnerTexts();
    match(bars.join('|').replaceAll('\u00a0', ' ').replaceAll('\n', ' '), /up to 5\.00 ms\s+900\|up to 10 ms\s+200/);
    await page.page.keyboard.press('Enter');
    deepStrictEqual(await page.received('openFile'), {
      type: 'openFile',
      file: '/home/dev/shop/src/server.cpp',
      line: 88,
      beside: true,
    });
    await page.screenshot('http-route');
    await details.getByRole('button', { name: '4 Single Requests' }).click();
    strictEqual((await texts(page, 'http-spans')).length, 4);
  });

  it('shows the trace of a request, copies it for curl, and stays where traces go round', async () => {
    const page = await browser.open({ width: 1900 });
    await open(page);
    await list(page, 'Slowest').click();
    await page.page.locator('#http-spans').focus();
    await page.page.keyboard.press('ArrowDown');
    const trace = await texts(page, 'http-trace');
    deepStrictEqual(
      trace.map(([name]) => name),
      ['GET /users/:id?token=…', '→ GET /prices', '→ GET /prices'],
    );
    deepStrictEqual(
      await page.page
        .locator('#http-trace [role=row][aria-level]')
        .evaluateAll((rows) => rows.map((row) => row.getAttribute('aria-level'))),
      ['1', '2', '2'],
    );
    await page.page.getByRole('button', { name: 'Copy as curl' }).click();
    const { text } = await page.received('copy');
    match(
      text,
      /^# Ids and values were left out.*\ncurl --request 'GET' --header 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' --globoff 'http:\/\/127\.0\.0\.1:8080\/users\/:id\?token=…'$/,
    );
    await page.screenshot('http-trace');
    await page.page.locator('.http-view .filter').fill('/users');
    for (const key of ['End', 'Home']) {
      await page.page.locator('#http-spans').focus();
      await page.page.keyboard.press(key);
      ok((await texts(page, 'http-trace')).length > 0);
    }
    deepStrictEqual(browser.consoleErrors, []);
  });

  it('shows what ran during a request, and everything again', async () => {
    const page = await browser.open({ width: 1900 });
    await open(page);
    const total = () => page.page.locator('#functions .grid-body [role=row]').count();
    await list(page, 'Slowest').click();
    await page.page.locator('#http-spans').focus();
    await page.page.keyboard.press('Home');
    await page.page.getByRole('button', { name: 'Flame Graph' }).click();
    const chip = page.page.getByRole('button', { name: 'During GET /users/:id' });
    await chip.waitFor();
    await page.screenshot('http-moments');
    await page.page.getByRole('tab', { name: 'Hot Functions' }).click();
    const during = await total();
    await chip.click();
    await chip.waitFor({ state: 'detached' });
    await page.page.waitForFunction(
      (before) => document.querySelectorAll('#functions .grid-body [role=row]').length > before,
      during,
    );
    deepStrictEqual(browser.consoleErrors, []);
  });

  it('lists what failed', async () => {
    const page = await browser.open({ width: 1900 });
    await open(page);
    await list(page, 'Errors').click();
    await page.page.locator('#http-errors [role=row]', { hasText: '503' }).waitFor();
    deepStrictEqual(
      (await texts(page, 'http-errors')).map(([, , status]) => status),
      ['503', 'no answer'],
    );
  });

  it('stands alone where HTTP alone was traced', async () => {
    const page = await browser.open();
    await page.load(httpAlone());
    deepStrictEqual(await page.page.locator('[role=tab]:visible').allInnerTexts(), ['HTTP Requests']);
    strictEqual((await texts(page, 'http-routes')).length, 3);
    const summary = await page.page.locator('.summary').innerText();
    ok(!/samples/.test(summary), summary);
    await page.screenshot('http-alone');
  });

  it('brings the route that the editor asked for into sight', async () => {
    const page = await browser.open();
    await page.load(withHttp());
    await page.send({
      type: 'showItem',
      view: 'http',
      key: ['server', 'POST', '/orders', 'HTTP/1.1', false].join('\n'),
    });
    await page.page.locator('.http-details').getByRole('heading', { name: 'POST /orders' }).waitFor();
    strictEqual(await page.page.locator('#http-routes [aria-selected=true]').count(), 1);
  });

  it('says what is wrong with a section that is not whole, and shows nothing of it', async () => {
    const page = await browser.open();
    for (const section of [
      [],
      7,
      null,
      'x',
      {},
      { ...httpSection(), routes: [{ count: -1 }] },
      { ...httpSection(), exemplars: { length: 1e9 } },
    ]) {
      await open(page, withHttp(undefined, section));
      match(
        await page.page.locator('.http-empty').innerText(),
        /^The HTTP part of this recording is not whole: .{4,80}\.$/,
      );
    }
    deepStrictEqual(browser.consoleErrors, []);
  });

  it('is readable in light, dark and high contrast, and at 700 px', async () => {
    const page = await browser.open();
    await open(page);
    for (const [name, key] of [
      ['Routes', 'ArrowDown'],
      ['Slowest', 'Home'],
    ]) {
      await page.page.setViewportSize({ width: 1400, height: 800 });
      await list(page, name).click();
      await page.page.locator('.http-view .grid:visible').first().focus();
      await page.page.keyboard.press(key);
      for (const [theme, width] of [
        ['light', 1400],
        ['highContrast', 1400],
        ['dark', 700],
      ] as const) {
        await page.setTheme(theme);
        await page.page.setViewportSize({ width, height: 800 });
        // A page that became narrow shows the graph first.
        await page.page.getByRole('tab', { name: 'HTTP Requests' }).click();
        await page.screenshot(`http-${name}-${theme}-${width}`);
        // Nothing of the bar or the details is wider than the page.
        const wide = page.page.locator('.http-view .table-bar, .http-details');
        strictEqual(
          await wide.evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length),
          0,
        );
      }
    }
  });
});
