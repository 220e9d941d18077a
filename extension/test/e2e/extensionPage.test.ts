// What a newcomer sees before the first recording: the extension's page, its walkthrough, and the Recordings view of a folder
// that is not trusted.
import assert from 'node:assert/strict';
import type { Browser, Locator } from 'playwright-core';
import { findChromium, launchBrowser } from './browser';
import { vsixPath } from './paths';
import { Product } from './product';
import { startVsCodeServer, type VsCodeServer } from './vscodeServer';
import { Workbench } from './workbench';
import { makeWorkspace, type Workspace } from './workspace';

describe('what a newcomer sees', function () {
  this.timeout(180_000);
  let workspace: Workspace;
  let server: VsCodeServer | undefined;
  let browser: Browser | undefined;
  let workbench: Workbench;

  before(async function () {
    const missing = Product.missing();
    if (missing !== null) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    workspace = makeWorkspace('newcomer');
    const settings = { 'security.workspace.trust.startupPrompt': 'never' };
    server = await startVsCodeServer({ name: 'newcomer', vsix: vsixPath(), asksForTrust: true, settings });
    browser = await launchBrowser(findChromium() as string);
    workbench = await Workbench.open(browser, server.port, workspace.folder);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    workspace?.remove();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot('newcomer-failed');
  });

  const brokenPictures = (images: Locator) =>
    images.evaluateAll((all) =>
      all
        .map((one) => one as unknown as { complete: boolean; naturalWidth: number; outerHTML: string })
        .filter(({ complete, naturalWidth }) => !complete || naturalWidth === 0)
        .map(({ outerHTML }) => outerHTML),
    );

  it('offers no command of the folder in Restricted Mode, and says why', async () => {
    await workbench.runCommand('Focus on Recordings View');
    const welcome = workbench.page.locator('.welcome-view-content:visible');
    await welcome.getByText('Profile This Process…').waitFor();
    await welcome.getByText('trust this folder').waitFor();
    assert.equal(await welcome.getByText('Record a Command…').count(), 0);
    await workbench.screenshot('newcomer-restricted');
  });

  it('reads on the page of the extension how to begin, without empty pictures and dead links', async () => {
    await workbench.runCommand('Extensions: Show Installed Extensions');
    await workbench.page.locator('.extension-list-item', { hasText: 'Universal eBPF Tracer' }).first().click();
    const page = workbench.webview();
    await page.getByText('Press F1 and type').waitFor({ timeout: 60_000 });
    assert.deepEqual(await brokenPictures(page.locator('img')), []);
    const dead = await page.locator('a:not([href])').allInnerTexts();
    assert.deepEqual(dead, []);
    const text = await page.locator('body').innerText();
    assert.doesNotMatch(text, /make (demo|test|vsix)|clone only/);
    await workbench.screenshot('newcomer-page');
    await workbench.runCommand('View: Close All Editors');
  });

  it('sees a real recording in the walkthrough', async () => {
    await workbench.runCommand('Welcome: Open Walkthrough');
    await workbench.row('eBPF').first().click();
    const step = workbench.page.locator('.getting-started-step', { hasText: 'Stand on the hot line' });
    const picture = workbench.page.locator('.getting-started-media img:visible').first();
    // A second click would close the step again.
    await workbench.eventually('the step opens', async () => {
      await step.click();
      return picture.waitFor({ timeout: 3_000 }).then(
        () => true,
        () => false,
      );
    });
    await workbench.eventually('its picture has loaded', async () => (await brokenPictures(picture)).length === 0);
    await workbench.screenshot('newcomer-walkthrough');
  });
});
