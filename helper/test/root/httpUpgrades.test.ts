// What follows an HTTP/1 connection's upgrade: WebSocket frames, or what nobody reads.

import assert from 'node:assert/strict';
import { base64 } from './httpHarness';
import { httpTalk, OK } from './httpTalk';

describe('HTTP/1 connections that are upgraded', function () {
  this.timeout(60_000);
  const talk = httpTalk();

  it('counts WebSocket frames by route, control frames apart', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    const answer = 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n';
    const masked = (opcode: number, payload: number) => {
      const long = [0xff, 0, 0, 0, 0, 0, payload >> 16, (payload >> 8) & 255, payload & 255];
      const length = payload < 126 ? [0x80 | payload] : payload < 65_536 ? [0xfe, payload >> 8, payload & 255] : long;
      const head = String.fromCharCode(0x80 | opcode, ...length, 1, 2, 3, 4);
      return head + 'x'.repeat(payload);
    };
    // The first frame follows the head at once.
    const request = 'GET /chat/7 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
    await talk.exchange(peer, request, `${answer}\x81\x02hi`);
    for (const frame of [masked(1, 5), masked(2, 300), masked(2, 70_000), masked(9, 3), masked(1, 0)]) {
      await peer.say(frame);
      await talk.say('exactly', 'c', frame.length);
    }
    const fragments = `\x02\x7e\x00\x80${'y'.repeat(128)}\x80\x00`;
    await talk.say('bytewise', 'c', base64(`\x8a\x03abc${fragments}\x88\x02\x03\xe8`));
    const close = masked(8, 2);
    await peer.say(close);
    await talk.say('exactly', 'c', close.length);
    await talk.say('close', 'c');
    await peer.closed;
    assert.deepEqual(talk.counted(), { 'GET /chat/:id 101': 1 });
    assert.deepEqual(talk.section().websockets, [
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
    await talk.trace();
    const upgrade = 'Upgrade: other\r\nConnection: Upgrade\r\n\r\n';
    for (const [name, request, answer] of [
      ['u', `GET /chat HTTP/1.1\r\n${upgrade}`, `HTTP/1.1 101 Switching\r\n${upgrade}`],
      ['p', 'CONNECT example.org:443 HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 Connected\r\n\r\n'],
    ]) {
      const peer = await talk.accepted(name);
      await talk.exchange(peer, request, answer, name);
      await talk.exchange(peer, 'GET /inside HTTP/1.1\r\n\r\n', OK, name);
    }
    assert.deepEqual(talk.counted(), { 'GET /chat 101': 1, 'CONNECT :host 200': 1 });
  });
});
