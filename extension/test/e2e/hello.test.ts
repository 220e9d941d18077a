// The workbench itself comes up in the browser: when this fails, the other end-to-end tests say nothing about us.
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { findChromium, launchBrowser } from './browser';
import { WORKLOAD_SOURCES } from './paths';
import { startVsCodeServer, type VsCodeServer } from './vscodeServer';
import { Workbench } from './workbench';

describe('the VS Code server', function () {
  this.timeout(180_000);
  let server: VsCodeServer | undefined;
  let browser: Browser | undefined;

  before(async function () {
    const chromium = findChromium();
    if (chromium === null) {
      console.log('      skipped: there is no Chromium on this machine');
      this.skip();
    }
    server = await startVsCodeServer({ name: 'hello', vsix: null });
    browser = await launchBrowser(chromium as string);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  it('opens a folder and goes to a line', async () => {
    const workbench = await Workbench.open(browser as Browser, server?.port as number, WORKLOAD_SOURCES);
    await workbench.openFile('hot.c');
    await workbench.page.keyboard.press('Control+g');
    await workbench.quickInput.fill(':16');
    await workbench.page.keyboard.press('Enter');
    await workbench.eventually('cursor on line 16', async () => (await workbench.cursorLine()) === 16);
    await workbench.screenshot('hello');
    assert.equal(await workbench.cursorLine(), 16);
  });
});
