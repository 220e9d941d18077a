// What the helper makes of the kernel's records of HTTP/2: rows that are right or missing, never wrong, whatever is lost of them; and
// bounds, whatever they hold.

import assert from 'node:assert/strict';
import {
  HTTP2_BLOCK_EVENT as BLOCK,
  HTTP2_BLOCK_FLAGS as BLOCK_FLAGS,
  HTTP2_CONNECTION_EVENT as CONNECTION,
  HTTP2_END_EVENT as END,
  HTTP2_CONNECTION_STATE as STATE,
} from '../../src/abi/httpEvents.gen';
import { isGrpc, parseTimeout, statusInText, statusOfReset } from '../../src/http/http2/grpc';
import { Http2 } from '../../src/http/http2/http2';
import { shapeOf } from '../../src/http/http2/shape';
import { bucketOf, bucketRange } from '../../src/http/latency';
import { routeTable } from '../../src/http/routeTable';
import type { HttpSpan } from '../../src/protocol';
import { randomFrom } from '../tools/mutate';
import * as h2 from './http2/frames';

const SEED = Number(process.env.FUZZ_SEED ?? 1);
const INPUTS = process.env.MATRIX ? 1_000_000 : 50_000;

const wordsOf = (bytes: Buffer) => {
  const memory = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
  memory.set(bytes);
  return { u32: new Uint32Array(memory.buffer), u64: new BigUint64Array(memory.buffer) };
};

interface Piece {
  connection: number;
  stream: number;
  sequence: number;
  flags: number;
  timeNs: number;
  data: Buffer;
}

function takeBlock(http2: Http2, { connection, stream, sequence, flags, timeNs, data }: Piece): void {
  const bytes = Buffer.alloc(BLOCK.byteLength);
  bytes.writeBigUInt64LE(BigInt(timeNs), BLOCK.headerTimeNs);
  bytes.writeBigUInt64LE(BigInt(connection), BLOCK.connection);
  bytes.writeBigUInt64LE(BigInt(timeNs), BLOCK.startNs);
  bytes.writeUInt32LE(1, BLOCK.pid);
  bytes.writeUInt32LE(stream, BLOCK.stream);
  bytes.writeUInt32LE(sequence, BLOCK.sequence);
  bytes.writeUInt16LE(data.length, BLOCK.bytes);
  bytes.writeUInt16LE(flags, BLOCK.flags);
  data.copy(bytes, BLOCK.data);
  http2.takeBlock(wordsOf(bytes), 0);
}

function takeEnd(http2: Http2, connection: number, stream: number, timeNs: number): void {
  const bytes = Buffer.alloc(END.byteLength);
  bytes.writeBigUInt64LE(BigInt(timeNs), END.headerTimeNs);
  bytes.writeBigUInt64LE(BigInt(connection), END.connection);
  bytes.writeUInt32LE(stream, END.stream);
  http2.takeEnd(wordsOf(bytes), 0);
}

function takeConnection(http2: Http2, connection: number, state: number, endsLost: number): void {
  const bytes = Buffer.alloc(CONNECTION.byteLength);
  bytes.writeBigUInt64LE(BigInt(connection), CONNECTION.connection);
  bytes.writeUInt32LE(endsLost, CONNECTION.endsLost);
  bytes[CONNECTION.state] = state;
  http2.takeConnection(wordsOf(bytes), 0);
}

const WHOLE = BLOCK_FLAGS.HTTP2_BLOCK_BEGIN | BLOCK_FLAGS.HTTP2_BLOCK_END;
const ASKS = WHOLE | BLOCK_FLAGS.HTTP2_BLOCK_OF_REQUEST | BLOCK_FLAGS.HTTP2_BLOCK_OPENS;
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

/** Names as letters: numbers would be folded. */
const nameOf = (n: number) => `/p${String.fromCharCode(97 + (n % 26))}`;
const statusOf = (n: number) => 200 + (n % 26);

