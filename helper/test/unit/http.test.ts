// What the helper makes of the HTTP tracer's counts and spans: percentiles, routes, redaction, the spans that are kept.

import assert from 'node:assert/strict';
import { HTTP_BUCKETS, HTTP_SPAN_EVENT as SPAN } from '../../src/abi/httpEvents.gen';
import { decodeSpan } from '../../src/http/decodeSpan';
import { ERRORS_KEPT, Exemplars, SAMPLE_KEPT, SLOWEST_KEPT } from '../../src/http/exemplars';
import type { SeriesRow } from '../../src/http/kernelCounts';
import { bucketRange, LatencyHistogram } from '../../src/http/latency';
import { redactMethod, redactTarget, truncateAddress } from '../../src/http/redact';
import { foldPiece, PIECES_MOST, routesOf } from '../../src/http/routeShapes';
import { routeTable } from '../../src/http/routeTable';
import { isCardNumber, isToken } from '../../src/http/secrets';
import { spanRates } from '../../src/http/spanBudget';
import { spanTimeline } from '../../src/http/spanTimeline';
import { parseTraceParent } from '../../src/http/traceContext';
import type { HttpSection, HttpSpan } from '../../src/protocol';
import { randomFrom } from '../tools/mutate';

const MS = 1e6;

/** Bucket of a time, found in the ranges alone. */
function bucketOf(ns: number): number {
  for (let i = 0; i < HTTP_BUCKETS; i++) if (ns < bucketRange(i).startNs + bucketRange(i).widthNs) return i;
  return HTTP_BUCKETS - 1;
}

describe('HTTP: latencies', () => {
  it('has buckets without gaps that are narrower than a 32nd of their time', () => {
    let end = 0;
    for (let i = 0; i < HTTP_BUCKETS; i++) {
      const { startNs, widthNs } = bucketRange(i);
      assert.equal(startNs, end);
      end = startNs + widthNs;
      if (startNs >= 8_192) assert.ok(widthNs <= startNs / 32);
    }
    assert.ok(end > 1_800e9);
  });

  it('finds percentiles to 2 %', () => {
    const random = randomFrom(1);
    const values = Array.from({ length: 4_000 }, () => 50_000 * 10 ** (4 * random())).sort((a, b) => a - b);
    const buckets = new Uint32Array(HTTP_BUCKETS);
    for (const value of values) buckets[bucketOf(value)]++;
    const histogram = new LatencyHistogram();
    histogram.add(buckets, values[values.length - 1]);
    for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
      const truth = values[Math.ceil(share * values.length) - 1];
      const found = histogram.percentileNs(share);
      assert.ok(Math.abs(found / truth - 1) < 0.02, `${share}: ${found} for ${truth}`);
    }
  });

  it('never says more than the longest', () => {
    const buckets = new Uint32Array(HTTP_BUCKETS);
    buckets[bucketOf(5 * MS)] = 1;
    const histogram = new LatencyHistogram();
    histogram.add(buckets, 5 * MS - 30_000);
    assert.equal(histogram.percentileNs(0.99), 5 * MS - 30_000);
    assert.equal(new LatencyHistogram().percentileNs(0.5), 0);
  });

  it('asks for spans of few requests, all failed ones and the slowest', () => {
    const buckets = new Uint32Array(HTTP_BUCKETS);
    buckets[bucketOf(1 * MS)] = 99_960;
    buckets[bucketOf(80 * MS)] = 40;
    const latency = new LatencyHistogram();
    latency.add(buckets, 80 * MS);
    const { spanEvery, errorEvery, slowNs } = spanRates(100_000, 10, latency, 1);
    assert.equal(spanEvery, 200);
    assert.equal(errorEvery, 1);
    assert.ok(slowNs > 1 * MS && slowNs < 80 * MS);
    assert.equal(spanRates(3, 0, latency, 1).spanEvery, 1);
  });
});

