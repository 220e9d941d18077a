// Runs extension/test/suite (mocha inside the extension host) through @vscode/test-electron: in a desktop VS Code where
// VSCODE_EXECUTABLE_PATH names one, else in our stand-in, the real VS Code server in Chromium.
import { join } from 'node:path';
import { runTests } from '@vscode/test-electron';
import { findChromium } from './browser';
import { ROOT } from './paths';
import { makeWorkspace } from './workspace';

describe('inside the extension host', function () {
  this.timeout(240_000);

  it('passes extension/test/suite', async function () {
    const desktop = process.env.VSCODE_EXECUTABLE_PATH;
    if (desktop === undefined && findChromium() === null) {
      console.log(
        '      skipped: there is neither a desktop VS Code (VSCODE_EXECUTABLE_PATH) nor a Chromium on this machine',
      );
      this.skip();
    }
    const workspace = makeWorkspace('host');
    try {
      // Throws TestRunFailedError when a test of the suite fails.
      await runTests({
        vscodeExecutablePath: desktop ?? join(ROOT, 'extension/test/e2e/desktopStandIn.sh'),
        extensionDevelopmentPath: ROOT,
        extensionTestsPath: join(ROOT, 'out/js/extension/test/suite/index.js'),
        launchArgs: [workspace.folder],
        extensionTestsEnv: { EBPF_TRACER_NODE: process.execPath },
      });
    } finally {
      workspace.remove();
    }
  });
});
