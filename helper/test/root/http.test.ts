// HTTP/1 as BPF reads it on real sockets: which bytes go through which system call is decided by each test, and what is counted is
// compared with what was said.

import assert from 'node:assert/strict';
import type { HttpFilter } from '../../src/protocol';
import { base64, countsOf, Talker, TracedHttp } from './httpHarness';
import { converse, httpTalk, OK, Peer } from './httpTalk';

/** All with one seed. */
const CONVERSATIONS = 150;

describe('HTTP/1 on sockets', function () {
  this.timeout(60_000);
  const talk = httpTalk();

  it('counts requests by method, route and status, with their bytes', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    const request = 'GET /users/17?token=secret HTTP/1.1\r\nHost: x\r\n\r\n';
    await talk.exchange(peer, request, OK);
    await talk.exchange(
      peer,
      'POST /users HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello',
      'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n',
    );
    assert.deepEqual(talk.counted(), { 'GET /users/:id 200': 1, 'POST /users 404': 1 });
    const { routes, uncounted, exemplars } = talk.section();
    const row = routes.find(({ method }) => method === 'GET')!;
    assert.deepEqual([row.bytesIn, row.bytesOut], [request.length, OK.length]);
    assert.deepEqual(uncounted, {});
    assert.ok(!JSON.stringify(exemplars).includes('secret'));
  });

  it('counts a time in the bucket that it belongs to', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    // Failed ones have a span each, with the exact time.
    const failure = 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n';
    for (let i = 0; i < 20; i++) await talk.exchange(peer, `GET /r${i}/x HTTP/1.1\r\n\r\n`, failure);
    const { routes, exemplars } = talk.end();
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
      await talk.trace();
      const peer = await talk.accepted();
      const request = 'PROPFIND /dav/a HTTP/1.1\r\nX-Long: 12345678901234567890\r\ncontent-LENGTH:  3 \r\n\r\nabc';
      for (const byte of how === 'bytewise' ? request : [request]) {
        await peer.say(byte);
        await talk.say('exactly', 'c', byte.length);
      }
      await talk.say(how, 'c', base64(OK));
      if (how === 'more') await talk.say('send', 'c', base64('HTTP/1.1 200 OK'));
      await peer.hears(OK.length);
      assert.deepEqual(talk.counted(), { 'PROPFIND /dav/a 200': 1 });
    });

  it('reads heads in many vectors, empty ones among them, and what was peeked at first once', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    const request =
      'DELETE /things/0123456789abcdef0123 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
    await peer.say(request);
    await talk.say('peek', 'c', 20);
    await talk.say('peek', 'c', 500);
    await talk.say('readv', 'c', [0, 1, 2, 0, 3, 500]);
    const pieces = [...OK].flatMap((byte) => [base64(byte), '']);
    await talk.say('writev', 'c', pieces);
    await peer.hears(OK.length);
    await peer.say(request);
    await talk.say('recvmsg', 'c', [7, 0, 500]);
    await talk.say('sendmsg', 'c', [...Array<string>(900).fill(''), base64(OK)]);
    await peer.hears(OK.length);
    assert.deepEqual(talk.counted(), { 'DELETE /things/:hash 200': 2 });
  });

  it('pairs the answers of pipelined requests in order', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    const requests = [200, 404, 500, 201, 302].map((status) => `GET /${status} HTTP/1.1\r\n\r\n`).join('');
    const answers = [200, 404, 500, 201, 302]
      .map((status) => `HTTP/1.1 ${status} X\r\nContent-Length: 1\r\n\r\nx`)
      .join('');
    await talk.exchange(peer, requests, answers);
    assert.deepEqual(Object.values(countsOf(talk.section().routes)), [1, 1, 1, 1, 1]);
    for (const { statuses, route } of talk.section().routes)
      assert.ok(route === '/:id', `${route} ${JSON.stringify(statuses)}`);
  });

  it('says of how many it lost sight where more wait than its queue holds', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    await talk.exchange(peer, 'GET /a HTTP/1.1\r\n\r\n'.repeat(40), OK.repeat(40));
    await talk.exchange(peer, 'GET /b HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(talk.counted(), { 'GET /a 200': 32, 'GET /b 200': 1 });
    assert.deepEqual(talk.section().uncounted, { 'pipelined too deep': 8 });
  });

  it('takes interim answers for none, and no body for HEAD, 204 and 304', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    await talk.exchange(
      peer,
      'POST /up HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n${OK}`,
    );
    await talk.exchange(peer, 'HEAD /h HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n');
    await talk.exchange(peer, 'GET /n HTTP/1.1\r\n\r\n', 'HTTP/1.1 204 No\r\n\r\n');
    await talk.exchange(peer, 'GET /m HTTP/1.1\r\n\r\n', 'HTTP/1.1 304 No\r\nContent-Length: 50\r\n\r\n');
    await talk.exchange(peer, 'GET /z HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(talk.counted(), {
      'POST /up 200': 1,
      'HEAD /h 200': 1,
      'GET /n 204': 1,
      'GET /m 304': 1,
      'GET /z 200': 1,
    });
  });

  it('takes no line of a body for a head', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    const inBody = 'GET /evil HTTP/1.1\r\nHost: x\r\n\r\nHTTP/1.1 500 Evil\r\nContent-Length: 0\r\n\r\n';
    const length = inBody.length;
    await talk.exchange(
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
      await talk.say('exactly', 'c', piece.length);
    }
    for (const piece of ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', chunk, inBody, '\r\n0\r\n\r\n'])
      await talk.say('send', 'c', base64(piece));
    await talk.exchange(peer, 'GET /c HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(talk.counted(), { 'PUT /a 200': 1, 'PUT /b 200': 1, 'GET /c 200': 1 });
  });

  it('ends an answer without a length with its connection', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    await peer.say('GET /old HTTP/1.0\r\n\r\n');
    await talk.say('recv', 'c', 100);
    await talk.say('send', 'c', base64('HTTP/1.0 200 OK\r\n\r\n'));
    await talk.say('send', 'c', base64('HTTP/1.1 500 this is body'));
    assert.deepEqual(talk.counted(), {});
    await talk.say('close', 'c');
    await peer.closed;
    assert.deepEqual(talk.counted(), { 'GET /old 200': 1 });
    assert.equal(talk.section().routes[0].protocol, 'HTTP/1.0');
  });

  it('finds the path of an absolute target, and none in *', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    await talk.exchange(peer, 'GET http://user:password@example.org/a/7 HTTP/1.1\r\n\r\n', OK);
    await talk.exchange(peer, 'GET http://example.org HTTP/1.1\r\n\r\n', OK);
    await talk.exchange(peer, 'OPTIONS * HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(talk.counted(), { 'GET /a/:id 200': 1, 'GET / 200': 1, 'OPTIONS * 200': 1 });
    assert.ok(!JSON.stringify(talk.section()).includes('password'));
  });

  it('reads a header line of 64 KiB and a target of 20 KiB', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    const long = `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nX: ${'y'.repeat(65_536)}\r\n\r\n`;
    await talk.exchange(
      peer,
      long,
      `HTTP/1.1 200 OK\r\nSet-Cookie: ${'z'.repeat(65_536)}\r\nContent-Length: 0\r\n\r\n`,
    );
    await talk.exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    const { routes } = talk.section();
    assert.deepEqual(
      routes.map(({ count }) => count),
      [1, 1],
    );
    assert.equal(routes.find(({ route }) => route !== '/next')!.route.length, 128);
  });

  it('counts conversations of every framing, in pieces of any size', async function () {
    this.timeout(240_000);
    await talk.trace();
    const expected = await converse(talk, 20_261_201, CONVERSATIONS, (piece, n) =>
      n % 5 === 0 ? ['writev', 'c', ['', piece]] : ['send', 'c', piece],
    );
    const { uncounted } = talk.section();
    assert.deepEqual({ counted: talk.counted(), uncounted }, { counted: expected, uncounted: {} });
  });

  it('folds thousands of paths into rows that are bounded', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    const paths = Array.from({ length: 4_500 }, (_, i) => `/p${i}x/z`);
    for (let i = 0; i < paths.length; i += 30) {
      const requests = paths.slice(i, i + 30).map((path) => `GET ${path} HTTP/1.1\r\n\r\n`);
      await talk.exchange(peer, requests.join(''), OK.repeat(30));
    }
    const { routes, requests } = talk.section();
    assert.equal(requests, paths.length);
    assert.deepEqual(routes.map(({ route }) => route).sort(), ['(other)', '/:slug/z']);
  });

  it('leaves out what the filter says, and counts how much that was', async () => {
    const second = await Talker.start();
    try {
      const other = (await second.say('listen', 'l', '127.0.0.1')) as number;
      const ask = async (to: Pick<Talker, 'say'>, at: number, line: string, delayMs = 0) => {
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
        const trace = await TracedHttp.start([talk.pid, second.pid], ['tlsprobes'], { filter });
        await ask(talk, talk.port, 'GET /api/users/1');
        await ask(talk, talk.port, 'POST /api/users', 300);
        await ask(talk, talk.port, 'GET http://host/api/items');
        await ask(talk, talk.port, 'GET /apple');
        await ask(second, other, 'GET /api/other', 300);
        const { requests, routes, uncounted, exemplars } = trace.end();
        assert.equal(requests + (uncounted['left out by the filter'] ?? 0), 5);
        assert.ok(exemplars.length <= requests);
        return Object.keys(countsOf(routes)).sort();
      };
      assert.deepEqual(await counted({ path: '/api/', methods: ['PUT', 'GET'], ports: [talk.port] }), [
        'GET /api/items 200',
        'GET /api/users/:id 200',
      ]);
      assert.deepEqual(await counted({ pids: [talk.pid], minLatencyMs: 300 }), ['POST /api/users 200']);
    } finally {
      second.end();
    }
  });
});
