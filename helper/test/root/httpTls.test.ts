// HTTP inside of TLS as the probes of TLS libraries see it: servers that nobody here wrote, and what their clients asked of them.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, listening } from './freePort';
import { countsOf, TracedHttp } from './httpHarness';

const BODY_BYTES = 300_000;

/** Each answers /big with many records, /status/N with that status, and echoes the length of what is posted. */
const SERVERS: Record<string, (folder: string, port: number) => [string, string[]]> = {
  'Python ssl': (folder, port) => {
    const script = join(folder, 'server.py');
    writeFileSync(
      script,
      `import http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_GET(self):
        body = b"x" * (${BODY_BYTES} if self.path == "/big" else 2)
        self.send_response(int(self.path.split("/")[2]) if self.path.startswith("/status/") else 200)
        self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_POST(self):
        body = str(len(self.rfile.read(int(self.headers["Content-Length"])))).encode()
        self.send_response(201); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
server = http.server.ThreadingHTTPServer(("127.0.0.1", ${port}), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("${folder}/cert.pem", "${folder}/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()`,
    );
    return ['python3', [script]];
  },
  'Node https': (folder, port) => {
    const script = join(folder, 'server.js');
    writeFileSync(
      script,
      `const fs = require('fs');
require('https').createServer({ key: fs.readFileSync('${folder}/key.pem'), cert: fs.readFileSync('${folder}/cert.pem') }, (q, s) => {
  if (q.method === 'POST') { let n = 0; q.on('data', (d) => { n += d.length; }); q.on('end', () => { s.statusCode = 201; s.end(String(n)); }); return; }
  if (q.url.startsWith('/status/')) s.statusCode = Number(q.url.split('/')[2]);
  s.end(q.url === '/big' ? 'x'.repeat(${BODY_BYTES}) : 'ok');
}).listen(${port}, '127.0.0.1');`,
    );
    return [process.execPath, [script]];
  },
  nginx: (folder, port) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder};`,
    );
    writeFileSync(join(folder, 'big'), 'x'.repeat(BODY_BYTES));
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; events {}
       http { ${temporary.join(' ')} access_log off; keepalive_requests 100000;
         server { listen 127.0.0.1:${port} ssl; ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
           location / { return 200 "ok"; } location /status/404 { return 404; } location /status/500 { return 500; }
           location = /big { root ${folder}; } location = /posts { proxy_pass http://127.0.0.1:1/; error_page 502 =201 /ok; } } }`,
    );
    return ['nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder]];
  },
};

function ask(port: number, agent: Agent, method: string, path: string, body = ''): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = body ? { 'Content-Length': body.length } : {};
    const options = { port, host: '127.0.0.1', agent, method, path, headers, rejectUnauthorized: false };
    request(options, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode!));
    })
      .once('error', reject)
      .end(body);
  });
}

describe('HTTP in TLS', function () {
  this.timeout(60_000);
  let folder: string;
  let server: ChildProcess | null = null;
  let trace: TracedHttp | null = null;

  before(function () {
    if (process.getuid?.() !== 0 || process.arch !== 'x64') {
      console.log('      skipped: needs root and x86-64');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'https-'));
    const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, '-days', '2', '-subj', '/CN=x'],
      {
        stdio: 'ignore',
      },
    );
  });

  after(() => folder && rmSync(folder, { recursive: true }));

  afterEach(async () => {
    trace?.end();
    trace = null;
    if (server && server.exitCode === null) {
      const exited = new Promise((resolve) => server!.once('close', resolve));
      server.kill('SIGTERM');
      await exited;
    }
    server = null;
  });

  for (const [name, start, without] of [
    ...Object.entries(SERVERS).map(([name, start]) => [name, start, []] as const),
    ['Python ssl', SERVERS['Python ssl'], ['uprobemulti']] as const,
    ['Python ssl', SERVERS['Python ssl'], ['uprobemulti', 'socktracepoints']] as const,
  ])
    it(`counts the requests of ${name} by route and status${without.map((rung) => ` without ${rung}`).join('')}`, async function () {
      const port = await freePort();
      const [program, args] = start(folder, port);
      if (spawnSync('which', [program]).status !== 0) {
        console.log(`      skipped: ${program} is not installed`);
        this.skip();
      }
      server = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      await listening(port);
      trace = await TracedHttp.start([server.pid!], [...without]);
      const agents = [1, 2, 3].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
      const asked: Record<string, number> = {};
      const count = async (agent: Agent, method: string, path: string, body = '') => {
        const row = `${method} ${path.replace(/\d+/, ':id')} ${await ask(port, agent, method, path, body)}`;
        asked[row] = (asked[row] ?? 0) + 1;
      };
      await Promise.all(
        agents.map(async (agent, i) => {
          for (let n = 0; n < 20; n++) {
            await count(agent, 'GET', `/users/${n}`);
            if (n % 5 === i) await count(agent, 'GET', '/big');
            if (n % 4 === i) await count(agent, 'GET', n % 8 === i ? '/status/404' : '/status/500');
            // Its lines look like heads.
            if (n % 3 === i && name !== 'nginx')
              await count(agent, 'POST', '/posts', 'GET /evil HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'.repeat(1_000));
          }
        }),
      );
      for (const agent of agents) agent.destroy();
      const { routes, uncounted } = trace.section();
      assert.deepEqual(countsOf(routes), asked, JSON.stringify({ uncounted, attach: trace.attach }));
      assert.ok(routes.every(({ tls }) => tls));
      assert.ok(routes.find(({ route }) => route === '/big')!.bytesOut > BODY_BYTES);
    });

  it('says that encrypted connections were not decoded where there are no probes', async () => {
    const port = await freePort();
    const [program, args] = SERVERS['Python ssl'](folder, port);
    server = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    await listening(port);
    trace = await TracedHttp.start([server.pid!], ['tlsprobes']);
    const agent = new Agent();
    await ask(port, agent, 'GET', '/users/1');
    agent.destroy();
    const { requests, uncounted } = trace.section();
    assert.equal(requests, 0);
    assert.deepEqual(uncounted, { 'TLS connections, not decoded': 1 });
  });
});
