// HTTP/1 as BPF reads it on real sockets: which bytes go through which system call is decided by each test, and what is counted is
// compared with what was said.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpFilter } from '../../src/protocol';
import { freePort } from './freePort';
import { conversation, pieces, randomFrom } from './httpConversations';
import { base64, countsOf, Talker, TracedHttp } from './httpHarness';

/** All with one seed. */
const CONVERSATIONS = 150;

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** The untraced end of a connection. */
class Peer {
  private received = Buffer.alloc(0);
  readonly closed: Promise<void>;

  constructor(readonly socket: Socket) {
    socket.on('data', (data) => {
      this.received = Buffer.concat([this.received, data]);
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async to(port: number | string): Promise<Peer> {
    const socket = typeof port === 'string' ? connect(port.replace('@', '\0')) : connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Peer(socket);
  }

  say(text: string): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, 'latin1', () => resolve()));
  }

  async hears(bytes: number): Promise<string> {
    while (this.received.length < bytes) await new Promise((resolve) => this.socket.once('data', resolve));
    const text = this.received.toString('latin1', 0, bytes);
    this.received = this.received.subarray(bytes);
    return text;
  }
}

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

describe('HTTP/1 on sockets', function () {
  this.timeout(60_000);
  let talker: Talker;
  let trace: TracedHttp | null = null;
  let folder: string;
  let port: number;

  before(function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'http-'));
  });

  after(() => rmSync(folder, { recursive: true }));

  beforeEach(async () => {
    talker = await Talker.start();
    port = (await talker.say('listen', 'l', '127.0.0.1')) as number;
  });

  afterEach(() => {
    trace?.end();
    trace = null;
    talker.end();
  });

  async function traced(): Promise<TracedHttp> {
    trace = await TracedHttp.start([talker.pid]);
    return trace;
  }

  async function accepted(name = 'c'): Promise<Peer> {
    const peer = await Peer.to(port);
    await talker.say('accept', name, 'l');
    return peer;
  }

  /** A request of one `send` and its answer of another. */
  async function exchange(peer: Peer, request: string, answer: string, name = 'c'): Promise<void> {
    await peer.say(request);
    await talker.say('exactly', name, request.length);
    await talker.say('send', name, base64(answer));
    await peer.hears(answer.length);
  }

  const counted = () => countsOf(trace!.section().routes);

  it('counts requests by method, route and status, with their bytes', async () => {
    await traced();
    const peer = await accepted();
    const request = 'GET /users/17?token=secret HTTP/1.1\r\nHost: x\r\n\r\n';
    await exchange(peer, request, OK);
    await exchange(
      peer,
      'POST /users HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello',
      'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n',
    );
    assert.deepEqual(counted(), { 'GET /users/:id 200': 1, 'POST /users 404': 1 });
    const { routes, uncounted, exemplars } = trace!.section();
    const row = routes.find(({ method }) => method === 'GET')!;
    assert.deepEqual([row.bytesIn, row.bytesOut], [request.length, OK.length]);
    assert.deepEqual(uncounted, {});
    assert.ok(!JSON.stringify(exemplars).includes('secret'));
  });

  it('counts a time in the bucket that it belongs to', async () => {
    await traced();
    const peer = await accepted();
    // Failed ones have a span each, with the exact time.
    const failure = 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n';
    for (let i = 0; i < 20; i++) await exchange(peer, `GET /r${i}/x HTTP/1.1\r\n\r\n`, failure);
    const { routes, exemplars } = trace!.end();
    trace = null;
    assert.equal(exemplars.length, 20);
    for (const span of exemplars) {
      const exactMs = (span.endNs - span.startNs) / 1e6;
      const row = routes.find(({ route }) => route === span.target)!;
      assert.ok(Math.abs(row.p50Ms - exactMs) <= exactMs / 64 + 64e-6, `${row.p50Ms} for ${exactMs}`);
      assert.equal(row.maxMs, exactMs);
    }
  });

  for (const how of ['send', 'write', 'bytewise', 'more'])
    it(`reads heads that come and go by ${how}`, async () => {
      await traced();
      const peer = await accepted();
      const request = 'PROPFIND /dav/a HTTP/1.1\r\nX-Long: 12345678901234567890\r\ncontent-LENGTH:  3 \r\n\r\nabc';
      for (const byte of how === 'bytewise' ? request : [request]) {
        await peer.say(byte);
        await talker.say('exactly', 'c', byte.length);
      }
      await talker.say(how, 'c', base64(OK));
      if (how === 'more') await talker.say('send', 'c', base64('HTTP/1.1 200 OK'));
      await peer.hears(OK.length);
      assert.deepEqual(counted(), { 'PROPFIND /dav/a 200': 1 });
    });

  it('reads heads in many vectors, empty ones among them, and what was peeked at first once', async () => {
    await traced();
    const peer = await accepted();
    const request =
      'DELETE /things/0123456789abcdef0123 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
    await peer.say(request);
    await talker.say('peek', 'c', 20);
    await talker.say('peek', 'c', 500);
    await talker.say('readv', 'c', [0, 1, 2, 0, 3, 500]);
    const pieces = [...OK].flatMap((byte) => [base64(byte), '']);
    await talker.say('writev', 'c', pieces);
    await peer.hears(OK.length);
    await peer.say(request);
    await talker.say('recvmsg', 'c', [7, 0, 500]);
    await talker.say('sendmsg', 'c', [...Array<string>(900).fill(''), base64(OK)]);
    await peer.hears(OK.length);
    assert.deepEqual(counted(), { 'DELETE /things/:hash 200': 2 });
  });

  it('pairs the answers of pipelined requests in order', async () => {
    await traced();
    const peer = await accepted();
    const requests = [200, 404, 500, 201, 302].map((status) => `GET /${status} HTTP/1.1\r\n\r\n`).join('');
    const answers = [200, 404, 500, 201, 302]
      .map((status) => `HTTP/1.1 ${status} X\r\nContent-Length: 1\r\n\r\nx`)
      .join('');
    await exchange(peer, requests, answers);
    assert.deepEqual(Object.values(countsOf(trace!.section().routes)), [1, 1, 1, 1, 1]);
    for (const { statuses, route } of trace!.section().routes)
      assert.ok(route === '/:id', `${route} ${JSON.stringify(statuses)}`);
  });

  it('says of how many it lost sight where more wait than its queue holds', async () => {
    await traced();
    const peer = await accepted();
    await exchange(peer, 'GET /a HTTP/1.1\r\n\r\n'.repeat(40), OK.repeat(40));
    await exchange(peer, 'GET /b HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(counted(), { 'GET /a 200': 32, 'GET /b 200': 1 });
    assert.deepEqual(trace!.section().uncounted, { 'pipelined too deep': 8 });
  });

  it('takes interim answers for none, and no body for HEAD, 204 and 304', async () => {
    await traced();
    const peer = await accepted();
    await exchange(
      peer,
      'POST /up HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n${OK}`,
    );
    await exchange(peer, 'HEAD /h HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n');
    await exchange(peer, 'GET /n HTTP/1.1\r\n\r\n', 'HTTP/1.1 204 No\r\n\r\n');
    await exchange(peer, 'GET /m HTTP/1.1\r\n\r\n', 'HTTP/1.1 304 No\r\nContent-Length: 50\r\n\r\n');
    await exchange(peer, 'GET /z HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(counted(), {
      'POST /up 200': 1,
      'HEAD /h 200': 1,
      'GET /n 204': 1,
      'GET /m 304': 1,
      'GET /z 200': 1,
    });
  });

  it('takes no line of a body for a head', async () => {
    await traced();
    const peer = await accepted();
    const inBody = 'GET /evil HTTP/1.1\r\nHost: x\r\n\r\nHTTP/1.1 500 Evil\r\nContent-Length: 0\r\n\r\n';
    const length = inBody.length;
    await exchange(
      peer,
      `PUT /a HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n${inBody}`,
      `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${inBody}`,
    );
    // Each piece in a call of its own.
    const chunk = `${length.toString(16)};x="\r"\r\n`;
    for (const piece of [
      'PUT /b HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n',
      chunk,
      inBody,
      '\r\n0\r\nTrailer: y\r\n\r\n',
    ]) {
      await peer.say(piece);
      await talker.say('exactly', 'c', piece.length);
    }
    for (const piece of ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', chunk, inBody, '\r\n0\r\n\r\n'])
      await talker.say('send', 'c', base64(piece));
    await exchange(peer, 'GET /c HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(counted(), { 'PUT /a 200': 1, 'PUT /b 200': 1, 'GET /c 200': 1 });
  });

  it('ends an answer without a length with its connection', async () => {
    await traced();
    const peer = await accepted();
    await peer.say('GET /old HTTP/1.0\r\n\r\n');
    await talker.say('recv', 'c', 100);
    await talker.say('send', 'c', base64('HTTP/1.0 200 OK\r\n\r\n'));
    await talker.say('send', 'c', base64('HTTP/1.1 500 this is body'));
    assert.deepEqual(counted(), {});
    await talker.say('close', 'c');
    await peer.closed;
    assert.deepEqual(counted(), { 'GET /old 200': 1 });
    assert.equal(trace!.section().routes[0].protocol, 'HTTP/1.0');
  });

  it('counts WebSocket frames by route, control frames apart', async () => {
    await traced();
    const peer = await accepted();
    const answer = 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n';
    const masked = (opcode: number, payload: number) => {
      const long = [0xff, 0, 0, 0, 0, 0, payload >> 16, (payload >> 8) & 255, payload & 255];
      const length = payload < 126 ? [0x80 | payload] : payload < 65_536 ? [0xfe, payload >> 8, payload & 255] : long;
      const head = String.fromCharCode(0x80 | opcode, ...length, 1, 2, 3, 4);
      return head + 'x'.repeat(payload);
    };
    // The first frame follows the head at once.
    const request = 'GET /chat/7 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
    await exchange(peer, request, `${answer}\x81\x02hi`);
    for (const frame of [masked(1, 5), masked(2, 300), masked(2, 70_000), masked(9, 3), masked(1, 0)]) {
      await peer.say(frame);
      await talker.say('exactly', 'c', frame.length);
    }
    const fragments = `\x02\x7e\x00\x80${'y'.repeat(128)}\x80\x00`;
    await talker.say('bytewise', 'c', base64(`\x8a\x03abc${fragments}\x88\x02\x03\xe8`));
    const close = masked(8, 2);
    await peer.say(close);
    await talker.say('exactly', 'c', close.length);
    await talker.say('close', 'c');
    await peer.closed;
    assert.deepEqual(counted(), { 'GET /chat/:id 101': 1 });
    assert.deepEqual(trace!.section().websockets, [
      {
        side: 'server',
        route: '/chat/:id',
        opened: 1,
        closed: 1,
        framesIn: 4,
        framesOut: 3,
        controlIn: 2,
        controlOut: 2,
        bytesIn: 5 + 300 + 70_000 + 3 + 2,
        bytesOut: 2 + 3 + 128 + 2,
      },
    ]);
  });

  it('leaves what follows another upgrade or CONNECT alone', async () => {
    await traced();
    const upgrade = 'Upgrade: other\r\nConnection: Upgrade\r\n\r\n';
    for (const [name, request, answer] of [
      ['u', `GET /chat HTTP/1.1\r\n${upgrade}`, `HTTP/1.1 101 Switching\r\n${upgrade}`],
      ['p', 'CONNECT example.org:443 HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 Connected\r\n\r\n'],
    ]) {
      const peer = await accepted(name);
      await exchange(peer, request, answer, name);
      await exchange(peer, 'GET /inside HTTP/1.1\r\n\r\n', OK, name);
    }
    assert.deepEqual(counted(), { 'GET /chat 101': 1, 'CONNECT :host 200': 1 });
  });

  it('finds the path of an absolute target, and none in *', async () => {
    await traced();
    const peer = await accepted();
    await exchange(peer, 'GET http://user:password@example.org/a/7 HTTP/1.1\r\n\r\n', OK);
    await exchange(peer, 'GET http://example.org HTTP/1.1\r\n\r\n', OK);
    await exchange(peer, 'OPTIONS * HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(counted(), { 'GET /a/:id 200': 1, 'GET / 200': 1, 'OPTIONS * 200': 1 });
    assert.ok(!JSON.stringify(trace!.section()).includes('password'));
  });

  for (const [protocol, request, answer] of [
    ['RTSP', 'DESCRIBE rtsp://x/y RTSP/1.0\r\nCSeq: 1\r\n\r\n', 'RTSP/1.0 200 OK\r\n\r\n'],
    ['SIP', 'INVITE sip:a@b SIP/2.0\r\n\r\n', 'SIP/2.0 200 OK\r\n\r\n'],
    ['ICAP', 'REQMOD icap://x/y ICAP/1.0\r\n\r\n', 'ICAP/1.0 200 OK\r\n\r\n'],
    ['Redis', 'GET key\r\n', '$5\r\nhello\r\n'],
    ['SMTP', 'EHLO x\r\n', '250 OK\r\n'],
    ['HTTP/0.9', 'GET /\r\n', '<html>'],
    ['TLS', '\x16\x03\x01\x00\x05hello', '\x16\x03\x03'],
    ['garbage', 'GET \x00\x01\x02 HTTP/1.1\r\n\r\n', 'HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n'],
  ])
    it(`does not take ${protocol} for HTTP`, async () => {
      await traced();
      const peer = await accepted();
      await exchange(peer, request, answer);
      await exchange(peer, 'GET /after HTTP/1.1\r\n\r\n', OK);
      assert.deepEqual(counted(), {});
      assert.equal(trace!.section().connections, 0);
    });

  it('leaves out what the filter says, and counts how much that was', async () => {
    const second = await Talker.start();
    try {
      const other = (await second.say('listen', 'l', '127.0.0.1')) as number;
      const ask = async (to: Talker, at: number, line: string, delayMs = 0) => {
        const peer = await Peer.to(at);
        await peer.say(`${line} HTTP/1.1\r\nHost: x\r\n\r\n`);
        await to.say('accept', 'c', 'l');
        await to.say('recv', 'c', 65_536);
        if (delayMs) await new Promise((resolve) => setTimeout(resolve, delayMs));
        await to.say('send', 'c', base64(OK));
        await peer.hears(OK.length);
        await to.say('close', 'c');
        peer.socket.destroy();
      };
      const counted = async (filter: HttpFilter) => {
        const trace = await TracedHttp.start([talker.pid, second.pid], [], { filter });
        await ask(talker, port, 'GET /api/users/1');
        await ask(talker, port, 'POST /api/users', 300);
        await ask(talker, port, 'GET http://host/api/items');
        await ask(talker, port, 'GET /apple');
        await ask(second, other, 'GET /api/other', 300);
        const { requests, routes, uncounted, exemplars } = trace.end();
        assert.equal(requests + (uncounted['left out by the filter'] ?? 0), 5);
        assert.ok(exemplars.length <= requests);
        return Object.keys(countsOf(routes)).sort();
      };
      assert.deepEqual(await counted({ path: '/api/', methods: ['PUT', 'GET'], ports: [port] }), [
        'GET /api/items 200',
        'GET /api/users/:id 200',
      ]);
      assert.deepEqual(await counted({ pids: [talker.pid], minLatencyMs: 300 }), ['POST /api/users 200']);
    } finally {
      second.end();
    }
  });

  it('counts outgoing calls apart, and a process that calls itself on both sides', async () => {
    await traced();
    await talker.say('connect', 'o', '127.0.0.1', port);
    await talker.say('accept', 'c', 'l');
    const request = 'GET /self/5 HTTP/1.1\r\n\r\n';
    await talker.say('send', 'o', base64(request));
    await talker.say('exactly', 'c', request.length);
    await talker.say('send', 'c', base64(OK));
    await talker.say('exactly', 'o', OK.length);
    const { routes, clients } = trace!.section();
    assert.deepEqual(countsOf(routes), { 'GET /self/:id 200': 1 });
    assert.deepEqual(countsOf(clients), { 'GET /self/:id 200': 1 });
    assert.deepEqual([routes[0].bytesIn, clients[0].bytesIn], [request.length, OK.length]);
  });

  it('ends an outgoing answer without a length where the server closes', async () => {
    await traced();
    await talker.say('connect', 'o', '127.0.0.1', port);
    await talker.say('accept', 'c', 'l');
    await talker.say('send', 'o', base64('GET /x HTTP/1.0\r\n\r\n'));
    await talker.say('recv', 'c', 100);
    await talker.say('send', 'c', base64('HTTP/1.0 404 No\r\n\r\nbody'));
    await talker.say('close', 'c');
    await talker.say('exactly', 'o', 'HTTP/1.0 404 No\r\n\r\nbody'.length);
    assert.equal(await talker.say('recv', 'o', 10), '');
    assert.deepEqual(countsOf(trace!.section().clients), { 'GET /x 404': 1 });
  });

  it('never takes body text for a head where it was attached in the middle of a body', async () => {
    const peer = await accepted();
    const body = 'GET /evil HTTP/1.1\r\nHost: x\r\n\r\n';
    await peer.say(`POST /up HTTP/1.1\r\nContent-Length: ${2 * body.length}\r\n\r\n`);
    await talker.say('recv', 'c', 1000);
    await traced();
    for (let i = 0; i < 2; i++) {
      await peer.say(body);
      await talker.say('exactly', 'c', body.length);
    }
    await talker.say('send', 'c', base64(OK));
    await peer.hears(OK.length);
    assert.deepEqual(counted(), {});
    assert.deepEqual(trace!.section().uncounted, { 'request before attach': 1 });
    // From the next request on all is counted.
    await exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(counted(), { 'GET /next 200': 1 });
  });

  it('counts requests that got no answer, without a status', async () => {
    await traced();
    const peer = await accepted();
    await peer.say('GET /lost HTTP/1.1\r\n\r\n');
    await talker.say('recv', 'c', 100);
    await talker.say('reset', 'c');
    await peer.closed;
    assert.deepEqual(counted(), { 'GET /lost': 1 });
    assert.equal(trace!.section().routes[0].errors, 1);
  });

  it('counts an answer that was cut short under its status', async () => {
    await traced();
    const peer = await accepted();
    await peer.say('GET /cut HTTP/1.1\r\n\r\n');
    await talker.say('recv', 'c', 100);
    await talker.say('send', 'c', base64('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
    await peer.hears(10);
    await talker.say('reset', 'c');
    await peer.closed;
    assert.deepEqual(counted(), { 'GET /cut 200': 1 });
  });

  it('pairs an answer that comes before its upload ended', async () => {
    await traced();
    const peer = await accepted();
    await peer.say('PUT /big HTTP/1.1\r\nContent-Length: 20\r\n\r\n0123456789');
    await talker.say('recv', 'c', 1000);
    await talker.say('send', 'c', base64('HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n'));
    const rest = 'GET /evil ';
    await peer.say(rest);
    await talker.say('exactly', 'c', rest.length);
    await exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(counted(), { 'PUT /big 413': 1, 'GET /next 200': 1 });
  });

  for (const [shape, headers] of [
    ['two lengths', 'Content-Length: 3\r\nContent-Length: 5'],
    ['a negative length', 'Content-Length: -3'],
    ['a length that is too long', `Content-Length: ${'9'.repeat(30)}`],
    ['a length with a sign', 'Content-Length: +3'],
    ['two numbers', 'Content-Length: 3 4'],
  ])
    it(`counts a request with ${shape} by its answer and reads nothing of its body`, async () => {
      await traced();
      const peer = await accepted();
      await exchange(
        peer,
        `POST /smuggle HTTP/1.1\r\n${headers}\r\n\r\nGET /evil HTTP/1.1\r\n\r\n`,
        'HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n',
      );
      await exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
      assert.deepEqual(counted(), { 'POST /smuggle 400': 1, 'GET /next 200': 1 });
    });

  it('lets transfer-encoding win over content-length', async () => {
    await traced();
    const peer = await accepted();
    await exchange(peer, 'POST /te HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', OK);
    await exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(counted(), { 'POST /te 200': 1, 'GET /next 200': 1 });
  });

  it('follows bodies that are sent from a file', async () => {
    await traced();
    const peer = await accepted();
    const file = join(folder, 'body');
    const body = 'HTTP/1.1 500 Evil\r\n\r\n'.repeat(20_000);
    writeFileSync(file, body);
    await peer.say('GET /file HTTP/1.1\r\n\r\n');
    await talker.say('recv', 'c', 100);
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
    await talker.say('send', 'c', base64(head));
    await talker.say('sendfile', 'c', file);
    await peer.hears(head.length + body.length);
    await exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(counted(), { 'GET /file 200': 1, 'GET /next 200': 1 });
    assert.equal(trace!.section().routes.find(({ route }) => route === '/file')!.bytesOut, head.length + body.length);
  });

  it('follows bodies that are spliced from one connection to another', async () => {
    await traced();
    const peer = await accepted();
    const upstream = (await talker.say('listen', 'lu', '127.0.0.1')) as number;
    await talker.say('connect', 'o', '127.0.0.1', upstream);
    await talker.say('accept', 'u', 'lu');
    const body = 'GET /evil HTTP/1.1\r\n\r\n'.repeat(1_000);
    const head = `PUT /big HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n`;
    await peer.say(head + body);
    await talker.say('exactly', 'c', head.length);
    await talker.say('send', 'o', base64(head));
    await talker.say('splice', 'c', 'o', body.length);
    await talker.say('exactly', 'u', head.length + body.length);
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
    await talker.say('send', 'u', base64(answer + body));
    await talker.say('exactly', 'o', answer.length);
    await talker.say('send', 'c', base64(answer));
    await talker.say('splice', 'o', 'c', body.length);
    await peer.hears(answer.length + body.length);
    await exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    await talker.say('send', 'o', base64('GET /last HTTP/1.1\r\n\r\n'));
    await talker.say('recv', 'u', 1_000);
    await talker.say('send', 'u', base64(OK));
    await talker.say('exactly', 'o', OK.length);
    const { routes, clients, uncounted } = trace!.section();
    // The talker is server twice: to the test, and to itself.
    assert.deepEqual(countsOf(routes), { 'PUT /big 200': 2, 'GET /next 200': 1, 'GET /last 200': 1 });
    assert.deepEqual(countsOf(clients), { 'PUT /big 200': 1, 'GET /last 200': 1 });
    assert.deepEqual(uncounted, {});
    assert.equal(clients.find(({ route }) => route === '/big')!.bytesIn, answer.length + body.length);
  });

  it('knows a connection by its socket: duplicated, in a child, its number used again before an answer', async () => {
    await traced();
    const peer = await accepted();
    await talker.say('dup', 'd', 'c');
    await peer.say('GET /dup HTTP/1.1\r\n\r\n');
    await talker.say('recv', 'c', 100);
    await talker.say('close', 'c');
    // Takes the number that was closed.
    const other = await accepted('e');
    await exchange(other, 'GET /reused HTTP/1.1\r\n\r\n', OK, 'e');
    await talker.say('send', 'd', base64('HTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n'));
    await peer.hears(20);
    await peer.say('GET /child HTTP/1.1\r\n\r\n');
    await talker.say('fork', '', [
      ['recv', 'd', 100],
      ['send', 'd', base64(OK)],
    ]);
    await peer.hears(20);
    assert.deepEqual(counted(), { 'GET /dup 202': 1, 'GET /reused 200': 1, 'GET /child 200': 1 });
  });

  it('reads Unix sockets, also abstract ones, and marks those that were there before', async () => {
    const old = join(folder, 'old');
    await talker.say('listenUnix', 'lo', old);
    const before = await Peer.to(old);
    await talker.say('accept', 'o', 'lo');
    await before.say('POST /up HTTP/1.1\r\nContent-Length: 50\r\n\r\n');
    await talker.say('recv', 'o', 1000);
    await traced();
    const body = 'GET /evil HTTP/1.1\r\n\r\n'.padEnd(50);
    await before.say(body);
    await talker.say('exactly', 'o', 50);
    await talker.say('send', 'o', base64(OK));
    await before.hears(OK.length);
    const name = `@http-test-${process.pid}`;
    await talker.say('listenUnix', 'la', name);
    const peer = await Talker.start();
    try {
      await peer.say('connectUnix', 'p', name);
      await talker.say('accept', 'c', 'la');
      const request = 'GET /unix HTTP/1.1\r\n\r\n';
      await peer.say('send', 'p', base64(request));
      await talker.say('exactly', 'c', request.length);
      await talker.say('send', 'c', base64(OK));
    } finally {
      peer.end();
    }
    assert.deepEqual(counted(), { 'GET /unix 200': 1 });
  });

  it('reads a header line of 64 KiB and a target of 20 KiB', async () => {
    await traced();
    const peer = await accepted();
    const long = `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nX: ${'y'.repeat(65_536)}\r\n\r\n`;
    await exchange(peer, long, `HTTP/1.1 200 OK\r\nSet-Cookie: ${'z'.repeat(65_536)}\r\nContent-Length: 0\r\n\r\n`);
    await exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    const { routes } = trace!.section();
    assert.deepEqual(
      routes.map(({ count }) => count),
      [1, 1],
    );
    assert.equal(routes.find(({ route }) => route !== '/next')!.route.length, 128);
  });

  it('counts conversations of every framing, in pieces of any size', async function () {
    this.timeout(240_000);
    await traced();
    const random = randomFrom(20_261_201);
    const expected: Record<string, number> = {};
    for (let i = 0; i < CONVERSATIONS; i++) {
      const { requests, answers, counted: rows } = conversation(random);
      for (const [row, count] of Object.entries(rows)) expected[row] = (expected[row] ?? 0) + count;
      const peer = await Peer.to(port);
      const said = peer.say(requests);
      const sends: string[] = [];
      let at = 0;
      for (const size of pieces(random, answers.length)) {
        sends.push(base64(answers.slice(at, at + size)));
        at += size;
      }
      await talker.say('all', '', [
        ['accept', 'c', 'l'],
        ...pieces(random, requests.length).map((size) => ['exactly', 'c', size]),
        ...sends.map((piece, n) => (n % 5 === 0 ? ['writev', 'c', ['', piece]] : ['send', 'c', piece])),
      ]);
      await said;
      await peer.hears(answers.length);
      await talker.say('close', 'c');
      await peer.closed;
    }
    const { uncounted } = trace!.section();
    assert.deepEqual({ counted: counted(), uncounted }, { counted: expected, uncounted: {} });
  });

  it('folds thousands of paths into rows that are bounded', async () => {
    await traced();
    const peer = await accepted();
    const paths = Array.from({ length: 4_500 }, (_, i) => `/p${i}x/z`);
    for (let i = 0; i < paths.length; i += 30) {
      const requests = paths.slice(i, i + 30).map((path) => `GET ${path} HTTP/1.1\r\n\r\n`);
      await exchange(peer, requests.join(''), OK.repeat(30));
    }
    const { routes, requests } = trace!.section();
    assert.equal(requests, paths.length);
    assert.deepEqual(routes.map(({ route }) => route).sort(), ['(other)', '/:slug/z']);
  });

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
