// Opens the real page in a real Chromium, with a stand-in for VS Code around it: the built assets and the filled-in HTML are served
// on 127.0.0.1, acquireVsCodeApi collects what the page sends, and a key listener registered before the page's scripts notes which
// keys VS Code would have seen.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { RecordingFile } from '../../../helper/src/protocol';
import type { FromWebview, ToWebview } from '../../src/messages';
import { THEMES, type ThemeName } from './themes';

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

interface FakeHost {
  messages: FromWebview[];
  keys: string[];
  state: unknown;
}
declare global {
  interface Window {
    fakeHost: FakeHost;
    acquireVsCodeApi(): unknown;
  }
}

export function missingBrowser(): string | null {
  return existsSync(CHROMIUM) ? null : `no Chromium at ${CHROMIUM} (set CHROMIUM_PATH)`;
}

export class TestBrowser {
  /** What the pages wrote to their consoles as errors. */
  readonly consoleErrors: string[] = [];
  private constructor(
    private readonly browser: Browser,
    private readonly url: string,
    private readonly dispose: () => void,
  ) {}

  /** Builds the page into a folder of its own and serves it. `entry`: another one than the product's. */
  static async start(entry = 'webview/src/boot.ts'): Promise<TestBrowser> {
    const folder = mkdtempSync(join(tmpdir(), 'webview-test-'));
    await build({
      entryPoints: { boot: entry },
      bundle: true,
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      minify: true,
      outdir: folder,
      logLevel: 'warning',
    });
    // In a Node of its own: an ES module, which the tests' CommonJS cannot load.
    const script = `import { copyWebviewAssets } from './webview/assets.mjs'; copyWebviewAssets(process.argv[1]);`;
    execFileSync(process.execPath, ['--input-type=module', '-e', script, folder]);
    const server = createServer((request, response) => {
      const path = (request.url ?? '/').split('?')[0];
      const file = join(folder, path === '/' ? 'index.html' : path);
      if (path === '/favicon.ico') {
        response.writeHead(204).end();
        return;
      }
      if (!existsSync(file)) {
        response.writeHead(404).end();
        return;
      }
      const body = readFileSync(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
      response.end(path === '/' ? fillIn(body.toString()) : body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        '--use-angle=swiftshader',
        '--enable-unsafe-swiftshader',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    return new TestBrowser(browser, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, () => {
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  async open(
    options: { theme?: ThemeName; width?: number; height?: number; state?: object; webgl?: boolean } = {},
  ): Promise<TestPage> {
    const { theme = 'dark', width = 1400, height = 800, state, webgl = true } = options;
    const page = await this.browser.newPage({ viewport: { width, height } });
    page.on('console', (message) => {
      if (message.type() === 'error') this.consoleErrors.push(message.text());
    });
    page.on('pageerror', (error) => this.consoleErrors.push(String(error)));
    await page.addInitScript((initial) => {
      window.fakeHost = { messages: [], keys: [], state: initial };
      window.acquireVsCodeApi = () => ({
        postMessage: (message: FromWebview) => window.fakeHost.messages.push(message),
        getState: () => window.fakeHost.state,
        setState: (next: unknown) => {
          window.fakeHost.state = next;
        },
      });
      window.addEventListener('keydown', (event) => {
        const modifiers = `${event.ctrlKey ? 'Ctrl+' : ''}${event.shiftKey ? 'Shift+' : ''}`;
        window.fakeHost.keys.push(`${modifiers}${event.key}${event.defaultPrevented ? ' (prevented)' : ''}`);
      });
    }, state);
    if (!webgl)
      await page.addInitScript(() => {
        const { getContext } = HTMLCanvasElement.prototype;
        HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, ...rest: unknown[]) {
          return /webgl/.test(kind) ? null : getContext.call(this, kind as '2d', ...(rest as []));
        } as typeof getContext;
      });
    await page.addInitScript(applyTheme, THEMES[theme]);
    await page.goto(this.url);
    const opened = new TestPage(page);
    await opened.received('ready');
    return opened;
  }

  async stop(): Promise<void> {
    await this.browser.close();
    this.dispose();
  }
}

export class TestPage {
  constructor(readonly page: Page) {}

  send(message: ToWebview): Promise<void> {
    return this.page.evaluate((data) => window.postMessage(data, '*'), message);
  }

  /** Loads a recording and waits until it is painted. */
  async load(recording: RecordingFile | string, live = false): Promise<Extract<FromWebview, { type: 'painted' }>> {
    const before = (await this.messages('painted')).length;
    const text = typeof recording === 'string' ? recording : JSON.stringify(recording);
    await this.send({ type: 'load', name: 'shopd.speedscope.json', text, live });
    return this.received('painted', before);
  }

  messages<T extends FromWebview['type']>(type: T): Promise<Extract<FromWebview, { type: T }>[]> {
    return this.page.evaluate(
      (wanted) => window.fakeHost.messages.filter((message) => message.type === wanted),
      type,
    ) as Promise<Extract<FromWebview, { type: T }>[]>;
  }

  /** Waits for message number `index` of a type. */
  async received<T extends FromWebview['type']>(type: T, index = 0): Promise<Extract<FromWebview, { type: T }>> {
    await this.page.waitForFunction(
      ([wanted, count]) => window.fakeHost.messages.filter((message) => message.type === wanted).length > count,
      [type, index] as const,
    );
    return (await this.messages(type))[index];
  }

  /** Sets a theme as VS Code does while the page is open. */
  async setTheme(theme: ThemeName): Promise<void> {
    await this.page.evaluate(applyTheme, THEMES[theme]);
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync('.artifacts/webview', { recursive: true });
    await this.page.screenshot({ path: `.artifacts/webview/${name}.png` });
  }

  close(): Promise<void> {
    return this.page.close();
  }
}

/** Runs in the page: VS Code sets variables on the root element and a class on the body. */
function applyTheme({ bodyClass, colors }: { bodyClass: string; colors: Record<string, string> }): void {
  const apply = () => {
    const { style } = document.documentElement;
    for (const property of [...style]) if (property.startsWith('--vscode-')) style.removeProperty(property);
    for (const [name, value] of Object.entries(colors)) style.setProperty(`--vscode-${name}`, value);
    document.body.className = bodyClass;
  };
  if (document.body) apply();
  else
    new MutationObserver((_, observer) => {
      if (!document.body) return;
      observer.disconnect();
      apply();
    }).observe(document, { childList: true, subtree: true });
}

function fillIn(html: string): string {
  return html
    .replaceAll('{{lang}}', 'en')
    .replaceAll('{{cspSource}}', "'self'")
    .replaceAll('{{assets}}', '.')
    .replaceAll('{{l10n}}', '{}');
}
