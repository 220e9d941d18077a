// The Chromium that shows the workbench. One for each test file, with a fresh profile and no network but loopback.
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Path of a Chromium on this machine, or null: then the tests skip. */
export function findChromium(): string | null {
  return process.env.CHROMIUM ?? CANDIDATES.find((path) => existsSync(path)) ?? null;
}

export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // speedscope draws by WebGL; there is no GPU here.
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
    ],
  });
}
