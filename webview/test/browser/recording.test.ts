// The page in a real Chromium, with the stock speedscope and a stand-in for VS Code: what a user sees and does, and what
// the extension hears of it. Screenshots of every theme go to .artifacts/webview.
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert';
import { buildStackTree, type CallNode, callees } from '../../src/stackTree';
import { F, fixtureRecording } from '../fixtureRecording';
import { suiteBrowser } from './suiteBrowser';
import type { TestPage } from './testPage';

describe('recording page in Chromium', function () {
  this.timeout(120_000);
  const browser = suiteBrowser();
  const { open } = browser;
  const grid = (page: TestPage, id: 'functions' | 'calltree') => page.page.locator(`#${id}`);
  const row = (page: TestPage, id: 'functions' | 'calltree', text: string) =>
    grid(page, id).locator('.grid-body [role=row]', { hasText: text }).first();
  const bar = (page: TestPage) => page.page.locator('footer.selection');

  /**
   * Where the box of a call is in the left-heavy graph: siblings stand heaviest first, rows are 20 px high below the
   * overview and its axis.
   */
  const placeOf = async (page: TestPage, path: number[], recording = fixtureRecording(), profile = 0) => {
    const { samples: stacks, weights } = recording.profiles[profile];
    const tree = buildStackTree({ stacks, weights });
    let before = 0;
    let node: CallNode | null = null;
    for (const frame of path)
      for (const sibling of callees(tree, node)) {
        if (sibling.frame === frame) {
          node = sibling;
          break;
        }
        before += sibling.total;
      }
    ok(node);
    const box = (await page.page.locator('#panel-graph').boundingBox())!;
    return {
      x: box.x + (box.width * (before + node.total / 2)) / tree.totalWeight,
      y: box.y + 133 + 20 * (path.length - 1),
    };
  };
  /** speedscope looks at what is under the mouse when it moves, and may have drawn anew since: moved until it shows. */
  const pointAt = async (page: TestPage, x: number, y: number, tooltip: string) => {
    const shown = page.page.locator('#speedscope', { hasText: tooltip });
    for (const deadline = Date.now() + 30_000; ; ) {
      await page.page.mouse.move(x - 1, y);
      await page.page.mouse.move(x, y);
      const seen = await shown.waitFor({ timeout: 500 }).then(
        () => true,
        () => false,
      );
      if (seen) return;
      ok(Date.now() < deadline, `no tooltip ${tooltip}`);
    }
  };
  /** Moves the mouse onto a call and waits for speedscope's tooltip. */
  const hover = async (page: TestPage, path: number[], tooltip: string) => {
    const { x, y } = await placeOf(page, path);
    await pointAt(page, x, y, tooltip);
    return { x, y };
  };
  /** Colour on the screen as `r,g,b`. */
  const colourAt = async (page: TestPage, x: number, y: number): Promise<string> => {
    const png = await page.page.screenshot({ clip: { x: Math.round(x), y: Math.round(y), width: 1, height: 1 } });
    return page.page.evaluate(async (base64) => {
      const image = new Image();
      image.src = `data:image/png;base64,${base64}`;
      await image.decode();
      const context = document.createElement('canvas').getContext('2d')!;
      context.drawImage(image, 0, 0);
      return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)].join();
    }, png.toString('base64'));
  };
  const PARSE = [F.start, F.run, F.handle, F.parse];

  it('loads and paints a recording without a complaint', async () => {
    const page = await open();
    const painted = await page.load(fixtureRecording());
    strictEqual(painted.samples, 908);
    match(await page.page.locator('.summary').innerText(), /908 samples.*99 Hz.*0 lost/s);
    deepStrictEqual(browser.consoleErrors, []);
    // The graph is really drawn: a box has another colour than the background, and than its neighbour.
    const colours = [];
    for (const path of [[F.start], [F.start, F.run]]) {
      const { x, y } = await placeOf(page, path);
      colours.push(await colourAt(page, x, y));
    }
    const box = (await page.page.locator('#panel-graph').boundingBox())!;
    colours.push(await colourAt(page, box.x + 50, box.y + 500));
    strictEqual(new Set(colours).size, 3, colours.join(' '));
    await page.screenshot('dark');
  });

  it('shows the numbers of the recording in the tables', async () => {
    const page = await open();
    const recording = fixtureRecording();
    await page.load(recording);
    const samples = recording.profiles[0].samples;
    const self = samples.filter((stack) => stack.at(-1) === F.price).length / samples.length;
    const total = samples.filter((stack) => stack.includes(F.price)).length / samples.length;
    const cells = await row(page, 'functions', 'Cart::price').locator('[role=gridcell] .value').allInnerTexts();
    deepStrictEqual(cells, [`${(self * 100).toFixed(1)}\u00a0%`, `${(total * 100).toFixed(1)}\u00a0%`]);
    const hover = await row(page, 'functions', 'Cart::price').locator('[role=gridcell]').nth(1).getAttribute('title');
    match(hover ?? '', new RegExp(`of ${samples.length} samples.*95 % confidence`, 's'));
  });

  it('sorts by a column, filters, and tells screen readers', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    const header = (name: string) => grid(page, 'functions').getByRole('columnheader', { name });
    strictEqual(await header('Self').getAttribute('aria-sort'), 'descending');
    await header('Function').getByRole('button').focus();
    await page.page.keyboard.press('Enter');
    strictEqual(await header('Function').getAttribute('aria-sort'), 'ascending');
    strictEqual(await header('Self').getAttribute('aria-sort'), null);
    match((await grid(page, 'functions').locator('.grid-body [role=row]').first().textContent()) ?? '', /Cart::price/);
    await grid(page, 'functions').focus();
    await page.page.keyboard.press('Control+f');
    await page.page.keyboard.type('kernel');
    strictEqual(await grid(page, 'functions').locator('.grid-body [role=row]').count(), 4);
    strictEqual(await grid(page, 'functions').getAttribute('aria-rowcount'), '5');
    strictEqual(await page.page.locator('#panel-functions .count').innerText(), '4 of 17 functions');
  });

  it('shows the source link of a clicked frame; the link opens it', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    const at = await hover(page, PARSE, 'json/parse.cpp:120');
    await page.page.mouse.click(at.x, at.y);
    await bar(page).getByText('json::parse(std::string_view)').waitFor();
    await bar(page).getByRole('link', { name: 'parse.cpp:120' }).click();
    deepStrictEqual(await page.received('openSource'), { type: 'openSource', frame: F.parse, line: 120, beside: true });
  });

  it('shows the full name in the tooltip, also after another load', async () => {
    const page = await open();
    const recording = fixtureRecording();
    recording.ebpfTracer.frameDetails[F.parse].fullName =
      'json::parse<json::Lazy>(std::string_view, json::Options const&)';
    await page.load(recording);
    await hover(page, PARSE, 'json::parse<json::Lazy>(std::string_view, json::Options const&)');
    await hover(page, PARSE, '/home/dev/shop/src/json/parse.cpp:120');
    await hover(page, [F.start, F.run, F.handle], 'Server::handle(Request const&)');
    recording.ebpfTracer.frameDetails[F.parse].fullName = 'json::parse<json::Eager>()';
    await page.load(recording);
    await hover(page, PARSE, 'json::parse<json::Eager>()');
  });

  it('opens a frame by ctrl-click, telling two functions of one name apart', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    const calls: [number[], string][] = [
      [[F.start, F.run, F.handle, F.price, F.helperCart], 'helper/home/dev/shop/src/cart.cpp:12'],
      [[...PARSE, F.parseValue, F.parseValue, F.helperJson], 'helper/home/dev/shop/src/json/parse.cpp:12'],
    ];
    for (const [index, [path, tooltip]] of calls.entries()) {
      const at = await hover(page, path, tooltip);
      await page.page.keyboard.down('Control');
      await page.page.mouse.click(at.x, at.y);
      await page.page.keyboard.up('Control');
      deepStrictEqual(await page.received('openSource', index), {
        type: 'openSource',
        frame: path.at(-1),
        // The hottest of its lines, not the one where it begins.
        line: 15,
        beside: true,
      });
    }
  });

  it('opens a row of the sandwich view, and has no panel of speedscope’s below the graph', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    const at = await hover(page, PARSE, 'json/parse.cpp:120');
    await page.page.mouse.click(at.x, at.y);
    await bar(page).getByText('json::parse(std::string_view)').waitFor();
    strictEqual(await page.page.locator('#speedscope').getByText('(/home/dev/shop/src/worker.cpp:31)').count(), 0);
    await page.page.getByRole('button', { name: 'Sandwich' }).click();
    await page.page.locator('#speedscope tr', { hasText: 'malloc' }).click({ modifiers: ['Control'] });
    strictEqual((await page.received('openSource')).frame, F.malloc);
    await bar(page).getByText('malloc', { exact: true }).waitFor();
    await page.screenshot('dark-sandwich');
  });

  it('works by keyboard alone in both tables', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    await grid(page, 'functions').focus();
    await page.page.keyboard.press('ArrowDown');
    await page.page.keyboard.press('ArrowDown');
    await page.page.keyboard.press('Enter');
    strictEqual((await page.received('openSource')).frame, F.price);
    strictEqual(
      await page.page.evaluate(
        () =>
          document.getElementById(document.activeElement?.getAttribute('aria-activedescendant') ?? '')?.ariaSelected,
      ),
      'true',
    );

    await page.page.getByRole('tab', { name: 'Hot Functions' }).press('ArrowRight');
    await grid(page, 'calltree').focus();
    await page.page.keyboard.press('Home');
    const level = () => grid(page, 'calltree').locator('.selected').getAttribute('aria-level');
    const expanded = () => grid(page, 'calltree').locator('.selected').getAttribute('aria-expanded');
    deepStrictEqual([await level(), await expanded()], ['1', 'true']);
    await page.page.keyboard.press('ArrowLeft');
    strictEqual(await expanded(), 'false');
    await page.page.keyboard.press('ArrowRight');
    await page.page.keyboard.press('ArrowRight');
    deepStrictEqual([await level(), await expanded()], ['2', 'true']);
    await page.page.keyboard.press('Enter');
    strictEqual((await page.received('openSource', 1)).frame, F.run);
    await page.page.getByRole('button', { name: 'Bottom-up' }).click();
    await row(page, 'calltree', 'json::parseValue').click();
    await page.page.keyboard.press('ArrowRight');
    match((await grid(page, 'calltree').textContent()) ?? '', /json::parse\(std::string_view\)/);
    await page.screenshot('dark-bottom-up');
  });

  it('leaves VS Code its keys', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    const downloads: string[] = [];
    page.page.on('download', (download) => downloads.push(download.suggestedFilename()));
    const choosers: unknown[] = [];
    page.page.on('filechooser', (chooser) => choosers.push(chooser));
    const box = (await page.page.locator('#panel-graph').boundingBox())!;
    await page.page.mouse.click(box.x + 300, box.y + 400);
    const pressed = ['Control+s', 'Control+o', 'Control+p', 'Control+Shift+P', 'F1', 'Control+v'];
    for (const key of pressed) await page.page.keyboard.press(key);
    await page.page.evaluate(() =>
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: new DataTransfer(), bubbles: true })),
    );
    const seen = (await page.page.evaluate(() => window.fakeHost.keys)).filter((key) => !/Control$|Shift$/.test(key));
    deepStrictEqual(seen, ['Ctrl+s', 'Ctrl+o', 'Ctrl+p', 'Ctrl+Shift+P', 'F1', 'Ctrl+v']);
    deepStrictEqual([downloads, choosers], [[], []]);
    match(await page.page.locator('.summary').innerText(), /908 samples/);
    strictEqual((await page.messages('error')).length, 0);

    // Typing in the search does not steer the graph, which has none of its own; commands are left alone.
    await page.page.getByRole('searchbox').fill('');
    await page.page.getByRole('searchbox').press('n');
    strictEqual(
      await page.page.locator('select.threads').evaluate((select: HTMLSelectElement) => select.selectedIndex),
      0,
    );
    await page.page.getByRole('searchbox').press('Escape');
    await page.page.mouse.click(box.x + 300, box.y + 400);
    await page.page.keyboard.press('Control+f');
    await page.page.locator('input:focus').waitFor();
    strictEqual(await page.page.locator('#speedscope input').count(), 0);
    await page.page.keyboard.type('pars');
    await page.page.keyboard.press('Control+s');
    ok((await page.page.evaluate(() => window.fakeHost.keys)).filter((key) => key === 'Ctrl+s').length === 2);
    deepStrictEqual(downloads, []);
  });

  it('switches view and thread by keys in the graph, and by the toolbar', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    const box = (await page.page.locator('#panel-graph').boundingBox())!;
    await page.page.mouse.click(box.x + 300, box.y + 400);
    const pressed = page.page.locator('.toolbar button[aria-pressed=true]');
    const threads = page.page.locator('select.threads');
    await page.page.keyboard.press('1');
    await page.page.locator('button[aria-pressed=true]', { hasText: 'Time Order' }).waitFor();
    await page.screenshot('dark-time-order');
    await page.page.keyboard.press('n');
    await page.page.waitForFunction(() => document.querySelector<HTMLSelectElement>('.threads')?.selectedIndex === 1);
    await threads.selectOption({ index: 2 });
    await page.page.waitForFunction(() =>
      (window.fakeHost.state as { profile: string }).profile.startsWith('worker-1'),
    );
    strictEqual(await pressed.innerText(), 'Time Order');
  });

  it('reloads in place: view, thread, zoom, selection, sort and filter stay', async () => {
    const page = await open();
    const small = fixtureRecording({ samplesPerThread: 200, complete: false });
    await page.load(small, true);
    ok(await page.page.locator('.live-dot').isVisible());
    await page.page.locator('select.threads').selectOption({ index: 2 });
    await page.page.waitForFunction(() =>
      (window.fakeHost.state as { profile: string }).profile.startsWith('worker-1'),
    );
    const at = await placeOf(page, PARSE, small, 2);
    await pointAt(page, at.x, at.y, 'json/parse.cpp:120');
    await page.page.mouse.dblclick(at.x, at.y);
    await page.page.getByRole('searchbox').fill('json');
    await page.page.mouse.move(at.x, at.y);
    // The view must not flash: speedscope's canvases stay the same elements throughout.
    await page.page.evaluate(() => {
      for (const canvas of document.querySelectorAll('#speedscope canvas')) canvas.setAttribute('data-kept', '');
    });
    await page.screenshot('dark-live');
    const grown = fixtureRecording({ samplesPerThread: 600, complete: false });
    // Threads come in another order, frames in another table.
    grown.profiles = [grown.profiles[0], grown.profiles[2], grown.profiles[1], grown.profiles[3]];
    await page.load(grown, true);
    strictEqual(await page.page.locator('#speedscope canvas:not([data-kept])').count(), 0);
    strictEqual(
      await page.page.locator('select.threads').evaluate((select: HTMLSelectElement) => select.selectedIndex),
      1,
    );
    strictEqual(await page.page.getByRole('searchbox').inputValue(), 'json');
    await bar(page).getByText('json::parse(std::string_view)').waitFor();
    // Still zoomed: one box fills the pane, so both of its ends show it. It is another call's: the heaviest comes first.
    const box = (await page.page.locator('#panel-graph').boundingBox())!;
    for (const x of [box.x + 20, box.x + box.width - 20]) await pointAt(page, x, at.y - 20, 'cart.cpp:52');
    await page.load(fixtureRecording({ samplesPerThread: 700 }), false);
    ok(!(await page.page.locator('.live-dot').isVisible()));
  });

  it('lets a newer version pass: only that is painted', async () => {
    const page = await open();
    const texts = [300, 400].map((samplesPerThread) => JSON.stringify(fixtureRecording({ samplesPerThread })));
    await page.page.evaluate(([first, second]) => {
      window.postMessage({ type: 'load', name: 'a', text: first, live: true }, '*');
      window.postMessage({ type: 'load', name: 'a', text: second, live: false }, '*');
    }, texts);
    const painted = await page.received('painted');
    strictEqual(painted.live, false);
    strictEqual(painted.samples, JSON.parse(texts[1]).ebpfTracer.metrics[0].samples);
    strictEqual((await page.messages('painted')).length, 1);
  });

  it('remembers the view when the page is made anew', async () => {
    const page = await open({
      state: { tab: 'tree', graphMode: 'sandwich', profile: 'worker-2 (4713)', splitPercent: 40 },
    });
    await page.load(fixtureRecording());
    strictEqual(await page.page.getByRole('tab', { name: 'Call Tree' }).getAttribute('aria-selected'), 'true');
    strictEqual(await page.page.locator('.toolbar button[aria-pressed=true]').innerText(), 'Sandwich');
    strictEqual(
      await page.page.locator('select.threads').evaluate((select: HTMLSelectElement) => select.selectedIndex),
      3,
    );
    strictEqual(
      await page.page.getByRole('separator', { name: 'Width of the flame graph' }).getAttribute('aria-valuenow'),
      '40',
    );
  });

  it('follows the theme, also when it changes', async () => {
    const page = await open({ theme: 'light' });
    await page.load(fixtureRecording());
    const at = await hover(page, PARSE, 'json/parse.cpp:120');
    await page.page.mouse.click(at.x, at.y);
    const background = async () => {
      const box = (await page.page.locator('#panel-graph').boundingBox())!;
      return colourAt(page, box.x + 50, box.y + 400);
    };
    const becomes = async (colour: string) => {
      const deadline = Date.now() + 10_000;
      while ((await background()) !== colour) ok(Date.now() < deadline, `${await background()}, not ${colour}`);
    };
    await becomes('255,255,255');
    await page.screenshot('light');
    await page.page.getByRole('tab', { name: 'Call Tree' }).click();
    await page.screenshot('light-call-tree');
    await page.setTheme('dark');
    await becomes('31,31,31');
    await page.setTheme('highContrast');
    await becomes('0,0,0');
    await page.screenshot('high-contrast');
    await page.setTheme('light');
    await becomes('255,255,255');
    deepStrictEqual(browser.consoleErrors, []);
  });

  it('passes alerts and unreadable files on to the extension, in words', async () => {
    const page = await open();
    await page.page.evaluate(() => window.alert('speedscope says something'));
    deepStrictEqual(await page.received('error'), { type: 'error', text: 'speedscope says something' });
    await page.send({ type: 'load', name: 'broken.speedscope.json', text: '{"shared":', live: false });
    match((await page.received('error', 1)).text, /broken\.speedscope\.json is not a recording/);
    await page.page.locator('.notice', { hasText: 'is not a recording' }).waitFor();
    // What the extension finds wrong with a file stands there as well, and nowhere else.
    const text = 'a.speedscope.json is not a recording of this tracer: it has no list of frames.';
    await page.send({ type: 'status', severity: 'error', text });
    await page.page.locator('.notice', { hasText: 'it has no list of frames.' }).waitFor();
    strictEqual(await page.page.getByText('it has no list of frames').count(), 1);
    // A good file afterwards is shown.
    await page.load(fixtureRecording());
    ok(!(await page.page.locator('.notice').isVisible()));
  });

  it('works without WebGL, but for the graph, and says so', async () => {
    const before = browser.consoleErrors.length;
    const page = await open({ webgl: false });
    await page.load(fixtureRecording());
    await page.page.locator('.notice', { hasText: 'needs WebGL' }).waitFor();
    match(await row(page, 'functions', 'malloc').innerText(), /malloc/);
    browser.consoleErrors.splice(before);
  });

  it('says why a recording is empty', async () => {
    const page = await open();
    const recording = fixtureRecording({ samplesPerThread: 0 });
    recording.ebpfTracer.errors = [
      { code: 'NOTHING_RECORDED_IDLE', message: 'No samples: the process was idle.', fix: 'Give it work.' },
    ];
    await page.load(recording);
    await page.page.locator('.notice', { hasText: 'No samples: the process was idle. Give it work.' }).waitFor();
  });

  it('shows files of other programs, sampled and evented', async () => {
    const page = await open();
    const other = { ...fixtureRecording(), ebpfTracer: undefined };
    await page.load(other);
    match(await page.page.locator('.summary').innerText(), /Written by another program/);
    ok((await grid(page, 'functions').locator('.grid-body [role=row]').count()) > 5);
    const evented = {
      $schema: other.$schema,
      shared: { frames: [{ name: 'main' }, { name: 'work', file: 'a.js', line: 3 }] },
      profiles: [
        {
          type: 'evented',
          name: 'thread',
          unit: 'milliseconds',
          startValue: 0,
          endValue: 10,
          events: [
            { type: 'O', frame: 0, at: 0 },
            { type: 'O', frame: 1, at: 2 },
            { type: 'C', frame: 1, at: 8 },
            { type: 'C', frame: 0, at: 10 },
          ],
        },
      ],
    };
    await page.load(JSON.stringify(evented));
    match(await row(page, 'functions', 'work').innerText(), /60\.0/);
  });

  it('does not make links of sources that are not on this machine', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    await row(page, 'functions', 'malloc').locator('a.source').waitFor();
    await page.send({ type: 'missingSources', files: ['./malloc/malloc.c', './nptl/pthread_create.c'] });
    await row(page, 'functions', 'malloc').locator('span.source', { hasText: 'malloc.c' }).waitFor();
    strictEqual(await row(page, 'functions', 'malloc').locator('a').count(), 0);
    await row(page, 'functions', 'Cart::price').locator('a.source').waitFor();
    // Selected: the line below has no link.
    await hover(page, [F.start], 'pthread_create.c:447');
    await page.page.mouse.down();
    await page.page.mouse.up();
    await bar(page).locator('span.source', { hasText: 'pthread_create.c' }).waitFor();
    strictEqual(await bar(page).locator('a').count(), 0);
    await page.screenshot('dark-missing-sources');
    // Found after all, by a folder that the user named.
    await page.send({ type: 'missingSources', files: [] });
    await bar(page).locator('a', { hasText: 'pthread_create.c' }).waitFor();
  });

  it('opens a row by a double click', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    await row(page, 'functions', 'malloc').locator('.name').dblclick();
    strictEqual((await page.received('openSource')).frame, F.malloc);
  });

  it('opens the first row by Down and Enter from the filter', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    await row(page, 'functions', 'malloc').click();
    await page.page.getByRole('searchbox').fill('parse');
    await page.page.keyboard.press('ArrowDown');
    const selected = grid(page, 'functions').locator('.selected');
    strictEqual(await selected.getAttribute('data-index'), '0');
    const name = await selected.locator('.name').textContent();
    await page.page.keyboard.press('Enter');
    const { frame } = await page.received('openSource');
    strictEqual(fixtureRecording().shared.frames[frame].name, name);
  });

  it('lets nothing show through the head of a table, whatever the theme', async () => {
    const page = await open();
    await page.load(fixtureRecording({ threads: 2, samplesPerThread: 2_000, extraFunctions: 500 }));
    for (const theme of ['dark', 'light', 'highContrast'] as const) {
      await page.setTheme(theme);
      const head = grid(page, 'functions').locator('.grid-head');
      const clip = (await head.boundingBox())!;
      const picture = async (scrollTop: number) => {
        await grid(page, 'functions').evaluate((one, top) => one.scrollTo(0, top), scrollTop);
        await page.page.evaluate(
          () => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))),
        );
        return page.page.screenshot({ clip });
      };
      const before = await picture(0);
      ok(before.equals(await picture(307)), theme);
      if (theme !== 'highContrast') await page.screenshot(`${theme}-scrolled`);
    }
  });

  it('cuts no sentence of the status line off', async () => {
    const page = await open({ width: 640, height: 600 });
    await page.load(fixtureRecording());
    const text =
      '38 % of the stacks are not whole: build with -fno-omit-frame-pointer to see all callers, or keep .eh_frame when stripping.';
    await page.send({ type: 'status', severity: 'warning', text });
    const message = page.page.locator('.message', { hasText: '38 %' });
    await message.waitFor();
    for (const width of [1400, 640, 330]) {
      await page.page.setViewportSize({ width, height: 600 });
      for (const part of [message, page.page.locator('.summary')]) {
        const cut = await part.evaluate(
          (one) =>
            one.scrollWidth > one.clientWidth + 1 ||
            one.scrollHeight > one.clientHeight + 1 ||
            one.getBoundingClientRect().right > document.documentElement.clientWidth,
        );
        ok(!cut, `${width} px wide: ${await part.innerText()}`);
      }
      ok(await page.page.getByRole('button', { name: 'Details' }).isVisible());
      await page.screenshot(`dark-status-${width}`);
    }
    // The graph has what the line leaves it.
    const bottom = await page.page.locator('.status').evaluate((one) => one.getBoundingClientRect().bottom);
    ok((await page.page.locator('.toolbar').boundingBox())!.y >= bottom);
  });

  it('shows status and details', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    await page.send({
      type: 'status',
      severity: 'warning',
      text: 'cart.cpp is newer than the binary: its lines may have moved.',
    });
    await page.page.locator('.message.warning', { hasText: 'cart.cpp is newer' }).waitFor();
    await page.page.getByRole('button', { name: 'Details' }).click();
    const details = page.page.locator('.details');
    for (const text of ['cart.cpp is newer', '/opt/vendor/libblob.so', 'perf_event cpu-clock', '6.18.0'])
      ok((await details.innerText()).includes(text), text);
    await page.screenshot('dark-details');
    await page.page.keyboard.press('Escape');
    ok(!(await details.isVisible()));
  });

  it('selects what the extension asks for, in graph and table', async () => {
    const page = await open();
    await page.load(fixtureRecording());
    await page.send({ type: 'select', frame: F.malloc });
    await bar(page).getByText('malloc', { exact: true }).waitFor();
    match(await grid(page, 'functions').locator('.selected').innerText(), /malloc/);
    // Right after a load, as the extension does when it opens the editor for a function.
    const text = JSON.stringify(fixtureRecording({ samplesPerThread: 500 }));
    await page.send({ type: 'load', name: 'shopd.speedscope.json', text, live: false });
    await page.send({ type: 'select', frame: F.unicode });
    await bar(page).getByText('größe.cpp').waitFor();
  });

  it('gives a narrow window one view at a time, a wide one both', async () => {
    const page = await open({ width: 640, height: 600 });
    await page.load(fixtureRecording());
    const visible = () =>
      page.page.evaluate(() =>
        ['graph', 'functions', 'tree'].filter((tab) => document.getElementById(`panel-${tab}`)?.offsetWidth),
      );
    deepStrictEqual(await visible(), ['graph']);
    await page.screenshot('dark-narrow-graph');
    await page.page.getByRole('tab', { name: 'Hot Functions' }).click();
    deepStrictEqual(await visible(), ['functions']);
    await page.screenshot('dark-narrow-functions');
    await page.page.setViewportSize({ width: 1300, height: 600 });
    await page.page.waitForFunction(() => document.getElementById('panel-graph')?.offsetWidth);
    deepStrictEqual(await visible(), ['graph', 'functions']);
    // Narrow again, as by a source opened beside it: what was chosen there.
    await page.page.setViewportSize({ width: 640, height: 600 });
    await page.page.waitForFunction(() => !document.getElementById('panel-graph')?.offsetWidth);
    await page.page.getByRole('tab', { name: 'Flame Graph' }).click();
    await page.page.setViewportSize({ width: 1300, height: 600 });
    await page.page.waitForFunction(() => document.getElementById('panel-functions')?.offsetWidth);
    deepStrictEqual(await visible(), ['graph', 'functions']);
    // The splitter works by keyboard, and the whole graph stays in view.
    await page.page.getByRole('separator', { name: 'Width of the flame graph' }).focus();
    for (let i = 0; i < 5; i++) await page.page.keyboard.press('ArrowLeft');
    strictEqual(
      await page.page.getByRole('separator', { name: 'Width of the flame graph' }).getAttribute('aria-valuenow'),
      '45',
    );
    await hover(page, [F.start], 'pthread_create.c:447');
  });

  it('stays quick with 10,000 functions: only rows in sight are in the document', async () => {
    const page = await open();
    await page.load(fixtureRecording({ threads: 2, samplesPerThread: 20_000, extraFunctions: 10_000 }));
    const rows = await grid(page, 'functions').locator('.grid-body [role=row]').count();
    ok(rows > 20 && rows < 80, `${rows} rows`);
    await grid(page, 'functions').focus();
    await page.page.keyboard.press('End');
    const count = Number(await grid(page, 'functions').getAttribute('aria-rowcount'));
    strictEqual(await grid(page, 'functions').locator('.selected').getAttribute('aria-rowindex'), String(count));
  });
});
