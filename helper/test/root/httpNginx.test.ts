// HTTP/1 of a server that nobody here wrote, under load: what is counted is what its own log says, request for request.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './freePort';
import { countsOf, TracedHttp } from './httpHarness';

/** One of Debian's, with a log that says method, path and status of each request. */
class Nginx {
  private readonly exited: Promise<void>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly port: number,
  ) {
    this.exited = new Promise((resolve) => child.once('close', () => resolve()));
  }

  get pid(): number {
    return this.child.pid!;
  }

  static async start(folder: string): Promise<Nginx> {
    const port = await freePort();
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder};`,
    );
    writeFileSync(join(folder, 'file'), 'x'.repeat(100_000));
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; events {}
       http { ${temporary.join(' ')} log_format counts '$request_method $uri $status'; access_log ${folder}/counts counts;
         keepalive_requests 10000000; sendfile on;
         server { listen 127.0.0.1:${port}; location / { return 200 "hello"; } location = /missing { return 404; }
           location = /broken { return 500; } location = /file { root ${folder}; } } }`,
    );
    const nginx = new Nginx(spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder]), folder, port);
    for (;;) {
      const socket = connect(port, '127.0.0.1');
      const open = await new Promise((resolve) =>
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
      );
      socket.destroy();
      if (open) return nginx;
    }
  }

  /** Once all that it was asked is answered and logged. */
  async stop(): Promise<void> {
    this.child.kill('SIGQUIT');
    await this.exited;
  }

  /** As countsOf() has it: 499 is nginx's word for a client that went away. */
  logged(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const line of readFileSync(join(this.folder, 'counts'), 'utf8').trim().split('\n')) {
      const row = line.replace(/\/\d+/g, '/:id').replace(/ 499$/, '');
      counts[row] = (counts[row] ?? 0) + 1;
    }
    return counts;
  }
}

describe('HTTP of nginx', function () {
  this.timeout(60_000);
  let folder: string;

  before(function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'http-nginx-'));
  });
  after(() => folder && rmSync(folder, { recursive: true }));

  it('counts what nginx logs under wrk, request for request', async function () {
    const missing = ['nginx', 'wrk'].find((program) => spawnSync('which', [program]).status !== 0);
    if (missing) {
      console.log(`      skipped: ${missing} is not installed`);
      this.skip();
    }
    const nginx = await Nginx.start(folder);
    try {
      const running = await TracedHttp.start([nginx.pid]);
      const script = join(folder, 'paths.lua');
      writeFileSync(
        script,
        `local paths = {"/", "/users/17", "/users/18/orders?x=1", "/missing", "/broken", "/file"}
         local n = 0
         request = function() n = n + 1; return wrk.format(n % 7 == 0 and "HEAD" or "GET", paths[n % #paths + 1]) end`,
      );
      const wrk = spawn('wrk', ['-t1', '-c20', '-d1', '-s', script, `http://127.0.0.1:${nginx.port}`]);
      await new Promise((resolve) => wrk.once('close', resolve));
      await nginx.stop();
      const section = running.end();
      assert.deepEqual(countsOf(section.routes), nginx.logged());
      assert.deepEqual(section.uncounted, {});
      assert.equal(section.lost, 0);
      assert.ok(section.requests > 100);
    } finally {
      await nginx.stop();
    }
  });
});
