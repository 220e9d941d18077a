// "Record a Command…" and "Check This Machine" in the real workbench.
import assert from 'node:assert/strict';
import { Product } from './product';

describe('record a command, check the machine', function () {
  this.timeout(180_000);
  let product: Product;

  before(async function () {
    const missing = Product.missing() ?? (process.getuid?.() === 0 ? null : 'this test runs the server as root');
    if (missing !== null) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    product = await Product.open('command');
  });
  after(async () => {
    await product?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await product.workbench.screenshot('command-failed');
  });

  it('starts the command in a terminal, records it to its end and shows it', async () => {
    const { workbench, workspace } = product;
    await workbench.runCommand('Record a Command');
    await workbench.quickInput.fill(`${workspace.program} 4`);
    await workbench.page.keyboard.press('Enter');
    await product.waitUntilRecording();
    await product.recordingItem.first().waitFor({ state: 'hidden', timeout: 60_000 });
    await product.waitForFlameGraph();
    assert.deepEqual(await workbench.complaints(), []);
    await workbench.screenshot('command');
  });

  it('says what works on this machine', async () => {
    const { workbench } = product;
    await workbench.runCommand('Check This Machine');
    await workbench
      .webview()
      .getByText(/kernel/i)
      .first()
      .waitFor({ timeout: 60_000 });
    await workbench.screenshot('check');
  });
});