describe('HTTP: routes', () => {
  for (const [piece, folded] of [
    ['17', ':id'],
    ['17.json', ':id.json'],
    ['users', 'users'],
    ['v1', 'v1'],
    ['2026-01-31', ':date'],
    ['F47AC10B-58CC-4372-A567-0E02B2C3D479', ':uuid'],
    ['01ARZ3NDEKTSV4RRFFQ69G5FAV', ':ulid'],
    ['jane.doe%40example.org', ':email'],
    ['4111 1111 1111 1111', ':id'],
    ['4111%201111%201111%201111', ':id'],
    ['ghp_16C7e42F292c6912E7710c838347Ae178B4a', ':token'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', ':token'],
    ['hello%20world', ':text'],
    ['order-confirmation-and-payment-details', 'order-confirmation-and-payment-details'],
    ['application.bundle.min.js', 'application.bundle.min.js'],
    [':id', ':id'],
  ])
    it(`folds ${piece} to ${folded}`, () => assert.equal(foldPiece(piece), folded));

  it('makes a place with many different pieces a parameter, others not', () => {
    const slugs = Array.from(
      { length: PIECES_MOST + 1 },
      (_, i) => `/posts/title-${'abcdefghij'[i % 10]}${i}x/comments`,
    );
    const routes = routesOf([...slugs, '/health', '/posts', '/about/us']);
    assert.deepEqual(new Set(slugs.map((slug) => routes.get(slug))), new Set(['/posts/:slug/comments']));
    assert.equal(routes.get('/health'), '/health');
    assert.equal(routes.get('/about/us'), '/about/us');
    assert.equal(routesOf(slugs.slice(0, PIECES_MOST)).get(slugs[0]), slugs[0]);
  });

  it('adds up processes and statuses of a route', () => {
    const latency = new Uint32Array(HTTP_BUCKETS);
    latency[bucketOf(2 * MS)] = 3;
    const series = (over: Partial<SeriesRow>): SeriesRow => ({
      key: '',
      routeId: 1n,
      method: 'GET',
      shape: '/a',
      pid: 1,
      status: 200,
      side: 0,
      protocol: 1,
      tls: false,
      count: 3,
      bytesIn: 10,
      bytesOut: 20,
      latencySumNs: 6 * MS,
      latencyMaxNs: 2 * MS,
      firstByteSumNs: 3 * MS,
      latency,
      ...over,
    });
    const table = routeTable([
      series({}),
      series({ pid: 2 }),
      series({ status: 500 }),
      series({ status: 0 }),
      series({ routeId: 2n, shape: '/b', status: 404, side: 1 }),
    ]);
    const [row] = table.routes;
    assert.deepEqual(
      [row.count, row.errors, row.statuses, row.bytesIn, row.bytesOut],
      [12, 6, { '200': 6, '500': 3 }, 40, 80],
    );
    assert.ok(Math.abs(row.p50Ms / 2 - 1) < 0.02);
    assert.deepEqual(row.latency, { sumMs: 24, counts: [12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] });
    // Of the caller's side, 404 is an error.
    assert.equal(table.clients[0].errors, 3);
    assert.deepEqual(table.nameOf(2n), { method: 'GET', route: '/b' });
  });
});

describe('HTTP: redaction', () => {
  for (const [target, shown] of [
    ['/a?x=1&token=abc', '/a?x=…&token=…'],
    ['/a?secretwithoutname', '/a?…'],
    ['/a?%70assword=x', '/a?…'],
    ['/a?a=1;b=2#frag', '/a?a=…&b=…'],
    ['http://user:password@host/users/17', 'http://…@host/users/:id'],
    ['user@host:443', '…@host:443'],
    ['/mail/jane@example.org/inbox', '/mail/:email/inbox'],
    ['/#/private', '/#…'],
    ['*', '*'],
  ])
    it(`shows ${target} as ${shown}`, () => assert.equal(redactTarget(target), shown));

  it('knows cards by their check digit', () => {
    for (const card of ['4111111111111111', '5500-0000-0000-0004', '340000000000009'])
      assert.ok(isCardNumber(card), card);
    for (const other of ['4111111111111112', '1234', 'abc']) assert.ok(!isCardNumber(other), other);
  });

  it('does not take words for tokens', () => {
    for (const word of [
      'internationalization-and-localization',
      'getUserNotificationSettings',
      'a_b_c_d_e_f_g_h_i_j_k_1_2',
    ])
      assert.ok(!isToken(word), word);
  });

  it('lets none of 1,000 planted secrets through', () => {
    const random = randomFrom(7);
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
    const word = (length: number) =>
      Array.from({ length }, () => letters[Math.floor(random() * letters.length)]).join('');
    const places: ((secret: string) => string)[] = [
      (secret) => `/search?q=${secret}`,
      (secret) => `/search?${secret}`,
      (secret) => `/a?x=1&y=${secret}&z#${secret}`,
      (secret) => `http://${secret}:${secret}@host/x`,
      (secret) => `/mail/${secret}@example.org`,
      (secret) => `/mail/${secret}%40example.org/x`,
      (secret) => `/keys/ghp_${secret}`,
      (secret) => `/sessions/eyJ${secret}.${secret}.${secret}`,
    ];
    for (let i = 0; i < 1_000; i++) {
      const secret = word(16);
      const shown = redactTarget(places[i % places.length](secret));
      assert.ok(!shown.includes(secret), shown);
    }
  });

  it('hides methods that are none, and numbers of addresses', () => {
    assert.equal(redactMethod('BASELINE-CONTROL'), 'BASELINE-CONTROL');
    assert.equal(redactMethod('SECRET_1'), '…');
    assert.equal(truncateAddress('192.0.2.17'), '192.0.2.0');
    assert.equal(truncateAddress('2001:db8:1:2:3:4:5:6'), '2001:db8:1::');
  });
});

describe('HTTP: spans', () => {
  const span = (over: Partial<HttpSpan> = {}): HttpSpan => ({
    side: 'server',
    startNs: 0,
    firstByteNs: 1,
    endNs: 2,
    method: 'GET',
    target: '/',
    route: '/',
    status: 200,
    protocol: 'HTTP/1.1',
    tls: false,
    error: null,
    bytesIn: 1,
    bytesOut: 1,
    pid: 1,
    tid: 1,
    answerTid: 1,
    connection: 1,
    sequence: 1,
    local: 'unix',
    peer: 'unix',
    every: 1,
    trace: null,
    id: '',
    parent: null,
    ...over,
  });

  it('are a timeline of what was under way together, whatever ends first', () => {
    const of = (exemplars: HttpSpan[]) =>
      spanTimeline({ exemplars, routes: [], clients: [] } as unknown as HttpSection);
    assert.equal(of([]), null);
    const made = of([
      span({ route: '/a', startNs: 100, endNs: 400 }),
      span({ route: '/b', startNs: 200, endNs: 600, side: 'client' }),
      span({ route: '/a', startNs: 400, endNs: 500 }),
      span({ route: '/c', startNs: 900, endNs: 900 }),
      span({ route: '/a', startNs: 1_000, endNs: 1_001 }),
    ]);
    assert.deepEqual(made, {
      name: 'HTTP: 4 requests in time order',
      frames: [{ name: 'GET /a' }, { name: '→ GET /b' }],
      startNs: 100,
      samples: [[0], [0, 1], [1, 0], [1], [], [0]],
      weightsNs: [100, 200, 100, 100, 400, 1],
    });
    const many = of(Array.from({ length: 5_000 }, (_, i) => span({ startNs: i, endNs: 1e6 })));
    assert.equal(Math.max(...many!.samples.map((stack) => stack.length)), 64);
  });

  it('keeps the slowest, the last errors and an even sample', () => {
    const exemplars = new Exemplars(randomFrom(3));
    for (let i = 0; i < 20_000; i++)
      exemplars.add(span({ startNs: i, endNs: i + ((i * 7_919) % 20_000), error: i % 10 === 0 ? 'status' : null }));
    const kept = exemplars.all();
    assert.ok(kept.length <= SLOWEST_KEPT + ERRORS_KEPT + SAMPLE_KEPT);
    for (let slow = 20_000 - SLOWEST_KEPT; slow < 20_000; slow++)
      assert.ok(kept.some(({ startNs, endNs }) => endNs - startNs === slow));
    const early = kept.filter(({ startNs, error }) => !error && startNs < 10_000).length;
    assert.ok(early > SAMPLE_KEPT / 3 && early < SAMPLE_KEPT, `${early}`);
    assert.ok(kept.some(({ startNs }) => startNs === 19_990));
  });

  it('reads a record of the kernel, redacted', () => {
    const bytes = Buffer.alloc(SPAN.byteLength);
    const path = '/users/17?token=secret';
    bytes.write(path, SPAN.path, 'latin1');
    bytes.writeUInt16LE(path.length, SPAN.pathBytes);
    bytes.write('GET', SPAN.method, 'latin1');
    bytes.write('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', SPAN.trace, 'latin1');
    bytes.writeUInt8(1 | 2, SPAN.flags);
    bytes.writeUInt16LE(503, SPAN.status);
    bytes.writeUInt8(10, SPAN.family);
    bytes.writeUInt16LE(8080, SPAN.localPort);
    Buffer.from('00000000000000000000ffff7f000001', 'hex').copy(bytes, SPAN.localAddress);
    Buffer.from('20010db8000000000000000000000001', 'hex').copy(bytes, SPAN.remoteAddress);
    bytes.writeBigUInt64LE(1_000n, SPAN.startNs);
    bytes.writeBigUInt64LE(9n, SPAN.route);
    const words = { u32: new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4), u64: new BigUint64Array() };
    const { span: read, routeId } = decodeSpan(words, 0, false);
    assert.equal(routeId, 9n);
    assert.equal(read.target, '/users/:id?token=……');
    assert.deepEqual([read.status, read.error, read.startNs], [503, 'status', 1_000]);
    assert.deepEqual([read.local, read.peer], ['127.0.0.1:8080', '[2001:db8::1]:0']);
    assert.deepEqual(read.trace, {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      sampled: true,
    });
    assert.equal(decodeSpan(words, 0, true).span.local, '127.0.0.0:8080');
  });

  it('takes no trace context that is not valid', () => {
    const [trace, id] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
    for (const text of [
      `ff-${trace}-${id}-01`,
      `00-${'0'.repeat(32)}-${id}-01`,
      `00-${trace}-${'0'.repeat(16)}-01`,
      `00-${trace}-${id}-01-more`,
      `00-${trace.toUpperCase()}-${id}-01`,
      '',
    ])
      assert.equal(parseTraceParent(text), null, text);
    assert.equal(parseTraceParent(`01-${trace}-${id}-00-more`)?.sampled, false);
  });
});
