// The product's main line in the real workbench, by somebody who is privileged already: palette, picker, recording, flame
// graph, a click on a frame, the source's line with its bar and CodeLens.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOT_FUNCTION_LINES, HOT_LINE, Product } from './product';
import type { RunningProgram } from './workspace';

describe('profile a running process', function () {
  this.timeout(180_000);
  let product: Product;
  let program: RunningProgram | undefined;

  before(async function () {
    const missing = Product.missing() ?? (process.getuid?.() === 0 ? null : 'this test runs the server as root');
    if (missing !== null) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    product = await Product.open('profile');
    program = await product.startProgram(170);
  });
  after(async () => {
    await program?.stop();
    await product?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await product.workbench.screenshot('profile-failed');
  });

  it('records the pid typed into the picker and shows time and samples', async () => {
    await product.profile(program?.pid as number);
    await product.waitUntilRecording();
    await product.workbench.screenshot('profile-recording');
  });

  it('shows the flame graph while it records, and after it was stopped', async () => {
    await product.waitForFlameGraph();
    await product.workbench.screenshot('profile-live');
    await product.stop();
    await product.waitForFlameGraph();
    assert.deepEqual(await product.workbench.complaints(), []);
    await product.workbench.screenshot('profile-stopped');
  });

  it('opens the line of a clicked frame', async () => {
    const { workbench } = product;
    await product.clickFrame('work_sixty');
    await product.selectionLink('hot.c').click();
    await workbench.editor('hot.c').first().waitFor();
    const line = await workbench.eventually('the cursor stands in work_sixty', async () => {
      const at = await workbench.cursorLine();
      return at >= HOT_FUNCTION_LINES[0] && at <= HOT_FUNCTION_LINES[1] && at;
    });
    assert.ok(line >= HOT_FUNCTION_LINES[0] && line <= HOT_FUNCTION_LINES[1]);
    assert.deepEqual(await workbench.complaints(), []);
  });

  it('marks the hot line and the function above it', async () => {
    const { workbench } = product;
    const editor = workbench.editor('hot.c').first();
    const lens = editor.locator('.codelens-decoration', { hasText: /self .*total .*samples/ });
    await lens.first().waitFor();
    // work_sixty's is the one with the largest share of its own.
    const figures = (await lens.allTextContents()).map((text) =>
      text
        .replaceAll(',', '')
        .match(/\d+(\.\d+)?/g)!
        .map(Number),
    );
    const [, totalPercent, samples] = figures.sort((a, b) => b[0] - a[0])[0];
    const total = totalPercent / 100;
    // However short the recording was: five standard deviations of so many samples.
    const allowed = 5 * Math.sqrt((0.6 * 0.4) / (samples / total));
    assert.ok(Math.abs(total - 0.6) <= allowed, `${totalPercent} % with ${samples} samples`);
    const percentOf = (mark: string | null) => Number(/([\d.]+)\s%/.exec(mark ?? '')?.[1] ?? 0);
    const marked = await workbench.eventually('the hot line carries its percent', () =>
      workbench.lineMark('hot.c', HOT_LINE),
    );
    // The loop's head, the line before, has the rest of the function's share, on some machines most of it.
    const head = await workbench.lineMark('hot.c', HOT_LINE - 1);
    const percent = percentOf(marked) + percentOf(head);
    assert.ok(
      percent >= 0.5 * totalPercent && percent <= totalPercent + 1,
      `${marked} and ${head} of ${totalPercent} %`,
    );
    await workbench.screenshot('profile-source');
  });

  it('lights the hot line of a function that was inlined twice into an optimized C++ program', async function () {
    const { workbench, workspace } = product;
    if (workspace.inlined === null) {
      console.log('      skipped: there is no C++ compiler on this machine');
      return this.skip();
    }
    const source = readFileSync(join(workspace.folder, 'inlined.cpp'), 'utf8').split('\n');
    const mixedLine = source.findIndex((line) => line.includes('// MIXED_LINE')) + 1;
    // Side by side with what is open the page would be too narrow for its table.
    await workbench.runCommand('View: Close All Editors');
    await program?.stop();
    program = await product.startProgram(120, undefined, workspace.inlined);
    await product.profile(program.pid);
    await product.waitUntilRecording();
    await product.waitForFlameGraph('Grid::mixed');
    await product.stop();
    await product.waitForFlameGraph('Grid::mixed');
    await product.clickFrame('Grid::mixed');
    await workbench.screenshot('inlined-graph');
    await product.selectionLink('inlined.cpp').click();
    const editor = workbench.editor('inlined.cpp').first();
    await editor.waitFor();
    const marked = await workbench.eventually('the inlined line carries its percent', () =>
      workbench.lineMark('inlined.cpp', mixedLine),
    );
    const percent = Number(/([\d.]+)\s%/.exec(marked)?.[1]);
    assert.ok(percent >= 60, marked);
    // Functions without code of their own have their figures, too.
    const lenses = editor.locator('.codelens-decoration', { hasText: /self .*total .*samples/ });
    await workbench.eventually('three functions have a CodeLens', async () => (await lenses.count()) >= 3 || null);
    await workbench.screenshot('inlined-source');
  });
});