describe('HTTP/2: what records say', function () {
  this.timeout(process.env.MATRIX ? 600_000 : 60_000);

  it('has rows that are right or none, whatever is lost', () => {
    const random = randomFrom(SEED);
    let [unknown, uncounted] = [0, 0];
    for (let run = 0; run < 24; run++) {
      const http2 = new Http2({}, () => {});
      const lossShare = run % 3 === 0 ? 0 : 0.1;
      const isLost = () => random() < lossShare;
      // What each side's table has, newest first, as its encoder knows it.
      const tables: string[][] = [[], []];
      const sequences = [0, 0];
      let [endsLost, total] = [0, 0];
      takeConnection(http2, 1, STATE.HTTP2_BEGUN, 0);
      const say = (side: 0 | 1, stream: number, name: string, value: string, first: Buffer[]) => {
        const known = tables[side].indexOf(value);
        const field = known >= 0 ? h2.indexed(h2.NEWEST + known) : h2.added(name, value);
        if (known < 0) tables[side].unshift(value);
        const block = h2.block(...first, field);
        const cut = Math.floor(random() * block.length);
        // In one record, or in two, of which one may be lost.
        const parts = random() < 0.3 && cut > 0 ? [block.subarray(0, cut), block.subarray(cut)] : [block];
        parts.forEach((data, i) => {
          let flags = side === 0 ? ASKS & ~WHOLE : 0;
          if (i === 0) flags |= BLOCK_FLAGS.HTTP2_BLOCK_BEGIN;
          if (i === parts.length - 1) flags |= BLOCK_FLAGS.HTTP2_BLOCK_END;
          const sequence = ++sequences[side];
          if (!isLost()) takeBlock(http2, { connection: 1, stream, sequence, flags, timeNs: stream, data });
        });
      };
      for (let n = 0; n < 200; n++) {
        const stream = 2 * n + 1;
        const which = Math.floor(random() * 26);
        say(0, stream, ':path', nameOf(which), [h2.GET, h2.HTTP]);
        say(1, stream, ':status', String(statusOf(which)), []);
        total++;
        if (isLost()) endsLost++;
        else takeEnd(http2, 1, stream, stream + 5);
      }
      takeConnection(http2, 1, STATE.HTTP2_OVER, endsLost);
      const { routes } = routeTable(http2.series());
      for (const { route, method, statuses, count } of routes) {
        assert.equal(method, 'GET');
        for (const said of Object.keys(statuses))
          if (route !== '?' && said !== '?') assert.equal(said, String(statusOf(route.charCodeAt(2) - 97)), route);
        assert.ok(route === '?' || /^\/p[a-z]$/.test(route));
        if (lossShare === 0) assert.equal(sum(Object.values(statuses)), count);
        if (route === '?') unknown += count;
      }
      const lost = sum(Object.values(http2.uncounted()));
      // Of those whose end is lost the kernel's counter tells (`http2EndsLost`).
      assert.equal(sum(routes.map(({ count }) => count)) + lost + endsLost, total);
      if (lossShare === 0) assert.deepEqual(http2.uncounted(), {});
      uncounted += lost;
    }
    assert.ok(unknown > 20 && uncounted > 80, `${unknown} ${uncounted}`);
  });

  it(`takes ${INPUTS} records of any content, and stays within its bounds`, () => {
    const random = randomFrom(SEED);
    const spans: HttpSpan[] = [];
    const http2 = new Http2({}, ({ span }) => spans.push(span));
    http2.rates = { slowNs: 0, spanEvery: 1, errorEvery: 1, ready: true } as Http2['rates'];
    const upTo = (most: number) => Math.floor(random() * most);
    const paths = [h2.literal(':path', `/x/${'y'.repeat(400)}`), h2.added(':path', '\0\n\x7f?'), h2.indexed(h2.NEWEST)];
    for (let i = 0; i < INPUTS; i++) {
      const connection = upTo(300);
      const kind = random();
      if (kind < 0.05) takeConnection(http2, connection, upTo(7), upTo(3));
      else if (kind < 0.3) takeEnd(http2, connection, upTo(40), upTo(1e6));
      else {
        const data =
          random() < 0.5
            ? h2.block(h2.GET, paths[upTo(3)])
            : Buffer.from(Array.from({ length: upTo(60) }, () => upTo(256)));
        const flags = random() < 0.5 ? ASKS : upTo(1024);
        const piece = { connection, stream: upTo(40), sequence: upTo(20), flags, timeNs: upTo(1e6), data };
        takeBlock(http2, piece);
      }
    }
    assert.ok(http2.keptNow.bytes <= 48 << 20 && http2.keptNow.open <= 300 * 40, JSON.stringify(http2.keptNow));
    assert.ok(http2.series().length <= 4_096 && spans.length > 100);
    for (let connection = 0; connection < 300; connection++) takeConnection(http2, connection, STATE.HTTP2_OVER, 0);
    assert.deepEqual(http2.keptNow, { bytes: 0, open: 0, connections: 0 });
  });
});

describe('HTTP/2: gRPC and paths', () => {
  it('knows its content types, timeouts, resets and text', () => {
    for (const type of ['application/grpc', 'application/grpc+proto', 'application/grpc-web', 'Application/gRPC;x=1'])
      assert.ok(isGrpc(type), type);
    for (const type of ['application/json', 'application/grpcx', 'text/application/grpc'])
      assert.ok(!isGrpc(type), type);
    assert.deepEqual(['100m', '2S', '1H', '5u', '7n', '3M', 'x', '123456789m', '5'].map(parseTimeout), [
      100e6,
      2e9,
      3_600e9,
      5e3,
      7,
      180e9,
      null,
      null,
      null,
    ]);
    const [cancel, refused, internal] = [8, 7, 2];
    assert.equal(statusOfReset(cancel, null, 1e9), 1);
    assert.equal(statusOfReset(cancel, 1e9, 0.4e9), 1);
    assert.equal(statusOfReset(cancel, 1e9, 1.001e9), 4);
    assert.equal(statusOfReset(refused, 1e9, 2e9), 14);
    assert.equal(statusOfReset(internal, null, 0), 13);
    assert.equal(statusInText('grpc-message:x\r\nGRPC-Status: 12\r\n'), 12);
    assert.equal(statusInText('x-grpc-status: 12\r\ngrpc-status: many\r\n'), null);
  });

  it('folds paths as the kernel does', () => {
    for (const [path, shape] of [
      ['/', '/'],
      ['/users/17?token=x', '/users/:id'],
      ['/users/0123456789abcdef0/x', '/users/:hash/x'],
      ['/a/f47ac10b-58cc-4372-a567-0e02b2c3d479', '/a/:uuid'],
      ['/abcdefabcdefabcdef', '/abcdefabcdefabcdef'],
      ['/c-d/1-2', '/c-d/1-2'],
      ['*', '*'],
    ])
      assert.equal(shapeOf(path), shape);
    assert.equal(shapeOf(null), ':host');
    assert.equal(shapeOf(`/${'x'.repeat(500)}`).length, 128);
  });

  it('puts times into the buckets of the kernel', () => {
    for (let ns = 1; ns < 4e12; ns = Math.ceil(ns * 1.013)) {
      const { startNs, widthNs } = bucketRange(bucketOf(ns));
      assert.ok((ns >= startNs && ns < startNs + widthNs) || bucketOf(ns) === 959, `${ns}: ${startNs}, ${widthNs}`);
    }
  });
});
