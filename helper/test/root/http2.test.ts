// HTTP/2 as BPF reads it on real sockets, frame by frame: which bytes go through which system call is decided by each test, and what is
// counted is compared with what was said. One trace sees all connections: each test's paths are its own.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpRouteRow, HttpSpan } from '../../src/protocol';
import * as h2 from '../unit/http2/frames';
import { until } from './helperProcess';
import { base64, countsOf, Talker, TracedHttp } from './httpHarness';

/** The untraced end: the client, where the traced one serves. */
class Peer {
  private heard = 0;

  private constructor(
    readonly socket: Socket,
    private readonly talker: Talker,
    readonly name: string,
  ) {
    socket.on('data', (data) => {
      this.heard += data.length;
    });
    socket.on('error', () => {});
  }

  static async to(port: number, talker: Talker, name: string): Promise<Peer> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    await talker.say('accept', name, 'l');
    return new Peer(socket, talker, name);
  }

  /** Received in one call where it comes at once, or in calls of `step` bytes. */
  async asks(bytes: Buffer, step = bytes.length): Promise<void> {
    this.socket.write(bytes);
    for (let at = 0; at < bytes.length; at += step)
      await this.talker.say('exactly', this.name, Math.min(step, bytes.length - at));
  }

  async answers(bytes: Buffer, how = 'send'): Promise<void> {
    const before = this.heard;
    await this.talker.say(how, this.name, base64(bytes));
    await this.hears(before + bytes.length);
  }

  async hears(bytes: number): Promise<void> {
    await until(() => this.heard >= bytes, `${bytes} bytes`);
  }

  get total(): number {
    return this.heard;
  }

  /** Both prefaces. */
  async begins(): Promise<void> {
    await this.asks(Buffer.concat([h2.PREFACE, h2.settings]));
    await this.answers(Buffer.concat([h2.settings, h2.acknowledged]));
  }

  async closes(): Promise<void> {
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    await this.talker.say('close', this.name);
    this.socket.end();
    await closed;
  }
}

