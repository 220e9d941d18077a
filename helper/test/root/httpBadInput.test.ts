// Bytes that look like HTTP/1 and are not, and messages that break its rules: nothing of them is taken for what it is not.

import assert from 'node:assert/strict';
import { httpTalk, OK } from './httpTalk';

describe('HTTP/1 and what looks like it', function () {
  this.timeout(60_000);
  const talk = httpTalk();

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
      await talk.trace();
      const peer = await talk.accepted();
      await talk.exchange(peer, request, answer);
      await talk.exchange(peer, 'GET /after HTTP/1.1\r\n\r\n', OK);
      assert.deepEqual(talk.counted(), {});
      assert.equal(talk.section().connections, 0);
    });

  for (const [shape, headers] of [
    ['two lengths', 'Content-Length: 3\r\nContent-Length: 5'],
    ['a negative length', 'Content-Length: -3'],
    ['a length that is too long', `Content-Length: ${'9'.repeat(30)}`],
    ['a length with a sign', 'Content-Length: +3'],
    ['two numbers', 'Content-Length: 3 4'],
  ])
    it(`counts a request with ${shape} by its answer and reads nothing of its body`, async () => {
      await talk.trace();
      const peer = await talk.accepted();
      await talk.exchange(
        peer,
        `POST /smuggle HTTP/1.1\r\n${headers}\r\n\r\nGET /evil HTTP/1.1\r\n\r\n`,
        'HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n',
      );
      await talk.exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
      assert.deepEqual(talk.counted(), { 'POST /smuggle 400': 1, 'GET /next 200': 1 });
    });

  it('lets transfer-encoding win over content-length', async () => {
    await talk.trace();
    const peer = await talk.accepted();
    await talk.exchange(
      peer,
      'POST /te HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      OK,
    );
    await talk.exchange(peer, 'GET /next HTTP/1.1\r\n\r\n', OK);
    assert.deepEqual(talk.counted(), { 'POST /te 200': 1, 'GET /next 200': 1 });
  });
});
