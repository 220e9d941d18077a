// The same as a developer who is not root: one password in VS Code's own box, kept by nobody, and asked for no second time
// in this window, not even after a reload.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Product } from './product';
import { makeTemporaryUser, type TemporaryUser, whyNoTemporaryUser } from './temporaryUser';
import type { RunningProgram } from './workspace';

/** Pids of helpers that the user's extension host started: they run as the user, so `ps` finds them by command line. */
function helpersOf(user: TemporaryUser): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,user:32=,args='], { encoding: 'utf8' }).split('\n');
  return lines
    .filter((line) => line.includes('helper.js') && line.includes(user.home) && line.split(/\s+/).includes(user.name))
    .map((line) => Number.parseInt(line, 10));
}

describe('profile as a user with sudo', function () {
  this.timeout(180_000);
  let user: TemporaryUser;
  let product: Product;
  let program: RunningProgram | undefined;

  before(async function () {
    const missing = Product.missing() ?? whyNoTemporaryUser();
    if (missing !== null) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    user = makeTemporaryUser({ passwordNeeded: true });
    product = await Product.open('sudo', user, 'debug');
    program = await product.startProgram(170, user);
  });
  after(async () => {
    await program?.stop();
    await product?.close();
    user?.remove();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await product.workbench.screenshot('sudo-failed');
  });

  const passwordBox = () =>
    product.workbench.page.locator('.quick-input-widget:visible', { hasText: 'administrator rights' });

  it('ends quietly when the password box is cancelled', async () => {
    const { workbench } = product;
    await product.profile(program?.pid as number);
    await passwordBox().waitFor({ timeout: 60_000 });
    await workbench.screenshot('sudo-password');
    await workbench.page.keyboard.press('Escape');
    await passwordBox().waitFor({ state: 'hidden' });
    await workbench.eventually(
      'the progress is gone',
      async () =>
        (await workbench.page.locator('.notifications-toasts .monaco-progress-container.active').count()) === 0,
    );
    assert.deepEqual(await workbench.complaints(), []);
  });

  it('says when the password was wrong, and takes the right one', async () => {
    const { workbench } = product;
    await product.profile(program?.pid as number);
    await passwordBox().waitFor({ timeout: 60_000 });
    await workbench.quickInput.fill('not the password');
    await workbench.page.keyboard.press('Enter');
    await workbench.page.getByText('Attempt 2 of 3').first().waitFor({ timeout: 30_000 });
    await workbench.quickInput.fill(user.password);
    await workbench.page.keyboard.press('Enter');
    await product.waitUntilRecording();
    await product.waitForFlameGraph();
    assert.deepEqual(await workbench.complaints(), []);
  });

  it('keeps what was recorded when the window is reloaded, and finds its helper again without a second password', async () => {
    const { workbench } = product;
    await workbench.reload();
    await product.waitForFlameGraph();
    await product.profile(program?.pid as number);
    await product.waitUntilRecording();
    assert.equal(await passwordBox().count(), 0);
    await product.stop();
    await product.waitForFlameGraph();
    assert.deepEqual(await workbench.complaints(), []);
    await workbench.screenshot('sudo-flame-graph');
  });

  it('leaves no helper behind when the window closes', async () => {
    const { workbench } = product;
    assert.ok(helpersOf(user).length > 0, 'the helper that recorded still waits for the window');
    await workbench.page.context().close();
    const deadlineMs = Date.now() + 90_000;
    while (helpersOf(user).length > 0 && Date.now() < deadlineMs) await new Promise((done) => setTimeout(done, 200));
    assert.deepEqual(helpersOf(user), []);
  });
});