describe('HTTP/2 on sockets', function () {
  this.timeout(120_000);
  let talker: Talker;
  let trace: TracedHttp | null = null;
  let folder: string;
  let port: number;
  let old: Peer;
  let names = 0;

  before(async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'http2-'));
    talker = await Talker.start();
    port = (await talker.say('listen', 'l', '127.0.0.1')) as number;
    // What is said before the attach adds to both tables, and leaves one request open.
    old = await Peer.to(port, talker, 'old');
    await old.begins();
    await old.asks(h2.headers(1, h2.END_STREAM, h2.GET, h2.HTTP, h2.added(':path', '/before/1'), h2.added('x-a', 'b')));
    await old.answers(h2.headers(1, h2.END_STREAM, h2.added(':status', '418')));
    await old.asks(h2.get(3, '/before/2'));
    trace = await TracedHttp.start([talker.pid]);
  });

  after(() => {
    trace?.end();
    talker?.end();
    if (folder) rmSync(folder, { recursive: true });
  });

  const accepted = () => Peer.to(port, talker, `c${names++}`);

  async function begun(): Promise<Peer> {
    const peer = await accepted();
    await peer.begins();
    return peer;
  }

  const rowsOf = (prefix: string): HttpRouteRow[] =>
    trace!.section().routes.filter(({ route }) => route.startsWith(prefix));
  const spansOf = (prefix: string): HttpSpan[] =>
    trace!.section().exemplars.filter(({ route }) => route.startsWith(prefix));

  /** Once as many requests are counted. */
  async function counted(prefix: string, expected: Record<string, number>): Promise<void> {
    const total = Object.values(expected).reduce((a, b) => a + b, 0);
    await until(() => rowsOf(prefix).reduce((sum, { count }) => sum + count, 0) >= total, `${total} of ${prefix}`);
    assert.deepEqual(countsOf(rowsOf(prefix)), expected, JSON.stringify(trace!.section().uncounted));
  }

  for (const how of ['at once', 'byte by byte'])
    it(`reads prefaces, frames and blocks that come ${how}`, async () => {
      const peer = await accepted();
      const path = how === 'at once' ? '/whole' : '/bytes';
      const asked = Buffer.concat([h2.PREFACE, h2.settings, h2.get(1, `${path}/17`)]);
      await peer.asks(asked, how === 'at once' ? asked.length : 1);
      const answer = h2.headers(1, 0, h2.OK);
      const rest = h2.frame(h2.DATA, h2.END_STREAM, 1, 'hello');
      await peer.answers(Buffer.concat([h2.settings, answer, rest]), how === 'at once' ? 'send' : 'bytewise');
      await counted(path, { [`GET ${path}/:id 200`]: 1 });
      const [row] = rowsOf(path);
      assert.deepEqual(
        [row.protocol, row.bytesIn, row.bytesOut],
        ['h2', asked.length - 33, answer.length + rest.length],
      );
      await peer.closes();
    });

  it('follows a server that speaks first', async () => {
    const peer = await accepted();
    await peer.answers(h2.settings);
    await peer.asks(Buffer.concat([h2.PREFACE, h2.settings]));
    await peer.asks(h2.get(1, '/second'));
    await peer.answers(h2.ok(1));
    await counted('/second', { 'GET /second 200': 1 });
    await peer.closes();
  });

  it('puts blocks together that are padded, have priorities and go on in many frames', async () => {
    const peer = await begun();
    const whole = h2.block(h2.GET, h2.HTTP, h2.literal(':path', '/pieces/7'), h2.added('x-long', 'z'.repeat(1_500)));
    const priority = Buffer.from([0, 0, 0, 0, 16]);
    const first = Buffer.concat([Buffer.from([3]), priority, whole.subarray(0, 5), Buffer.alloc(3)]);
    const frames = [h2.frame(h2.HEADERS, h2.END_STREAM | h2.PADDED | h2.PRIORITY, 1, first)];
    for (let at = 5; at < whole.length; at += 200)
      frames.push(
        h2.frame(h2.CONTINUATION, 0, 1, ''),
        h2.frame(h2.CONTINUATION, at + 200 >= whole.length ? h2.END_HEADERS : 0, 1, whole.subarray(at, at + 200)),
      );
    await peer.asks(Buffer.concat(frames), 37);
    const padded = Buffer.concat([Buffer.from([4]), Buffer.from('body'), Buffer.alloc(4)]);
    await peer.answers(
      Buffer.concat([
        h2.headers(1, 0, h2.OK),
        h2.frame(h2.DATA, h2.PADDED, 1, padded),
        h2.frame(h2.DATA, h2.PADDED | h2.END_STREAM, 1, Buffer.from([0])),
      ]),
    );
    await counted('/pieces', { 'GET /pieces/:id 200': 1 });
    await peer.closes();
  });

  it('tells streams apart that are answered in another order, with trailers, and blocks that refer to earlier ones', async () => {
    const peer = await begun();
    const streams = [1, 3, 5, 7, 9];
    // Each adds its path; the last refers to the first one's.
    for (const stream of streams)
      await peer.asks(h2.headers(stream, h2.END_STREAM, h2.GET, h2.HTTP, h2.added(':path', `/order/s${stream}`)));
    await peer.asks(h2.headers(11, h2.END_STREAM, h2.GET, h2.HTTP, h2.indexed(h2.NEWEST + 4)));
    for (const stream of [...streams, 11].reverse()) {
      await peer.answers(h2.headers(stream, 0, h2.added(':status', String(200 + stream))));
      await peer.answers(h2.frame(h2.DATA, 0, stream, 'x'));
    }
    for (const stream of streams)
      await peer.answers(h2.headers(stream, h2.END_STREAM, h2.added('x-sum', String(stream))));
    // 9 additions ago: the status of stream 3.
    await peer.answers(h2.headers(11, h2.END_STREAM, h2.literal('x-sum', 'z')));
    await peer.asks(h2.get(13, '/order/last'));
    await peer.answers(h2.headers(13, h2.END_STREAM, h2.indexed(h2.NEWEST + 6)));
    await counted('/order', {
      'GET /order/s1 201': 1,
      'GET /order/s1 211': 1,
      'GET /order/s3 203': 1,
      'GET /order/s5 205': 1,
      'GET /order/s7 207': 1,
      'GET /order/s9 209': 1,
      'GET /order/last 203': 1,
    });
    await peer.closes();
  });

  it('takes the table of cancelled and of pushed streams along, and interim answers for none', async () => {
    const peer = await begun();
    await peer.asks(h2.headers(1, h2.END_STREAM, h2.GET, h2.HTTP, h2.added(':path', '/reset/one')));
    await peer.asks(h2.frame(h2.RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8])));
    // Sent before the reset was seen; then a push, whose promise adds as well.
    await peer.answers(h2.headers(1, h2.END_STREAM, h2.added(':status', '201')));
    await peer.asks(h2.headers(3, h2.END_STREAM, h2.GET, h2.HTTP, h2.indexed(h2.NEWEST)));
    const promise = Buffer.concat([Buffer.from([0, 0, 0, 2]), h2.GET, h2.HTTP, h2.added(':path', '/pushed')]);
    await peer.answers(h2.frame(h2.PUSH_PROMISE, h2.END_HEADERS, 3, promise));
    await peer.answers(h2.headers(3, 0, h2.literal(':status', '103')));
    await peer.answers(h2.headers(3, h2.END_STREAM, h2.indexed(h2.NEWEST + 1)));
    await peer.answers(h2.headers(2, h2.END_STREAM, h2.OK));
    await peer.asks(h2.get(5, '/reset/two'));
    await peer.answers(h2.frame(h2.RST_STREAM, 0, 5, Buffer.from([0, 0, 0, 2])));
    await counted('/reset', { 'GET /reset/one': 1, 'GET /reset/one 201': 1, 'GET /reset/two': 1 });
    assert.deepEqual(rowsOf('/pushed'), []);
    assert.deepEqual(
      spansOf('/reset').map(({ error, status }) => [error, status]),
      [
        ['reset', null],
        [null, 201],
        ['reset', null],
      ],
    );
    await peer.closes();
  });

  it('has requests without an answer where the connection ends, after GOAWAY, too', async () => {
    const peer = await begun();
    await peer.asks(Buffer.concat([h2.get(1, '/closed/a'), h2.get(3, '/closed/b'), h2.get(5, '/closed/c')]));
    await peer.answers(h2.ok(1));
    await peer.answers(h2.headers(3, 0, h2.OK));
    await peer.answers(h2.frame(h2.GOAWAY, 0, 0, Buffer.from([0, 0, 0, 3, 0, 0, 0, 0])));
    await peer.closes();
    await counted('/closed', { 'GET /closed/a 200': 1, 'GET /closed/b 200': 1, 'GET /closed/c': 1 });
    const errors = new Map(spansOf('/closed').map(({ route, error }) => [route, error]));
    assert.deepEqual(
      ['a', 'b', 'c'].map((name) => errors.get(`/closed/${name}`)),
      [null, 'unfinished', 'no answer'],
    );
  });

  it('goes over from HTTP/1.1: the request that asked for it is answered by the first stream', async () => {
    const peer = await accepted();
    await peer.asks(
      Buffer.from(
        'GET /upgrade/5?q=secret HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n',
      ),
    );
    const switching = Buffer.from('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    await peer.answers(Buffer.concat([switching, h2.settings]));
    await peer.asks(Buffer.concat([h2.PREFACE, h2.settings]));
    await peer.answers(Buffer.concat([h2.headers(1, 0, h2.OK), h2.frame(h2.DATA, h2.END_STREAM, 1, 'x')]));
    await peer.asks(h2.get(3, '/upgrade/next'));
    await peer.answers(h2.ok(3));
    await counted('/upgrade', { 'GET /upgrade/:id 200': 1, 'GET /upgrade/next 200': 1 });
    assert.ok(rowsOf('/upgrade').every(({ protocol }) => protocol === 'h2'));
    await peer.closes();
  });

  it('reads frames in many vectors, and passes over bodies that are sent from a file', async () => {
    const peer = await begun();
    const request = h2.get(1, '/vectors/a');
    peer.socket.write(request);
    await talker.say('readv', peer.name, [0, 4, 0, 7, 1, 500]);
    const answer = Buffer.concat([h2.headers(1, 0, h2.OK), h2.frame(h2.DATA, h2.END_STREAM, 1, 'abc')]);
    const before = peer.total;
    await talker.say(
      'writev',
      peer.name,
      [...answer].flatMap((byte) => [base64(Buffer.from([byte])), '']),
    );
    await peer.hears(before + answer.length);
    await peer.asks(h2.get(3, '/vectors/file'));
    const body = Buffer.alloc(16_000, 0x41);
    writeFileSync(join(folder, 'body'), body);
    const head = h2.frame(h2.DATA, h2.END_STREAM, 3, body).subarray(0, 9);
    await peer.answers(Buffer.concat([h2.headers(3, 0, h2.OK), head]));
    const sent = peer.total;
    await talker.say('sendfile', peer.name, join(folder, 'body'));
    await peer.hears(sent + body.length);
    await peer.asks(h2.get(5, '/vectors/b'));
    await peer.answers(h2.ok(5));
    await counted('/vectors', { 'GET /vectors/a 200': 1, 'GET /vectors/file 200': 1, 'GET /vectors/b 200': 1 });
    await peer.closes();
  });

  it('joins a connection that is older: what was added since is exact, what was added before is ?', async () => {
    const unseen = () => trace!.section().uncounted['request before attach'] ?? 0;
    const already = unseen();
    // The answer to what was asked before the attach, then the first request that is seen.
    await old.answers(h2.headers(3, h2.END_STREAM, h2.OK));
    await old.asks(h2.headers(5, h2.END_STREAM, h2.GET, h2.HTTP, h2.added(':path', '/joined/new')));
    await old.answers(h2.headers(5, h2.END_STREAM, h2.added(':status', '404')));
    await until(() => unseen() === already + 1, 'the one before the attach');
    // The path that was just added; then one of before; then that of the first again.
    await old.asks(h2.headers(7, h2.END_STREAM, h2.GET, h2.HTTP, h2.indexed(h2.NEWEST)));
    await old.answers(h2.headers(7, h2.END_STREAM, h2.indexed(h2.NEWEST)));
    await old.asks(h2.headers(9, h2.END_STREAM, h2.GET, h2.HTTP, h2.indexed(h2.NEWEST + 2)));
    await old.answers(h2.headers(9, h2.END_STREAM, h2.indexed(h2.NEWEST + 1)));
    await old.asks(h2.headers(11, h2.END_STREAM, h2.GET, h2.HTTP, h2.indexed(h2.NEWEST)));
    await old.answers(h2.ok(11));
    await counted('/joined', { 'GET /joined/new 404': 2, 'GET /joined/new 200': 1 });
    await counted('?', { 'GET ? ?': 1 });
    assert.equal(rowsOf('?')[0].errors, 0);
    assert.deepEqual(rowsOf('/before'), []);
    await old.closes();
  });

  it('cuts a block that is too long, and does not guess what comes behind it', async () => {
    const peer = await begun();
    const long = h2.block(h2.GET, h2.HTTP, h2.literal(':path', '/cut/a'), h2.added('x-long', 'y'.repeat(60_000)));
    const parts: Buffer[] = [];
    for (let at = 0; at < long.length; at += 16_000)
      parts.push(
        h2.frame(
          at === 0 ? h2.HEADERS : h2.CONTINUATION,
          (at === 0 ? h2.END_STREAM : 0) | (at + 16_000 >= long.length ? h2.END_HEADERS : 0),
          1,
          long.subarray(at, at + 16_000),
        ),
      );
    await peer.asks(Buffer.concat(parts));
    await peer.answers(h2.ok(1));
    await peer.asks(h2.headers(3, h2.END_STREAM, h2.POST, h2.HTTP, h2.indexed(h2.NEWEST)));
    await peer.answers(h2.ok(3));
    await peer.asks(h2.get(5, '/cut/b'));
    await peer.answers(h2.ok(5));
    await counted('/cut', { 'GET /cut/a 200': 1, 'GET /cut/b 200': 1 });
    await until(() => rowsOf('?').some(({ method }) => method === 'POST'), 'the unknown path');
    await peer.closes();
  });

  it('goes on after a flood of CONTINUATION', async () => {
    const peer = await begun();
    const first = h2.frame(h2.HEADERS, h2.END_STREAM, 1, h2.block(h2.GET, h2.HTTP, h2.literal(':path', '/flood/a')));
    const empty = Buffer.concat(Array(3_000).fill(h2.frame(h2.CONTINUATION, 0, 1)));
    await peer.asks(Buffer.concat([first, empty, h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1)]));
    await peer.answers(h2.ok(1));
    await peer.asks(h2.get(3, '/flood/b'));
    await peer.answers(h2.ok(3));
    await counted('/flood', { 'GET /flood/a 200': 1, 'GET /flood/b 200': 1 });
    await peer.closes();
  });

  it('has no rows of what breaks the rules, and takes the connection up again', async () => {
    const peer = await begun();
    const broken = () => trace!.section().uncounted['not HTTP after all'] ?? 0;
    const already = broken();
    await peer.asks(h2.get(1, '/broken/open'));
    // A ping of seven bytes.
    await peer.asks(Buffer.concat([h2.frame(h2.PING, 0, 0, Buffer.alloc(7)), Buffer.alloc(100, 0x7f)]));
    await until(() => broken() === already + 1, 'its open request as uncounted');
    await peer.asks(h2.get(3, '/broken/again'));
    await peer.answers(h2.ok(3));
    await counted('/broken', { 'GET /broken/again 200': 1 });
    await peer.closes();
  });

  it('reads the status of gRPC-Web in the body, and counts no messages of other bodies', async () => {
    const peer = await begun();
    const message = (text: string, flags = 0) => {
      const head = Buffer.alloc(5);
      head[0] = flags;
      head.writeUInt32BE(text.length, 1);
      return Buffer.concat([head, Buffer.from(text)]);
    };
    const type = h2.literal('content-type', 'application/grpc-web+proto');
    await peer.asks(h2.headers(1, 0, h2.POST, h2.HTTP, h2.literal(':path', '/web.Service/Call'), type));
    await peer.asks(h2.frame(h2.DATA, h2.END_STREAM, 1, message('question')), 3);
    const trailers = message('grpc-message: no\r\ngrpc-status: 5\r\n', 0x80);
    const body = h2.frame(h2.DATA, h2.END_STREAM, 1, Buffer.concat([message('one'), message('two'), trailers]));
    await peer.answers(Buffer.concat([h2.headers(1, 0, h2.OK, type), body]), 'bytewise');
    await counted('/web.Service', { 'POST /web.Service/Call grpc:5': 1 });
    const [row] = rowsOf('/web.Service');
    assert.deepEqual([row.protocol, row.errors, row.messages], ['grpc', 1, { in: 1, out: 2, bytesIn: 8, bytesOut: 6 }]);
    await peer.asks(h2.headers(3, 0, h2.POST, h2.HTTP, h2.literal(':path', '/web.Service/Plain')));
    await peer.asks(h2.frame(h2.DATA, h2.END_STREAM, 3, message('question')));
    await peer.answers(Buffer.concat([h2.headers(3, 0, h2.OK), h2.frame(h2.DATA, h2.END_STREAM, 3, '{"status": 1}')]));
    await counted('/web.Service/Plain', { 'POST /web.Service/Plain 200': 1 });
    assert.equal(rowsOf('/web.Service/Plain')[0].messages, undefined);
    await peer.closes();
  });
});
