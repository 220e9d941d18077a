// Two services and the calls between them, traced together: each call stands below the request that made it, each request of the
// second service below its call. The words in their paths are the truth.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { get } from 'node:http';
import type { HttpSpan } from '../../src/protocol';
import { freePort } from './freePort';
import { until } from './helperProcess';
import { TracedHttp } from './httpHarness';

const WORDS = 'oak elm fir ash yew box bay fig may sal tea nut'.split(' ');
const MORE = WORDS.map((word) => `${word}-tree`);

const BACK = `require('http').createServer((q, s) => setTimeout(() => s.end('x'.repeat(100)), 5 + Math.random() * 40))
  .listen(PORT, '127.0.0.1');`;
/**
 * Calls at once, and after a timer: no thread tells whose call it is, only the order of what follows. None before it is traced: of a
 * connection that is older, the first request cannot be counted.
 */
const NODE_FRONT = `const http = require('http');
  http.createServer((q, s) => q.url === '/first' ? s.end('up') : setTimeout(() => http.get({ port: BACK, host: '127.0.0.1', path: '/back' + q.url },
    (a) => { a.resume(); a.on('end', () => s.end('done')); }), q.url.includes('tree') ? 10 : 0)).listen(PORT, '127.0.0.1');`;
/** A thread a connection. */
const PYTHON_FRONT = `
import http.client, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        call = http.client.HTTPConnection("127.0.0.1", BACK)
        call.request("GET", "/back" + self.path)
        body = call.getresponse().read()
        call.close()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
`;

function ask(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path, agent: false }, (answer) => answer.resume().once('end', resolve)).once(
      'error',
      reject,
    );
  });
}

describe('HTTP: calls between two traced services', function () {
  this.timeout(60_000);
  const started: ChildProcess[] = [];

  before(function () {
    if (process.getuid?.() === 0) return;
    console.log('      skipped: needs root');
    this.skip();
  });

  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  async function start(command: string, args: string[], port: number, path: string): Promise<number> {
    const child = spawn(command, args, { stdio: 'ignore' });
    started.push(child);
    for (;;)
      try {
        await ask(port, path);
        return child.pid!;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
  }

  async function waterfall(front: (port: number, back: number) => [string, string[]]): Promise<HttpSpan[]> {
    const [port, back] = [await freePort(), await freePort()];
    const node = (code: string, own: number) => [
      '-e',
      code.replaceAll('PORT', String(own)).replaceAll('BACK', String(back)),
    ];
    const backPid = await start(process.execPath, node(BACK, back), back, '/first');
    const [command, args] = front(port, back);
    const frontPid = await start(command, args, port, '/first');
    const trace = await TracedHttp.start([frontPid, backPid]);
    // Until every request gets a span.
    const asking = setInterval(() => void ask(back, '/warm').catch(() => {}), 50);
    try {
      await until(() => trace.section().spanRate === 1, 'full rate');
    } finally {
      clearInterval(asking);
    }
    await Promise.all([...WORDS, ...MORE].map((word) => ask(port, `/${word}`)));
    return trace.end().exemplars;
  }

  /** Of calls and of requests of the back: how many have a parent, and of these how many the right one. */
  function judge(
    spans: HttpSpan[],
    side: HttpSpan['side'],
  ): { all: number; linked: number; right: number; evidence: string[] } {
    const byId = new Map(spans.map((span) => [span.id, span]));
    const children = spans.filter((span) => span.side === side && /\/back/.test(span.target ?? ''));
    const linked = children.filter(({ parent }) => parent);
    const right = linked.filter((span) => {
      const parent = byId.get(span.parent!.id)!;
      return side === 'client' ? `/back${parent.target}` === span.target : parent.target === span.target;
    });
    const evidence = [...new Set(linked.flatMap(({ parent }) => parent!.evidence))].sort();
    return { all: children.length, linked: linked.length, right: right.length, evidence };
  }

  for (const [name, front, evidence] of [
    ['Node.js', [process.execPath, '-e', NODE_FRONT], 'answered next by the thread'],
    ['Python with threads', ['python3', '-c', PYTHON_FRONT], 'only open request of the thread'],
  ] as const)
    it(`${name}: none is linked wrongly, nearly all are`, async () => {
      const spans = await waterfall((port, back) => [
        front[0],
        [front[1], front[2].replaceAll('PORT', String(port)).replaceAll('BACK', String(back))],
      ]);
      const calls = judge(spans, 'client');
      assert.equal(calls.all, 24);
      assert.equal(calls.right, calls.linked, JSON.stringify(calls));
      assert.ok(calls.linked >= 16, JSON.stringify(calls));
      assert.ok(calls.evidence.includes(evidence), JSON.stringify(calls));
      assert.deepEqual(judge(spans, 'server'), { all: 24, linked: 24, right: 24, evidence: ['same connection'] });
    });
});
