// Drives the workbench as a person would: command palette, pickers, webviews, editors. Every wait polls with a
// deadline; nothing sleeps. Used by the end-to-end tests.
import type { Browser, FrameLocator, Locator, Page } from 'playwright-core';
import { artifact } from './paths';

export class Workbench {
  private constructor(readonly page: Page) {}

  /** Opens `folder` and waits until the explorer shows it. */
  static async open(browser: Browser, port: number, folder: string): Promise<Workbench> {
    const context = await browser.newContext({ viewport: { width: 1500, height: 950 } });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`http://127.0.0.1:${port}/?folder=${folder}`);
    const workbench = new Workbench(page);
    await workbench.waitUntilReady();
    return workbench;
  }

  async waitUntilReady(): Promise<void> {
    await this.page.locator('.explorer-folders-view .monaco-list-row').first().waitFor({ timeout: 60_000 });
  }

  /** In order, as a person does it: the workbench saves its state first. */
  async reload(): Promise<void> {
    await this.runCommand('Developer: Reload Window');
    await this.page.waitForEvent('load', { timeout: 60_000 });
    await this.waitUntilReady();
  }

  /** Runs the palette's entry that holds `text`. */
  async runCommand(text: string): Promise<void> {
    // A freshly opened window does not know every extension's commands yet, and an open palette does not learn them.
    await this.eventually(`the palette knows "${text}"`, async () => {
      await this.page.keyboard.press('F1');
      const input = this.page.locator('.quick-input-widget:visible input.input').first();
      // The palette of the command before may be closing just now, and take this one with it.
      const found = await input
        .fill(`>${text}`, { timeout: 3_000 })
        .then(() => this.row(text).first().waitFor({ timeout: 3_000 }))
        .then(
          () => true,
          () => false,
        );
      if (!found) await this.page.keyboard.press('Escape');
      return found;
    });
    await this.page.keyboard.press('Enter');
  }

  /** Rows of the open quick pick that hold `text`. */
  row(text: string): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row', { hasText: text });
  }

  /** The open quick pick's or input box's field. */
  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible input').first();
  }

  /** The message under or over the quick input. */
  get quickInputText(): Locator {
    return this.page.locator('.quick-input-widget:visible');
  }

  notification(text: string | RegExp): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item', { hasText: text });
  }

  /**
   * What VS Code complained about so far, shown or already gone into its list: texts of errors and warnings. A server that hosts
   * tests (--enable-smoke-test-driver) shows none, so there this would say nothing.
   */
  async complaints(): Promise<string[]> {
    await this.runCommand('Notifications: Show Notifications');
    const list = this.page.locator('.notifications-center');
    await list.waitFor();
    const rows = list.locator('.notification-list-item:has(.codicon-error, .codicon-warning)');
    const texts = await rows.locator('.notification-list-item-message').allInnerTexts();
    await this.runCommand('Notifications: Hide Notifications');
    await list.waitFor({ state: 'hidden' });
    return texts;
  }

  async clearNotifications(): Promise<void> {
    await this.runCommand('Notifications: Clear All Notifications');
  }

  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item', { hasText: text });
  }

  /** The content of the visible webview. */
  webview(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').last().frameLocator('iframe#active-frame');
  }

  /** The visible editor with the source file `name`. */
  editor(name: string): Locator {
    return this.page.locator(`.editor-instance:has(.monaco-editor[data-uri$="/${name}"])`);
  }

  /** A text file is waited for; a recording shows itself when it can. */
  async openFile(name: string, isText = true): Promise<void> {
    await this.page.keyboard.press('Control+p');
    await this.quickInput.fill(name);
    await this.row(name).first().waitFor();
    await this.page.keyboard.press('Enter');
    if (isText) await this.editor(name).first().waitFor();
  }

  /** Line and column as the status bar tells them. */
  async cursorLine(): Promise<number> {
    const text = await this.page.locator('#status\\.editor\\.selection').textContent();
    return Number(/Ln (\d+)/.exec(text ?? '')?.[1]);
  }

  /** The figure that decorations put before `line` in the visible editor of `name`, or null. */
  lineMark(name: string, line: number): Promise<string | null> {
    return this.editor(name)
      .first()
      .evaluate((editor, wanted) => {
        // Runs in the page; the tests' own types know no DOM.
        const page = globalThis as unknown as { getComputedStyle(one: unknown, part: string): { content: string } };
        const number = [...editor.querySelectorAll('.line-numbers')].find((one) => one.textContent === String(wanted));
        if (!number) return null;
        const top = Math.round(number.getBoundingClientRect().top);
        const rows = [...editor.querySelectorAll('.view-line')];
        const row = rows.find((one) => Math.abs(one.getBoundingClientRect().top - top) < 3);
        const texts = [...(row?.querySelectorAll('span') ?? [])].map(
          (one) => page.getComputedStyle(one, '::before').content,
        );
        return texts.find((text) => text.includes('%')) ?? null;
      }, line);
  }

  /** Polls `probe` until it gives something else than null, undefined or false. */
  async eventually<T>(
    what: string,
    probe: () => Promise<T | null | undefined | false>,
    timeoutMs = 30_000,
  ): Promise<T> {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      const value = await probe();
      if (value !== null && value !== undefined && value !== false) return value;
      if (Date.now() > deadlineMs) throw new Error(`Waited in vain (${timeoutMs} ms): ${what}`);
      await this.page.waitForTimeout(100);
    }
  }

  /** Kept as a CI artefact: .artifacts/e2e/NAME.png. */
  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: artifact(`${name}.png`) });
  }
}
