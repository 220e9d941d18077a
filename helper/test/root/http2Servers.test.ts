// HTTP/2 as nginx, Node.js and h2load speak it, in plain text and in TLS: routes and statuses are those that the client was told, and what the
// server has logged.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpRouteRow } from '../../src/protocol';
import { freePort, listening } from './freePort';
import { until } from './helperProcess';
import { countsOf, TracedHttp } from './httpHarness';

const BODY_BYTES = 300_000;
/** Of a request's own header, which makes its block longer than a frame of the usual size. */
const LONG_HEADER_BYTES = 20_000;

const NODE_SERVER = `
const fs = require('fs'), http2 = require('http2');
const [folder, port, tls] = process.argv.slice(1);
const answer = (q, s) => {
  s.statusCode = q.url.startsWith('/status/') ? Number(q.url.split('/')[2]) : 200;
  if (q.method === 'POST') { let n = 0; q.on('data', (d) => { n += d.length; }); q.on('end', () => s.end(String(n))); return; }
  if (q.url === '/reset') { s.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR); return; }
  if (q.url === '/early') s.stream.additionalHeaders({ ':status': 103, link: '<x>' });
  if (q.url === '/trailers') s.addTrailers({ 'x-sum': '7' });
  s.end(q.url === '/big' ? 'x'.repeat(${BODY_BYTES}) : 'ok');
};
const key = () => ({ key: fs.readFileSync(folder + '/key.pem'), cert: fs.readFileSync(folder + '/cert.pem') });
const settings = { maxHeaderListSize: 1e6 };
(tls === 'tls' ? http2.createSecureServer({ ...key(), settings }, answer) : http2.createServer({ settings }, answer)).listen(Number(port), '127.0.0.1');`;

/** Asks as Node's own client does; prints what it was told: method, path and status, or that the stream was reset. */
const NODE_CLIENT = `
const http2 = require('http2');
const [authority, early] = process.argv.slice(1);
let session;
const told = {};
const ask = (method, path, body = '', headers = {}) => new Promise((resolve) => {
  const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: method !== 'POST' });
  let status = '';
  stream.on('response', (h) => { status = ' ' + h[':status']; });
  stream.on('error', () => {});
  stream.on('close', () => { const row = method + ' ' + path + status; told[row] = (told[row] ?? 0) + 1; resolve(); });
  stream.resume();
  if (method === 'POST') { for (let i = 0; i < 3; i++) stream.write(body); stream.end(); }
});
(async () => {
  const begin = () => { session = http2.connect(authority, { rejectUnauthorized: false, settings: { maxHeaderListSize: 1e6 } }); };
  if (early) { begin(); await ask('GET', '/small'); await ask('GET', '/before'); for (const row in told) delete told[row]; }
  console.log('ready');
  await new Promise((go) => process.stdin.once('data', go));
  if (!early) begin();
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 20 }, () => ask('GET', '/small')));
    await Promise.all([ask('GET', '/big'), ask('GET', '/status/404'), ask('HEAD', '/small'), ask('GET', '/status/500'), ask('GET', '/big')]);
    await Promise.all([ask('GET', '/reset'), ask('GET', '/early'), ask('GET', '/trailers')]);
    await ask('POST', '/posts', Buffer.alloc(50_000, 65));
    await ask('GET', '/long', '', { 'x-long': 'y'.repeat(${LONG_HEADER_BYTES}) });
    await ask('GET', '/after', '', { cookie: 'secret=' + round });
  }
  console.log(JSON.stringify(told));
  session.close();
})();`;

const has = (program: string) => spawnSync('which', [program]).status === 0;
const countOf = (rows: readonly HttpRouteRow[]) => rows.reduce((sum, { count }) => sum + count, 0);
/** Numbers of a path are ids. */
const asRoutes = (told: Record<string, number>) => {
  const rows: Record<string, number> = {};
  for (const [row, count] of Object.entries(told)) {
    const route = row.replace(/\/\d+/, '/:id');
    rows[route] = (rows[route] ?? 0) + count;
  }
  return rows;
};

