// A stand-in for a desktop VS Code, for @vscode/test-electron's runTests: understands the two flags that it passes, runs the
// suite in the extension host of a real VS Code server shown in Chromium, and exits as the suite did. Started through
// desktopStandIn.sh, because runTests wants one executable file.

import { format } from 'node:util';
import { findChromium, launchBrowser } from './browser';
import { freshFolder } from './paths';
import { startVsCodeServer } from './vscodeServer';

const LIMIT_MS = 180_000;

function flag(name: string): string {
  const value = process.argv.find((argument) => argument.startsWith(`--${name}=`));
  if (value === undefined) throw new Error(`--${name}=… is missing`);
  return value.slice(name.length + 3);
}

async function main(): Promise<number> {
  const chromium = findChromium();
  if (chromium === null) throw new Error('there is no Chromium on this machine');
  const folder = process.argv.slice(2).find((argument) => argument.startsWith('/')) ?? freshFolder('standin-workspace');
  const ours = Object.entries(process.env).filter(([name, value]) => name.startsWith('EBPF_TRACER_') && value);
  const environment = Object.fromEntries(ours) as Record<string, string>;
  const server = await startVsCodeServer({ name: 'standin', vsix: null, environment, hostsTests: true });
  const browser = await launchBrowser(chromium);
  try {
    const page = await browser.newPage();
    const remote = (path: string) => `vscode-remote://127.0.0.1:${server.port}${path}`;
    const payload = [
      ['extensionDevelopmentPath', remote(flag('extensionDevelopmentPath'))],
      ['extensionTestsPath', remote(flag('extensionTestsPath'))],
      ['enableProposedApi', ''],
      ['skipWelcome', 'true'],
      ['skipReleaseNotes', 'true'],
    ];
    return await new Promise<number>((done, fail) => {
      setTimeout(() => fail(new Error(`no end within ${LIMIT_MS} ms`)), LIMIT_MS).unref();
      page.on('close', () => fail(new Error('the page was closed')));
      page.on('crash', () => fail(new Error('the page crashed')));
      void (async () => {
        await page.exposeFunction('codeAutomationLog', (type: string, args: unknown[]) => {
          (type === 'error' ? process.stderr : process.stdout).write(`${format(...args)}\n`);
        });
        await page.exposeFunction('codeAutomationExit', (code: number) => done(code));
        const query = `folder=${folder}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
        await page.goto(`http://127.0.0.1:${server.port}/?${query}`);
      })().catch(fail);
    });
  } finally {
    await browser.close();
    await server.stop();
  }
}

main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
