// CPU time and HTTP requests of services in the languages that most users write, recorded as a person does it: functions on the lines of
// their own files, routes as the client counted them, figures above the functions that answer.
import assert from 'node:assert/strict';
import { Product } from './product';
import { markedLine, pythonWithFlask, Service } from './service';

describe('profile services with their HTTP requests', function () {
  this.timeout(180_000);
  let product: Product;
  let service: Service | undefined;

  before(async function () {
    const missing = Product.missing() ?? (process.getuid?.() === 0 ? null : 'this test runs the server as root');
    if (missing !== null) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    product = await Product.open('services');
  });
  after(async () => {
    await service?.stop();
    await product?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await product.workbench.screenshot('services-failed');
  });

  /** Rows of a table of the page: the texts of its cells. */
  const rowsOf = (table: string) =>
    product.workbench
      .webview()
      .locator(`#${table} .grid-body [role=row]`)
      .evaluateAll((rows) =>
        rows.map((row) =>
          [...(row as unknown as { children: Iterable<{ textContent: string }> }).children].map(({ textContent }) =>
            textContent.replaceAll('\u00a0', ' '),
          ),
        ),
      );
  const list = (name: string) => product.workbench.webview().locator('.http-view .segments button', { hasText: name });
  const showHttp = () => product.workbench.webview().getByRole('tab', { name: 'HTTP Requests' }).click();

  async function recordWhile(one: Service, paths: readonly string[], requests: number): Promise<Map<string, number>> {
    await product.profile(one.pid);
    await product.waitUntilRecording();
    const answers = await one.ask(paths, requests);
    const item = product.workbench.statusBarItem(/ requests/);
    await product.workbench.eventually('all requests are counted', async () => {
      const count = /([\d,]+) requests/.exec((await item.first().textContent()) ?? '')?.[1];
      return Number(count?.replaceAll(',', '')) >= requests;
    });
    return answers;
  }

  /** Between the light and the dark theme. */
  async function toggleTheme(bodyClass: string): Promise<void> {
    await product.workbench.runCommand('Toggle between Light/Dark Themes');
    await product.workbench.page.locator(`.monaco-workbench.${bodyClass}`).waitFor();
  }

  /** This server has no TypeScript of its own, and says so when it shows a file of it. */
  const complaints = async () => (await product.workbench.complaints()).filter((text) => !text.includes('tsserver'));

  it('adds HTTP requests by the button of the list of processes', async () => {
    const { workbench } = product;
    await workbench.runCommand('Profile This Process');
    const title = workbench.page.locator('.quick-input-title');
    await title.getByText(/^Profile This Process: CPU Time(?! and)/).waitFor();
    await workbench.page
      .getByRole('button', { name: 'HTTP requests are not traced. Click to trace them, too.' })
      .click();
    await title.getByText('Profile This Process: CPU Time and HTTP Requests').waitFor();
    await workbench.page.keyboard.press('Escape');
  });

  it('shows a TypeScript service: its functions on their lines, its routes as the client counted them', async () => {
    const { workbench, workspace } = product;
    service = await Service.typescript(workspace.folder);
    const answers = await recordWhile(service, ['/users/17', '/users/18', '/reports/19', '/broken'], 400);
    await product.stop();
    await product.waitForFlameGraph('scoreUser');
    assert.deepEqual(await complaints(), []);
    await product
      .functionRow('scoreUser')
      .first()
      .getByText(/server\.ts:\d+/)
      .waitFor();
    await workbench.screenshot('services-typescript');
    await showHttp();
    const rows = await workbench.eventually('routes are there', async () => {
      const found = await rowsOf('http-routes');
      return found.length >= 3 && found;
    });
    const counted = Object.fromEntries(rows.map(([, route, count]) => [route, Number(count.replaceAll(',', ''))]));
    const asked = (path: string) => answers.get(path) ?? 0;
    // Each report asks for a user once more.
    assert.deepEqual(counted, {
      '/users/:id': asked('/users/17') + asked('/users/18') + asked('/reports/19'),
      '/reports/:id': asked('/reports/19'),
      '/broken': asked('/broken'),
    });
    await list('Outgoing Calls').click();
    assert.deepEqual(
      (await rowsOf('http-clients')).map(([, route, count]) => [route, Number(count)]),
      [['/users/:id', asked('/reports/19')]],
    );
  });

  it('shows the trace of a request with the calls that it made, in dark, light and a narrow page', async () => {
    const { workbench } = product;
    await list('Slowest').click();
    const webview = workbench.webview();
    await webview.locator('.http-view .filter').fill('reports');
    await webview.locator('#http-spans').focus();
    await workbench.page.keyboard.press('Home');
    await webview.locator('#http-trace [role=row][aria-level="2"]').first().waitFor();
    await workbench.screenshot('services-trace-dark');
    await toggleTheme('vs');
    await workbench.screenshot('services-trace-light');
    await webview.locator('.http-view .filter').fill('');
    await list('Routes').click();
    await webview.locator('#http-routes').focus();
    await workbench.page.keyboard.press('Home');
    await workbench.screenshot('services-routes-light');
    await workbench.runCommand('View: Toggle Primary Side Bar Visibility');
    await workbench.page.setViewportSize({ width: 700, height: 950 });
    await showHttp();
    await workbench.screenshot('services-routes-700');
    await workbench.page.setViewportSize({ width: 1500, height: 950 });
    await workbench.runCommand('View: Toggle Primary Side Bar Visibility');
    await toggleTheme('vs-dark');
  });

  it('opens the line of a TypeScript function, with its share', async () => {
    const { workbench } = product;
    await workbench.webview().getByRole('tab', { name: 'Hot Functions' }).click();
    await product
      .functionRow('scoreUser')
      .first()
      .getByText(/server\.ts:\d+/)
      .click();
    await workbench.editor('server.ts').first().waitFor();
    const line = markedLine('server.ts', '// USER_LINE');
    const marked = await workbench.eventually('the hot line carries its percent', () =>
      workbench.lineMark('server.ts', line),
    );
    assert.match(marked, /%/);
    await workbench
      .editor('server.ts')
      .first()
      .locator('.codelens-decoration', { hasText: /self .*total .*samples/ })
      .first()
      .waitFor();
    await workbench.screenshot('services-typescript-source');
  });

  it('shows a Flask service: its functions on their lines, its routes as the client counted them', async function () {
    const { workbench, workspace } = product;
    const python = pythonWithFlask();
    if (python === null) {
      console.log('      skipped: Flask could not be had from PyPI');
      return this.skip();
    }
    await workbench.runCommand('View: Close All Editors');
    await service?.stop();
    service = await Service.python(python, workspace.folder);
    const answers = await recordWhile(service, ['/orders/17', '/orders/18', '/broken'], 300);
    await product.stop();
    await product.waitForFlameGraph('price_order');
    assert.deepEqual(await complaints(), []);
    await workbench.screenshot('services-flask');
    await product
      .functionRow('price_order')
      .first()
      .getByText(/app\.py:\d+/)
      .click();
    await workbench.editor('app.py').first().waitFor();
    const line = markedLine('app.py', '# ORDER_LINE');
    assert.match(
      await workbench.eventually('the hot line carries its percent', () => workbench.lineMark('app.py', line)),
      /%/,
    );
    await workbench.screenshot('services-flask-source');
    await showHttp();
    const counted = Object.fromEntries((await rowsOf('http-routes')).map(([, route, count]) => [route, Number(count)]));
    assert.deepEqual(counted, {
      '/orders/:id': (answers.get('/orders/17') ?? 0) + (answers.get('/orders/18') ?? 0),
      '/broken': answers.get('/broken'),
    });
    await workbench.screenshot('services-flask-http');
  });

  it('stands above the function that answers a route, and leads to it', async function () {
    const { workbench } = product;
    if (service === undefined) {
      console.log('      skipped: the service that the test before shows could not be started');
      return this.skip();
    }
    const lens = workbench
      .editor('app.py')
      .first()
      .locator('.codelens-decoration a', { hasText: /GET \/orders\/:id · p50 .* · p99 .* · 0.% errors · 200 req/ });
    await lens.first().waitFor();
    const bad = workbench
      .editor('app.py')
      .first()
      .locator('.codelens-decoration a', { hasText: /GET \/broken .* 100.% errors/ });
    await bad.locator('.codicon-warning').first().waitFor();
    await workbench.screenshot('services-lens');
    await lens.first().click();
    await workbench.webview().locator('.http-details h2', { hasText: 'GET /orders/:id' }).waitFor();
    await workbench.screenshot('services-lens-clicked');
  });
});
