// Makes a screenshot of a real program's recording for the README: flame graph, hot functions and a source line beside them.
//   node out/js/extension/test/e2e/screenshot.js OUTPUT.png FOLDER PID FUNCTION [SECONDS [LINE]]
// Opens FOLDER as the workspace, records the running PID, and opens the source of the first hot function whose name holds
// FUNCTION, at LINE where one is given. Run by hand, as root, after `make vsix`; not a test.
import { copyFileSync } from 'node:fs';
import { findChromium, launchBrowser } from './browser';
import { artifact, vsixPath } from './paths';
import { Product } from './product';
import { startVsCodeServer } from './vscodeServer';
import { Workbench } from './workbench';

async function main(): Promise<void> {
  const [output, folder, pid, functionName, seconds = '20', line] = process.argv.slice(2);
  const missing = Product.missing();
  if (missing !== null) throw new Error(missing);
  const server = await startVsCodeServer({
    name: 'screenshot',
    vsix: vsixPath(),
    settings: { 'breadcrumbs.enabled': false },
  });
  const browser = await launchBrowser(findChromium() as string);
  try {
    const workbench = await Workbench.open(browser, server.port, folder);
    await workbench.page.setViewportSize({ width: 1760, height: 990 });
    const product = new Product(server, browser, { folder, program: '', inlined: null, remove: () => {} }, workbench);
    await product.profile(Number(pid));
    await product.waitUntilRecording();
    await workbench.page.waitForTimeout(Number(seconds) * 1_000);
    await product.stop();
    await workbench.runCommand('View: Toggle Primary Side Bar Visibility');
    const row = product.functionRow(functionName).first();
    await row.waitFor({ timeout: 60_000 });
    await row.getByText(/:\d+$/).click();
    await workbench.page.locator('.codelens-decoration').first().waitFor();
    if (line) {
      await workbench.page.keyboard.press('Control+g');
      await workbench.quickInput.fill(`:${line}`);
      await workbench.page.keyboard.press('Enter');
    }
    // Two quiet seconds: bars and lenses are drawn after the file.
    await workbench.page.waitForTimeout(2_000);
    await workbench.screenshot('screenshot');
    copyFileSync(artifact('screenshot.png'), output);
  } finally {
    await browser.close();
    await server.stop();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
