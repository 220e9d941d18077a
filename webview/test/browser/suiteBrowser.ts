// A browser for one suite of tests: started before it, skipped in words where there is none, each test's page closed behind it.

import { missingBrowser, TestBrowser, type TestPage } from './testPage';

export interface SuiteBrowser {
  readonly consoleErrors: string[];
  open(...options: Parameters<TestBrowser['open']>): Promise<TestPage>;
}

/** Called in the body of a `describe`. `entry`: another page than the product's. */
export function suiteBrowser(entry?: string): SuiteBrowser {
  let browser: TestBrowser;
  let opened: TestPage | null = null;

  before(async function () {
    const missing = missingBrowser();
    if (missing) {
      console.log(`skipped: ${missing}`);
      this.skip();
    }
    browser = await TestBrowser.start(entry);
  });
  after(async () => {
    await browser?.stop();
  });
  afterEach(async () => {
    await opened?.close();
    opened = null;
  });
  return {
    get consoleErrors() {
      return browser.consoleErrors;
    },
    async open(...options) {
      opened = await browser.open(...options);
      return opened;
    },
  };
}
