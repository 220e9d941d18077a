// What the helper makes of flows without a kernel: filters, addresses, lists of sockets, and first payloads, which come from anybody.

import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { addressText } from '../../src/flow/decodeFlow';
import { addressBytes, parseFilters } from '../../src/flow/filter';
import { dnsName, parseClientHello } from '../../src/flow/heads';
import { parseSockets } from '../../src/flow/owners';
import type { TracerError } from '../../src/protocol';
import { mutate, Random } from '../tools/mutate';

/** What Node's own TLS client says first. */
function clientHello(servername: string, ALPNProtocols: string[]): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        resolve(chunk);
        done();
      },
    });
    connect({ socket, servername, ALPNProtocols }).on('error', () => {});
  });
}

describe('flows', () => {
  it('addresses are written as RFC 5952 wants them, and read', () => {
    for (const text of [
      '10.0.0.1',
      '::',
      '::1',
      'fe80::1',
      '2001:db8::1:0:0:1',
      '2001:db8:0:1:1:1:1:1',
      '1:2:3:4:5:6:7:8',
    ])
      assert.equal(addressText(addressBytes(text)!), text);
    assert.equal(addressText(addressBytes('::ffff:1.2.3.4')!), '::ffff:102:304');
    for (const text of ['', '10.0.0', 'fe80::1%eth0', 'host']) assert.equal(addressBytes(text), null);
  });

  it('a filter is words that all fit', () => {
    const [rule] = parseFilters(['not tcp port 443 10.0.0.0/8']);
    assert.deepEqual(
      [rule.except, rule.ipProtocol, rule.port, rule.prefixBits, rule.address?.join('.')],
      [true, 6, 443, 8, '10.0.0.0'],
    );
    assert.equal(parseFilters(['2001:db8::1'])[0].prefixBits, 128);
    for (const text of ['port', 'port 70000', '10.0.0.0/33', '10.0.0.0/8/8', 'eth0', ''])
      assert.throws(
        () => parseFilters([text]),
        (error: TracerError) => error.report.code === 'FLOW_FILTER_INVALID',
      );
    assert.throws(() => parseFilters(new Array(9).fill('tcp')));
  });

  it("the kernel's lists of sockets are read, IPv4 in IPv6 as IPv4", () => {
    const tail = '01 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 20 4 30 10 -1';
    const text = [
      '  sl  local_address rem_address   st',
      `   0: 0100007F:1F90 0200000A:C350 ${tail}`,
      `   1: 0000000000000000FFFF00000100007F:0050 0000000000000000FFFF00000200000A:C351 ${tail}`,
      `   2: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 ${tail}`,
    ].join('\n');
    assert.deepEqual(
      [...parseSockets(text).keys()],
      ['127.0.0.1:8080 10.0.0.2:50000', '127.0.0.1:80 10.0.0.2:50001', '::1:80 :::0'],
    );
  });

  it('a ClientHello has name, protocols and version, also when its end comes later', async () => {
    const hello = await clientHello('shop.example', ['h2', 'http/1.1']);
    const whole = { sni: 'shop.example', alpn: ['h2', 'http/1.1'], version: 'TLS 1.3' };
    assert.deepEqual(parseClientHello(hello), whole);
    for (const length of [0, 8, 9, 100, hello.length - 1])
      assert.equal(parseClientHello(hello.subarray(0, length)), 'short');
    assert.equal(parseClientHello(Buffer.from('GET / HTTP/1.1')), null);
  });

  it('damaged payloads do no harm', async () => {
    const hello = await clientHello('shop.example', ['h2']);
    const query = Buffer.from('000701000001000000000000076578616d706c65036f72670000010001', 'hex');
    assert.equal(dnsName(query), 'example.org');
    const random = new Random(15);
    for (let i = 0; i < 20_000; i++) {
      const found = parseClientHello(mutate(hello, query, random));
      if (found && found !== 'short') assert.ok((found.sni?.length ?? 0) <= 255 && found.alpn.length <= 8);
      const name = dnsName(mutate(query, hello, random));
      assert.ok(name === null || name.length < 10_000);
    }
  });
});
