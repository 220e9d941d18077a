// Names in graph and tables: what a narrow column keeps, and columns that stay as they were dragged.
import { ok, strictEqual } from 'node:assert';
import { F, fixtureRecording } from '../fixtureRecording';
import { suiteBrowser } from './suiteBrowser';
import type { TestPage } from './testPage';

const LONG = 'nlohmann::json_abi_v3_11_2::detail::lexer<nlohmann::basic_json<std::map, std::vector>, int>::scan_number';

describe('names in Chromium', function () {
  this.timeout(120_000);
  const browser = suiteBrowser();
  const { open } = browser;
  const named = () => {
    const recording = fixtureRecording();
    recording.shared.frames[F.parseValue].name = LONG;
    recording.shared.frames[F.price].name = 'shop::cart::Cart::price (inlined)';
    recording.ebpfTracer.frameDetails[F.price].inlined = true;
    return recording;
  };
  const rowOf = (page: TestPage, text: string) =>
    page.page.locator('#functions .grid-body [role=row]', { hasText: text }).first();
  const columnWidth = async (page: TestPage) =>
    (await page.page.locator('#functions [role=columnheader]').first().boundingBox())!.width;

  it('come first and keep their last component, whatever the room', async () => {
    for (const width of [1400, 700]) {
      const page = await open({ width, state: { narrowTab: 'functions' } });
      await page.load(named());
      const name = rowOf(page, 'scan_number').locator('.name');
      const whole = await name.locator('.last').evaluate((one) => one.scrollWidth <= one.clientWidth);
      ok(whole, `cut off at ${width} px`);
      const first = await rowOf(page, 'scan_number').locator('[role=gridcell]').first().innerText();
      ok(first.includes('scan_number'), first);
      ok((await columnWidth(page)) >= 160);
      await page.screenshot(`names-${width}`);
    }
  });

  it('have a mark where they were inlined, and say it', async () => {
    const page = await open();
    await page.load(named());
    const name = rowOf(page, 'price').locator('.name');
    strictEqual((await name.innerText()).replaceAll('\n', ''), '↳shop::cart::Cart::price');
    ok(/Inlined into its caller/.test((await name.getAttribute('title')) ?? ''));
    strictEqual(await name.getByLabel('inlined').count(), 1);
  });

  it('get more room by mouse and keyboard, and keep it', async () => {
    const page = await open();
    await page.load(named());
    const handle = page.page.locator('#functions [role=columnheader]').first().getByRole('separator');
    const before = await columnWidth(page);
    await handle.focus();
    await page.page.keyboard.press('ArrowRight');
    strictEqual(Math.round(await columnWidth(page)), Math.round(before) + 10);
    const box = (await handle.boundingBox())!;
    await page.page.mouse.move(box.x + 3, box.y + 5);
    await page.page.mouse.down();
    await page.page.mouse.move(box.x + 103, box.y + 5, { steps: 4 });
    await page.page.mouse.up();
    const wide = await columnWidth(page);
    ok(wide > before + 80, `${wide}`);
    const state = (await page.page.evaluate(() => window.fakeHost.state)) as object;
    const later = await open({ state });
    await later.load(named());
    strictEqual(Math.round(await columnWidth(later)), Math.round(wide));
    await later.page.locator('#functions [role=columnheader]').first().getByRole('separator').dblclick();
    strictEqual(Math.round(await columnWidth(later)), Math.round(before));
  });

  it('scroll below a head that nothing shines through', async () => {
    for (const theme of ['dark', 'light', 'highContrast', 'highContrastLight'] as const) {
      const page = await open({ theme, height: 420 });
      await page.load(fixtureRecording({ extraFunctions: 200 }));
      await page.page.locator('#functions').evaluate((grid) => grid.scrollTo(0, 333));
      await page.screenshot(`names-scrolled-${theme}`);
      const background = await page.page
        .locator('#functions .grid-head')
        .evaluate((head) => getComputedStyle(head).backgroundColor);
      ok(/^rgb\(/.test(background), `${theme}: ${background}`);
    }
  });
});