describe('HTTP/2 of other programs', function () {
  this.timeout(180_000);
  let folder: string;
  let port: number;
  const children: ChildProcess[] = [];
  let trace: TracedHttp | null = null;

  before(function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'http2-'));
    const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, '-days', '2', '-subj', '/CN=x'];
    execFileSync('openssl', request, { stdio: 'ignore' });
  });

  after(() => folder && rmSync(folder, { recursive: true }));

  beforeEach(async () => {
    port = await freePort();
  });

  afterEach(async () => {
    trace?.end();
    trace = null;
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await exited;
    }
  });

  function start(program: string, args: string[]): ChildProcess {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  }

  const nextLine = (child: ChildProcess): Promise<string> =>
    new Promise((resolve, reject) => {
      let said = '';
      child.once('close', () => reject(new Error(`it ended: ${said}`)));
      child.stdout!.on('data', (chunk) => {
        said += chunk;
        if (said.includes('\n')) resolve(said);
      });
    });

  for (const scheme of ['http', 'https'] as const)
    it(`Node.js serves and asks, ${scheme}: both ends as the client was told`, async function () {
      if (scheme === 'https' && process.arch !== 'x64') {
        console.log('      skipped: probe points are found in x86-64 code only');
        this.skip();
      }
      const server = start(process.execPath, [
        '-e',
        NODE_SERVER,
        folder,
        String(port),
        scheme === 'https' ? 'tls' : 'plain',
      ]);
      await listening(port);
      const client = start(process.execPath, ['-e', NODE_CLIENT, `${scheme}://127.0.0.1:${port}`]);
      await nextLine(client);
      trace = await TracedHttp.start([server.pid!, client.pid!]);
      const result = nextLine(client);
      client.stdin!.write('go\n');
      const told = JSON.parse(await result) as Record<string, number>;
      const total = Object.values(told).reduce((a, b) => a + b, 0);
      await until(() => {
        const { routes, clients } = trace!.section();
        return countOf(routes) === total && countOf(clients) === total;
      }, 'both ends of every request');
      const { routes, clients, uncounted, exemplars } = trace.section();
      assert.deepEqual(countsOf(routes), asRoutes(told), JSON.stringify(uncounted));
      assert.deepEqual(countsOf(clients), asRoutes(told));
      assert.deepEqual(uncounted, {});
      for (const row of [...routes, ...clients]) assert.deepEqual([row.protocol, row.tls], ['h2', scheme === 'https']);
      const row = (route: string, method = 'GET') =>
        routes.find((one) => one.route === route && one.method === method)!;
      assert.ok(row('/big').bytesOut > 6 * BODY_BYTES);
      assert.ok(row('/posts', 'POST').bytesIn > 3 * 150_000);
      assert.ok(row('/long').bytesIn > 3 * LONG_HEADER_BYTES * 0.6);
      assert.equal(row('/reset').errors, 3);
      assert.deepEqual(
        exemplars.filter(({ route, side }) => route === '/reset' && side === 'server').map(({ error }) => error),
        Array(3).fill('reset'),
      );
      assert.ok(!JSON.stringify(trace.section()).includes('secret'));
    });

  it("joins a connection of Node.js: every request counts, none under another's name", async () => {
    const server = start(process.execPath, ['-e', NODE_SERVER, folder, String(port), 'plain']);
    await listening(port);
    const client = start(process.execPath, ['-e', NODE_CLIENT, `http://127.0.0.1:${port}`, 'early']);
    await nextLine(client);
    trace = await TracedHttp.start([server.pid!, client.pid!]);
    const result = nextLine(client);
    client.stdin!.write('go\n');
    const told = asRoutes(JSON.parse(await result) as Record<string, number>);
    const total = Object.values(told).reduce((a, b) => a + b, 0);
    await until(() => {
      const { routes, clients } = trace!.section();
      return countOf(routes) === total && countOf(clients) === total;
    }, 'both ends of every request');
    const { routes, clients } = trace.section();
    for (const rows of [routes, clients]) {
      let exact = 0;
      for (const [row, count] of Object.entries(countsOf(rows))) {
        if (row.includes('?')) continue;
        assert.ok(count <= told[row], `${row}: ${count} of ${told[row]}`);
        exact += count;
      }
      assert.ok(exact > total / 3, JSON.stringify(countsOf(rows)));
    }
  });

  it('says how many requests it lost where records find no room, and has no false rows', async function () {
    if (!has('h2load')) {
      console.log('      skipped: needs h2load');
      this.skip();
    }
    const server = start(process.execPath, ['-e', NODE_SERVER, folder, String(port), 'plain']);
    await listening(port);
    trace = await TracedHttp.start([server.pid!], ['ringroom']);
    const uris = ['/status/404', '/small', '/status/503', '/after'].map((path) => `http://127.0.0.1:${port}${path}`);
    const load = spawnSync('h2load', ['-n', '4000', '-c', '4', '-m', '30', ...uris], { encoding: 'utf8' });
    assert.match(load.stdout, /4000 done/);
    const lost = (uncounted: Record<string, number>) => uncounted['HTTP/2 headers lost'] ?? 0;
    await until(() => {
      const { routes, uncounted } = trace!.section();
      return countOf(routes) + lost(uncounted) === 4_000;
    }, 'every request counted or lost');
    const { routes, uncounted } = trace.section();
    assert.ok(lost(uncounted) > 0);
    const known = ['GET /status/:id 404', 'GET /status/:id 503', 'GET /small 200', 'GET /after 200'];
    for (const row of Object.keys(countsOf(routes))) {
      if (row.includes('?')) continue;
      assert.ok(known.includes(row) || known.some((one) => one.startsWith(`${row} `)), row);
    }
  });

  for (const scheme of ['http', 'https'] as const)
    it(`nginx and h2load, ${scheme}: as the one has logged and the other was told`, async function () {
      if (!has('nginx') || !has('h2load') || (scheme === 'https' && process.arch !== 'x64')) {
        console.log('      skipped: needs nginx and h2load');
        this.skip();
      }
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${folder};`,
      );
      const tls =
        scheme === 'https' ? `ssl; ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem` : '';
      const listen = scheme === 'https' ? `listen 127.0.0.1:${port} http2 ${tls};` : `listen 127.0.0.1:${port} http2;`;
      writeFileSync(join(folder, 'file'), 'x'.repeat(BODY_BYTES));
      rmSync(join(folder, 'counts'), { force: true });
      writeFileSync(
        join(folder, 'nginx.conf'),
        `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; events {}
         http { ${temporary.join(' ')} log_format counts '$request_method $uri $status'; access_log ${folder}/counts counts; sendfile on;
           keepalive_requests 100000; server { ${listen} location / { return 200 "hello"; }
             location = /missing { return 404; } location = /file { root ${folder}; } } }`,
      );
      const nginx = start('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder]);
      await listening(port);
      trace = await TracedHttp.start([nginx.pid!]);
      const uris = ['/users/1', '/users/2?q=secret', '/missing', '/file'].map(
        (path) => `${scheme}://127.0.0.1:${port}${path}`,
      );
      const load = spawnSync('h2load', ['-n', '2000', '-c', '5', '-m', '20', ...uris], { encoding: 'utf8' });
      const [, good, , bad] = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx/.exec(load.stdout) ?? [];
      assert.deepEqual([Number(good), Number(bad)], [1_500, 500], load.stdout);
      const asked = { 'GET /users/:id 200': 1_000, 'GET /missing 404': 500, 'GET /file 200': 500 };
      await until(() => countOf(trace!.section().routes) === 2_000, 'every request');
      nginx.kill('SIGQUIT');
      await new Promise((resolve) => nginx.once('close', resolve));
      const { routes, uncounted, connections } = trace.section();
      assert.deepEqual(countsOf(routes), asked, JSON.stringify(uncounted));
      assert.deepEqual([uncounted, connections], [{}, 5]);
      const logged: Record<string, number> = {};
      for (const line of readFileSync(join(folder, 'counts'), 'utf8').trim().split('\n'))
        logged[line] = (logged[line] ?? 0) + 1;
      assert.deepEqual(countsOf(routes), asRoutes(logged));
      assert.ok(routes.find(({ route }) => route === '/file')!.bytesOut > 500 * BODY_BYTES);
    });
});
