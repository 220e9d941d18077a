// What the product says in notifications and in place of the flame graph, and what it does not say: in a server without the
// driver for tests, which would hide every notification.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeRecording } from '../fakes/makeRecording';
import { Product } from './product';

describe('what the product says', function () {
  this.timeout(180_000);
  let product: Product;
  let failed = 0;
  const libc = makeRecording({ file: 'malloc/malloc.c', samples: 100 });

  before(async function () {
    const missing = Product.missing();
    if (missing !== null) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    product = await Product.open('notices');
    writeFileSync(file('bad.speedscope.json'), '{"shared":{}}');
    libc.ebpfTracer.cwd = product.workspace.folder;
    writeFileSync(file('libc.speedscope.json'), JSON.stringify(libc));
    // The explorer may not have noticed them.
    await product.workbench.reload();
  });
  after(async () => {
    await product?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await product.workbench.screenshot(`notices-failed-${++failed}`);
    await product.workbench.clearNotifications();
    await product.workbench.runCommand('View: Close All Editors');
  });

  /**
   * A freshly started VS Code does not know the extension's editor yet, and opens recordings as text; its list of recent files
   * would open them as text for ever, the explorer does not.
   */
  const openRecording = ({ workbench }: Product, name: string) =>
    workbench.eventually(
      `${name} is open in the recording editor`,
      async () => {
        await workbench.page.locator('.explorer-folders-view .monaco-list-row', { hasText: name }).dblclick();
        const page = workbench.page.locator('iframe.webview.ready').last();
        const shown = await page.waitFor({ state: 'attached', timeout: 5_000 }).then(
          () => true,
          () => false,
        );
        if (!shown) await workbench.runCommand('View: Close All Editors');
        return shown;
      },
      90_000,
    );
  const file = (name: string) => join(product.workspace.folder, name);

  it('says once, in the place of the graph, what is wrong with a file', async () => {
    const { workbench } = product;
    await openRecording(product, 'bad.speedscope.json');
    const text =
      "bad.speedscope.json is not a recording of this tracer: it has no frames and profiles in speedscope's format. Open";
    const said = workbench.webview().getByText(text);
    await said.first().waitFor({ timeout: 60_000 });
    assert.equal(await said.count(), 1);
    assert.deepEqual(await workbench.complaints(), []);
    await workbench.screenshot('notices-bad-file');
  });

  it('makes no link of a source that is not here, and says so when it is asked for all the same', async () => {
    const { workbench } = product;
    await openRecording(product, 'libc.speedscope.json');
    const row = product.functionRow(libc.shared.frames[0].name).first();
    await row.locator('span.source', { hasText: 'malloc.c' }).waitFor();
    assert.equal(await workbench.webview().locator('#functions a.source').count(), 0);
    assert.deepEqual(await workbench.complaints(), []);
    await row.dblclick();
    await workbench.notification('The source file malloc/malloc.c is not on this machine.').waitFor();
    await workbench.screenshot('notices-missing-source');
    assert.deepEqual(await workbench.complaints(), ['The source file malloc/malloc.c is not on this machine.']);
  });

  it('says where an export went', async function () {
    const { workbench } = product;
    if (process.getuid?.() !== 0) {
      console.log('      skipped: recording something to export needs root');
      this.skip();
    }
    const program = await product.startProgram(60);
    await product.profile(program.pid);
    await product.waitUntilRecording();
    await product.waitForFlameGraph();
    await product.stop();
    await program.stop();
    await workbench.runCommand('Focus on Recordings View');
    await workbench.page.locator('[role=treeitem]', { hasText: 'hot' }).last().click({ button: 'right' });
    // A menu that has just opened takes no click yet, so that nobody chooses by accident.
    const entry = workbench.page.getByRole('menuitem', { name: 'Export…' });
    const format = workbench.row('folded');
    await workbench.eventually('the format is asked for', async () => {
      if (await entry.isVisible()) await entry.click();
      return format.waitFor({ timeout: 2_000 }).then(
        () => true,
        () => false,
      );
    });
    await format.click();
    const field = workbench.quickInput;
    await workbench.eventually('the file is asked for', async () => (await field.inputValue()).endsWith('.folded'));
    const output = file('exported.folded');
    await field.fill(output);
    await workbench.page.keyboard.press('Enter');
    await workbench.notification(`Exported to ${output}`).waitFor();
    assert.match(readFileSync(output, 'utf8'), /work_sixty/);
    assert.deepEqual(await workbench.complaints(), []);
    await workbench.screenshot('notices-exported');
  });
});
