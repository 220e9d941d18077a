// The installed product with everything around it, as most tests here need it: a server with our VSIX, a browser, a
// workspace with a program in it, and the steps that several tests share.
import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { findChromium, launchBrowser } from './browser';
import { vsixPath } from './paths';
import type { TemporaryUser } from './temporaryUser';
import { startVsCodeServer, type VsCodeServer } from './vscodeServer';
import { Workbench } from './workbench';
import { makeWorkspace, type RunningProgram, startProgram, type Workspace } from './workspace';

/** hot.c: the line that 60 % of the samples are on. */
export const HOT_LINE = 16;
/** The lines of work_sixty, from its name to its closing brace. */
export const HOT_FUNCTION_LINES = [13, 18] as const;

/** speedscope's rows, in CSS pixels. */
const FRAME_HEIGHT_PX = 20;

export class Product {
  constructor(
    readonly server: VsCodeServer,
    readonly browser: Browser,
    readonly workspace: Workspace,
    readonly workbench: Workbench,
  ) {}

  /** What is missing to run it here, or null. */
  static missing(): string | null {
    if (findChromium() === null) return 'there is no Chromium on this machine';
    if (!existsSync(vsixPath())) return `there is no ${vsixPath()}: run make vsix`;
    return null;
  }

  static async open(name: string, user?: TemporaryUser, logLevel?: 'debug'): Promise<Product> {
    const workspace = makeWorkspace(name, user);
    const server = await startVsCodeServer({ name, vsix: vsixPath(), user, logLevel });
    const browser = await launchBrowser(findChromium() as string);
    const workbench = await Workbench.open(browser, server.port, workspace.folder);
    return new Product(server, browser, workspace, workbench);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    this.workspace.remove();
  }

  startProgram(seconds: number, user?: TemporaryUser, program = this.workspace.program): Promise<RunningProgram> {
    return startProgram(program, seconds, user);
  }

  /** Palette, picker, typed pid. */
  async profile(pid: number): Promise<void> {
    const { workbench } = this;
    await workbench.runCommand('Profile This Process');
    await workbench.page.getByPlaceholder('Type a name, a port or a process id').waitFor();
    await workbench.quickInput.fill(String(pid));
    await workbench.row(`Process ${pid}`).first().waitFor();
    await workbench.page.keyboard.press('Enter');
  }

  /** The status bar's item while it records. */
  get recordingItem() {
    return this.workbench.statusBarItem(/samples/);
  }

  async waitUntilRecording(): Promise<void> {
    await this.recordingItem.first().waitFor({ timeout: 60_000 });
  }

  /** Stops by the status bar's item and waits until that is over. */
  async stop(): Promise<void> {
    await this.recordingItem.first().click();
    await this.recordingItem.first().waitFor({ state: 'hidden', timeout: 60_000 });
  }

  /** The flame graph in the open recording is drawn. */
  async waitForFlameGraph(hotFunction = 'work_sixty'): Promise<void> {
    const canvas = this.workbench.webview().locator('canvas').first();
    await canvas.waitFor({ timeout: 60_000 });
    await this.functionRow(hotFunction).first().waitFor({ timeout: 60_000 });
  }

  /** A row of the table of hot functions. */
  functionRow(name: string) {
    return this.workbench.webview().locator('#functions [role=row]', { hasText: name });
  }

  /**
   * Clicks into the flame graph until the frame `name` is the selected one. Left-heavy puts the widest stack at the left,
   * so its frames lie one under the other there.
   */
  async clickFrame(name: string): Promise<void> {
    const webview = this.workbench.webview();
    const canvas = webview.locator('#speedscope canvas').last();
    const box = await canvas.boundingBox();
    if (box === null) throw new Error('The flame graph has no size');
    const selected = webview.locator('footer.selection .name');
    for (let y = 10; y < box.height; y += FRAME_HEIGHT_PX / 2) {
      await canvas.click({ position: { x: box.width * 0.2, y } });
      if ((await selected.count()) > 0 && (await selected.textContent())?.includes(name)) return;
    }
    throw new Error(`No frame ${name} was found in the flame graph`);
  }

  /** The source link of the selected frame. */
  selectionLink(text: string) {
    return this.workbench.webview().locator('footer.selection').getByText(text).first();
  }
}
