// Connections that change hands, end early, are older than the trace, or whose bytes no call of the process passes.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { base64, countsOf, Talker } from './httpHarness';
import { httpTalk, OK, Peer } from './httpTalk';

describe('HTTP/1 connections', function () {
  this.timeout(60_000);
  const talk = httpTalk();

  it('counts outgoing calls apart, and a process that calls itself on both sides', async () => {
    await talk.trace();
    await talk.say('connect', 'o', '127.0.0.1', talk.port);
    await talk.say('accept', 'c', 'l');
    const request = 'GET /self/5 HTTP/1.1\r\n\r\n';
    await talk.say('send', 'o', base64(request));
    await talk.say('exactly', 'c', request.length);
    await talk.say('send', 'c', base64(OK));
    await talk.say('exactly', 'o', OK.length);
    const { routes, clients } = talk.section();
    assert.deepEqual(countsOf(routes), { 'GET /self/:id 200': 1 });
    assert.deepEqual(countsOf(clients), { 'GET /self/:id 200': 1 });
    assert.deepEqual([routes[0].bytesIn, clients[0].bytesIn], [request.length, OK.length]);
  });

  it('ends an outgoing answer without a length where the server closes', async () => {
    await talk.trace();
    await talk.say('connect', 'o', '127.0.0.1', talk.port);
    await talk.say('accept', 'c', 'l');
    await talk.say('send', 'o', base64('GET /x HTTP/1.0\r\n\r\n'));
    await talk.say('recv', 'c', 100);
    await talk.say('send', 'c', base64('HTTP/1.0 404 No\r\n\r\nbody'));
    await talk.say('close', 'c');
    await talk.say('exactly', 'o', 'HTTP/1.0 404 No\r\n\r\nbody'.length);
    assert.equal(await talk.say('recv', 'o', 10), '');
    assert.deepEqual(countsOf(talk.section().clients), { 'GET /x 404': 1 });
  });

  it('never takes body text for a head where it was attached in the middle of a body', async () => {
    const peer = await talk.accepted();
    const body = 'GET /evil HTTP/1.1\r\nHost: x\r\n\r\n';
    await peer.say(`POST /up HTTP/1.1\r\nContent-Length: ${2 * body.length}\r\n\r\n`);
    await talk.say('recv', 'c', 1000);
    await talk.trace();
    for (let i = 0; i < 2; i++) {
      await peer.say(body);
      await talk.say('exactly', 'c', body.length);
    }
    await talk.say('send', 'c', base64(OK));
    await peer.hears(OK.length);
    assert.deepEqual(talk.counted(), {});
    assert.deepEqual(talk.section().uncounted, { 'request before attach': 1 });
    // From the next request on all is counted.
    await talk.exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(talk.counted(), { 'GET /next 200': 1 });
  });

  it('counts requests that got no answer, without a status', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    await peer.say('GET /lost HTTP/1.1\r\n\r\n');
    await talk.say('recv', 'c', 100);
    await talk.say('reset', 'c');
    await peer.closed;
    assert.deepEqual(talk.counted(), { 'GET /lost': 1 });
    assert.equal(talk.section().routes[0].errors, 1);
  });

  it('counts an answer that was cut short under its status', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    await peer.say('GET /cut HTTP/1.1\r\n\r\n');
    await talk.say('recv', 'c', 100);
    await talk.say('send', 'c', base64('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
    await peer.hears(10);
    await talk.say('reset', 'c');
    await peer.closed;
    assert.deepEqual(talk.counted(), { 'GET /cut 200': 1 });
  });

  it('pairs an answer that comes before its upload ended', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    await peer.say('PUT /big HTTP/1.1\r\nContent-Length: 20\r\n\r\n0123456789');
    await talk.say('recv', 'c', 1000);
    await talk.say('send', 'c', base64('HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n'));
    const rest = 'GET /evil ';
    await peer.say(rest);
    await talk.say('exactly', 'c', rest.length);
    await talk.exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(talk.counted(), { 'PUT /big 413': 1, 'GET /next 200': 1 });
  });

  it('follows bodies that are sent from a file', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    const file = join(talk.folder, 'body');
    const body = 'HTTP/1.1 500 Evil\r\n\r\n'.repeat(20_000);
    writeFileSync(file, body);
    await peer.say('GET /file HTTP/1.1\r\n\r\n');
    await talk.say('recv', 'c', 100);
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
    await talk.say('send', 'c', base64(head));
    await talk.say('sendfile', 'c', file);
    await peer.hears(head.length + body.length);
    await talk.exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(talk.counted(), { 'GET /file 200': 1, 'GET /next 200': 1 });
    assert.equal(talk.section().routes.find(({ route }) => route === '/file')!.bytesOut, head.length + body.length);
  });

  it('follows bodies that are spliced from one connection to another', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    const upstream = (await talk.say('listen', 'lu', '127.0.0.1')) as number;
    await talk.say('connect', 'o', '127.0.0.1', upstream);
    await talk.say('accept', 'u', 'lu');
    const body = 'GET /evil HTTP/1.1\r\n\r\n'.repeat(1_000);
    const head = `PUT /big HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n`;
    await peer.say(head + body);
    await talk.say('exactly', 'c', head.length);
    await talk.say('send', 'o', base64(head));
    await talk.say('splice', 'c', 'o', body.length);
    await talk.say('exactly', 'u', head.length + body.length);
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
    await talk.say('send', 'u', base64(answer + body));
    await talk.say('exactly', 'o', answer.length);
    await talk.say('send', 'c', base64(answer));
    await talk.say('splice', 'o', 'c', body.length);
    await peer.hears(answer.length + body.length);
    await talk.exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    await talk.say('send', 'o', base64('GET /last HTTP/1.1\r\n\r\n'));
    await talk.say('recv', 'u', 1_000);
    await talk.say('send', 'u', base64(OK));
    await talk.say('exactly', 'o', OK.length);
    const { routes, clients, uncounted } = talk.section();
    // The talker is server twice: to the test, and to itself.
    assert.deepEqual(countsOf(routes), { 'PUT /big 200': 2, 'GET /next 200': 1, 'GET /last 200': 1 });
    assert.deepEqual(countsOf(clients), { 'PUT /big 200': 1, 'GET /last 200': 1 });
    assert.deepEqual(uncounted, {});
    assert.equal(clients.find(({ route }) => route === '/big')!.bytesIn, answer.length + body.length);
  });

  it('knows a connection by its socket: duplicated, in a child, its number used again before an answer', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    await talk.say('dup', 'd', 'c');
    await peer.say('GET /dup HTTP/1.1\r\n\r\n');
    await talk.say('recv', 'c', 100);
    await talk.say('close', 'c');
    // Takes the number that was closed.
    const other = await talk.accepted('e');
    await talk.exchange(other, 'GET /reused HTTP/1.1\r\n\r\n', OK, 'e');
    await talk.say('send', 'd', base64('HTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n'));
    await peer.hears(20);
    await peer.say('GET /child HTTP/1.1\r\n\r\n');
    await talk.say('fork', '', [
      ['recv', 'd', 100],
      ['send', 'd', base64(OK)],
    ]);
    await peer.hears(20);
    assert.deepEqual(talk.counted(), { 'GET /dup 202': 1, 'GET /reused 200': 1, 'GET /child 200': 1 });
  });

  it('reads Unix sockets, also abstract ones, and marks those that were there before', async () => {
    const old = join(talk.folder, 'old');
    await talk.say('listenUnix', 'lo', old);
    const before = await Peer.to(old);
    await talk.say('accept', 'o', 'lo');
    await before.say('POST /up HTTP/1.1\r\nContent-Length: 50\r\n\r\n');
    await talk.say('recv', 'o', 1000);
    await talk.trace();
    const body = 'GET /evil HTTP/1.1\r\n\r\n'.padEnd(50);
    await before.say(body);
    await talk.say('exactly', 'o', 50);
    await talk.say('send', 'o', base64(OK));
    await before.hears(OK.length);
    const name = `@http-test-${process.pid}`;
    await talk.say('listenUnix', 'la', name);
    const peer = await Talker.start();
    try {
      await peer.say('connectUnix', 'p', name);
      await talk.say('accept', 'c', 'la');
      const request = 'GET /unix HTTP/1.1\r\n\r\n';
      await peer.say('send', 'p', base64(request));
      await talk.say('exactly', 'c', request.length);
      await talk.say('send', 'c', base64(OK));
    } finally {
      peer.end();
    }
    assert.deepEqual(talk.counted(), { 'GET /unix 200': 1 });
  });
});
