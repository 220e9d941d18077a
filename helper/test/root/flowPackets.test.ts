// The XDP tracer's programs, packet by packet: each is written byte for byte by the test and handed to the loaded program, which
// passes it on whatever it is; what it was counted as is compared with what it was.

import assert from 'node:assert/strict';
import { FLOW_NOT_PARSED, FLOW_PROTOCOL } from '../../src/abi/flowEvents.gen';
import type { FlowEntry } from '../../src/flow/decodeFlow';
import { mutate, Random } from '../tools/mutate';
import { type FlowProgram, FlowRun, PASS } from './flowRun';
import {
  address4,
  address6,
  dns,
  ETHERTYPE,
  ethernet,
  extension,
  FLAG,
  fragment6,
  icmp,
  ipv4,
  ipv6,
  sctp,
  type Tcp,
  tagged,
  tcp,
  udp,
} from './packets';

const CLIENT = '10.0.0.2';
const SERVER = '10.0.0.1';
const CLIENT6 = 'fd00:0:0:0:0:0:0:2';
const SERVER6 = 'fd00:0:0:0:0:0:0:1';
const ICMP = 1;
const TCP = 6;
const UDP = 17;
const GRE = 47;
const ESP = 50;
const AUTHENTICATION = 51;
const ICMPV6 = 58;
const SCTP = 132;

const fromClient = (protocol: number, payload: Buffer, more: object = {}) =>
  ethernet(ETHERTYPE.ipv4, ipv4({ from: CLIENT, to: SERVER, protocol, payload, ...more }));
const fromServer = (protocol: number, payload: Buffer, more: object = {}) =>
  ethernet(ETHERTYPE.ipv4, ipv4({ from: SERVER, to: CLIENT, protocol, payload, ...more }));
const client6 = (next: number, payload: Buffer) => ethernet(ETHERTYPE.ipv6, ipv6(CLIENT6, SERVER6, next, payload));

/** `tcp 10.0.0.2:1000 > 10.0.0.1:80`, of the direction that has packets. */
function nameOf(flow: FlowEntry): string {
  const from = flow.directions[0].packets > 0 ? 0 : 1;
  const end = (i: number) => `${flow.ends[i].address}:${flow.ends[i].port}`;
  return `${flow.ipProtocol} ${end(from)} > ${end(1 - from)}`;
}

describe('the XDP tracer, packet by packet', function () {
  this.timeout(120_000);
  let run: FlowRun;
  before(() => {
    run = new FlowRun();
  });
  beforeEach(() => run.clear());
  after(() => run.close());

  function feed(packets: readonly Buffer[], program: FlowProgram = 'flow_xdp'): FlowEntry[] {
    for (const packet of packets) assert.equal(run.run(program, packet).returned, PASS[program]);
    return run.flows();
  }
  const notParsed = (): Record<string, number> => {
    const counts = run.maps.counters().notParsed;
    return Object.fromEntries(
      Object.entries(FLOW_NOT_PARSED)
        .filter(([, place]) => counts[place] > 0)
        .map(([name, place]) => [name, counts[place]]),
    );
  };

  const UDP_1_2 = udp(1000, 2000, Buffer.alloc(20));
  const KINDS: [string, Buffer, string][] = [
    ['TCP', fromClient(TCP, tcp({ from: 1000, to: 80 })), '6 10.0.0.2:1000 > 10.0.0.1:80'],
    ['UDP', fromClient(UDP, UDP_1_2), '17 10.0.0.2:1000 > 10.0.0.1:2000'],
    ['SCTP', fromClient(SCTP, sctp(1000, 2000)), '132 10.0.0.2:1000 > 10.0.0.1:2000'],
    ['ICMP', fromClient(ICMP, icmp(8, 0, Buffer.alloc(8))), '1 10.0.0.2:0 > 10.0.0.1:0'],
    [
      'IPv4 with options',
      fromClient(UDP, UDP_1_2, { options: Buffer.alloc(12, 1) }),
      '17 10.0.0.2:1000 > 10.0.0.1:2000',
    ],
    ['UDP in IPv6', client6(UDP, UDP_1_2), '17 fd00::2:1000 > fd00::1:2000'],
    ['TCP in IPv6', client6(TCP, tcp({ from: 1000, to: 80 })), '6 fd00::2:1000 > fd00::1:80'],
    ['ICMPv6', client6(ICMPV6, icmp(128, 0, Buffer.alloc(8))), '58 fd00::2:0 > fd00::1:0'],
    [
      'hop by hop and destination options',
      client6(0, extension(60, 0, extension(UDP, 2, UDP_1_2))),
      '17 fd00::2:1000 > fd00::1:2000',
    ],
    ['routing header', client6(43, extension(UDP, 1, UDP_1_2)), '17 fd00::2:1000 > fd00::1:2000'],
    [
      'authentication header',
      client6(AUTHENTICATION, Buffer.concat([Buffer.from([UDP, 4]), Buffer.alloc(22), UDP_1_2])),
      '17 fd00::2:1000 > fd00::1:2000',
    ],
    [
      'a fragment header of a whole packet',
      client6(44, fragment6(UDP, 0, false, 7, UDP_1_2)),
      '17 fd00::2:1000 > fd00::1:2000',
    ],
    [
      'one VLAN tag',
      ethernet(
        ETHERTYPE.vlan,
        tagged(7, ETHERTYPE.ipv4, ipv4({ from: CLIENT, to: SERVER, protocol: UDP, payload: UDP_1_2 })),
      ),
      '17 10.0.0.2:1000 > 10.0.0.1:2000',
    ],
    [
      'QinQ',
      ethernet(
        ETHERTYPE.qinq,
        tagged(7, ETHERTYPE.vlan, tagged(8, ETHERTYPE.ipv6, ipv6(CLIENT6, SERVER6, UDP, UDP_1_2))),
      ),
      '17 fd00::2:1000 > fd00::1:2000',
    ],
  ];
  for (const [title, packet, name] of KINDS)
    for (const program of ['flow_xdp', 'flow_tc'] as const)
      it(`${title} is a flow (${program})`, () => {
        const [flow, ...others] = feed([packet, packet], program);
        assert.deepEqual(others, []);
        assert.equal(nameOf(flow), name);
        const { packets, bytes, minBytes, maxBytes } = flow.directions.find((one) => one.packets > 0)!;
        assert.deepEqual([packets, bytes, minBytes, maxBytes], [2, 2 * packet.length, packet.length, packet.length]);
        assert.deepEqual(notParsed(), {});
      });

  const REASONS: [string, Buffer, Record<string, number>, string | null][] = [
    ['ARP', ethernet(ETHERTYPE.arp, Buffer.alloc(28)), { FLOW_ARP: 1 }, null],
    ['LLDP', ethernet(0x88cc, Buffer.alloc(40)), { FLOW_OTHER_ETHERTYPE: 1 }, null],
    ['802.3 with LLC', ethernet(0x0026, Buffer.alloc(38)), { FLOW_OTHER_ETHERTYPE: 1 }, null],
    [
      'three VLAN tags',
      ethernet(
        ETHERTYPE.qinq,
        tagged(1, ETHERTYPE.vlan, tagged(2, ETHERTYPE.vlan, tagged(3, ETHERTYPE.vlan, Buffer.alloc(40)))),
      ),
      { FLOW_TOO_MANY_TAGS: 1 },
      null,
    ],
    [
      'an IPv4 header that is cut',
      ethernet(ETHERTYPE.ipv4, Buffer.alloc(12, 0x45), { pad: false }),
      { FLOW_TRUNCATED: 1 },
      null,
    ],
    ['IPv4 that says version 5', ethernet(ETHERTYPE.ipv4, Buffer.alloc(46, 0x55)), { FLOW_BAD_HEADER: 1 }, null],
    ['IPv4 with four words of header', ethernet(ETHERTYPE.ipv4, Buffer.alloc(46, 0x44)), { FLOW_BAD_HEADER: 1 }, null],
    ['IPv6 that says version 4', ethernet(ETHERTYPE.ipv6, Buffer.alloc(46, 0x44)), { FLOW_BAD_HEADER: 1 }, null],
    ['GRE', fromClient(GRE, Buffer.alloc(20)), { FLOW_UNKNOWN_HEADER: 1 }, '47 10.0.0.2:0 > 10.0.0.1:0'],
    ['ESP', fromClient(ESP, Buffer.alloc(20)), { FLOW_ESP: 1 }, '50 10.0.0.2:0 > 10.0.0.1:0'],
    ['no next header', client6(59, Buffer.alloc(20)), { FLOW_NO_NEXT_HEADER: 1 }, '59 fd00::2:0 > fd00::1:0'],
    ['an unknown next header', client6(253, Buffer.alloc(20)), { FLOW_UNKNOWN_HEADER: 1 }, '253 fd00::2:0 > fd00::1:0'],
    [
      'nine extension headers',
      client6(
        60,
        Array.from({ length: 9 }).reduce<Buffer>((inner, _, i) => extension(i === 0 ? UDP : 60, 0, inner), UDP_1_2),
      ),
      { FLOW_TOO_MANY_HEADERS: 1 },
      '60 fd00::2:0 > fd00::1:0',
    ],
    [
      'ports beyond the end',
      ethernet(
        ETHERTYPE.ipv4,
        ipv4({ from: CLIENT, to: SERVER, protocol: UDP, payload: Buffer.alloc(2), totalBytes: 28 }),
        { pad: false },
      ),
      { FLOW_CUT_TRANSPORT: 1 },
      '17 10.0.0.2:0 > 10.0.0.1:0',
    ],
    [
      'a TCP header of four words',
      fromClient(
        TCP,
        Buffer.concat([tcp({ from: 1000, to: 80 }).subarray(0, 12), Buffer.from([0x40, 16]), Buffer.alloc(30)]),
      ),
      { FLOW_CUT_TRANSPORT: 1 },
      '6 10.0.0.2:1000 > 10.0.0.1:80',
    ],
    [
      'a later fragment alone',
      fromClient(UDP, Buffer.alloc(40), { offset: 1480, id: 9 }),
      { FLOW_LONE_FRAGMENT: 1 },
      '17 10.0.0.2:0 > 10.0.0.1:0',
    ],
  ];
  for (const [title, packet, reasons, name] of REASONS)
    it(`${title} passes and says where the walk ended`, () => {
      const flows = feed([packet]);
      assert.deepEqual(notParsed(), reasons);
      assert.deepEqual(flows.map(nameOf), name === null ? [] : [name]);
      if (name === null) assert.equal(run.maps.counters().outsideBytes, packet.length);
    });

  it('both directions are one flow', () => {
    const there = fromClient(TCP, tcp({ from: 1000, to: 80, seq: 1 }));
    const back = fromServer(TCP, tcp({ from: 80, to: 1000, seq: 1 }));
    const [flow, ...others] = feed([there, back, there]);
    assert.deepEqual(others, []);
    assert.deepEqual(
      flow.ends.map(({ address, port }, i) => [address, port, flow.directions[i].packets]),
      [
        [SERVER, 80, 1],
        [CLIENT, 1000, 2],
      ],
    );
  });

  it('the ends of one address are told apart by their ports', () => {
    const packet = (from: number, to: number) =>
      ethernet(ETHERTYPE.ipv4, ipv4({ from: SERVER, to: SERVER, protocol: UDP, payload: udp(from, to) }));
    const [flow, ...others] = feed([packet(9000, 53), packet(53, 9000), packet(53, 9000)]);
    assert.deepEqual(others, []);
    const packets = flow.ends.map(({ port }, i) => [port, flow.directions[i].packets]);
    assert.deepEqual(
      new Map(packets as [number, number][]),
      new Map([
        [53, 2],
        [9000, 1],
      ]),
    );
  });

  it('later fragments join the flow of their first', () => {
    const parts = (id: number) => [
      fromClient(UDP, udp(1000, 2000, Buffer.alloc(1472)), { id, more: true }),
      fromClient(UDP, Buffer.alloc(1480), { id, more: true, offset: 1480 }),
      fromClient(UDP, Buffer.alloc(100), { id, offset: 2960 }),
    ];
    const parts6 = [
      client6(44, fragment6(UDP, 0, true, 5, udp(1000, 2000, Buffer.alloc(1400)))),
      client6(44, fragment6(UDP, 1408, false, 5, Buffer.alloc(300))),
    ];
    const flows = feed([...parts(1), ...parts(2), ...parts6]);
    assert.deepEqual(
      flows.map((flow) => [nameOf(flow), Math.max(...flow.directions.map(({ packets }) => packets))]),
      [
        ['17 10.0.0.2:1000 > 10.0.0.1:2000', 6],
        ['17 fd00::2:1000 > fd00::1:2000', 2],
      ],
    );
    assert.deepEqual(notParsed(), {});
  });

  describe('TCP', () => {
    /** What one connection looked like, from the client's end and the server's. */
    function connection(steps: readonly (Partial<Tcp> & { by: 'client' | 'server' })[]) {
      const flows = feed(
        steps.map(({ by, ...segment }) =>
          by === 'client'
            ? fromClient(TCP, tcp({ from: 1000, to: 80, ...segment }))
            : fromServer(TCP, tcp({ from: 80, to: 1000, ...segment })),
        ),
      );
      const flow = flows[flows.length - 1];
      return { flows, flow, server: flow.directions[0], client: flow.directions[1] };
    }
    const data = Buffer.alloc(100, 'x');
    const OPENING = [
      { by: 'client', seq: 100, flags: FLAG.syn },
      { by: 'server', seq: 500, ack: 101, flags: FLAG.syn | FLAG.ack },
      { by: 'client', seq: 101, ack: 501 },
    ] as const;

    it('a handshake is timed', () => {
      const { flow, client } = connection(OPENING);
      assert.ok(flow.handshakeNs !== null && flow.handshakeNs > 0);
      assert.deepEqual([flow.opener, flow.answered, flow.shaken], [1, true, true]);
      assert.equal(client.rttCount, 1, 'SYN is answered');
    });

    it('SYN and SYN-ACK resends are retransmissions', () => {
      const { client, server } = connection([OPENING[0], OPENING[0], OPENING[1], OPENING[1], OPENING[2]]);
      assert.deepEqual([client.retransmits, server.retransmits], [1, 1]);
    });

    it('a segment that comes again is a retransmission, and times nothing', () => {
      const { client } = connection([
        ...OPENING,
        { by: 'client', seq: 101, ack: 501, payload: data },
        { by: 'client', seq: 201, ack: 501, payload: data },
        { by: 'client', seq: 101, ack: 501, payload: data },
        { by: 'server', seq: 501, ack: 301 },
      ]);
      assert.deepEqual([client.retransmits, client.outOfOrder, client.rttCount], [1, 0, 1]);
    });

    it('what fills a hole at once came out of order', () => {
      const { client } = connection([
        { by: 'client', seq: 101, ack: 501, payload: data },
        { by: 'client', seq: 301, ack: 501, payload: data },
        { by: 'client', seq: 201, ack: 501, payload: data },
        { by: 'client', seq: 401, ack: 501, payload: data },
      ]);
      assert.deepEqual([client.retransmits, client.outOfOrder], [0, 1]);
    });

    it('what fills a hole later was sent again', async () => {
      const first = [
        { by: 'client', seq: 101, ack: 501, payload: data },
        { by: 'client', seq: 301, ack: 501, payload: data },
      ] as const;
      connection(first);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const { client } = connection([{ by: 'client', seq: 201, ack: 501, payload: data }]);
      assert.deepEqual([client.retransmits, client.outOfOrder], [1, 0]);
    });

    it('keep-alives and window probes are no retransmissions', () => {
      const { client, server } = connection([
        ...OPENING,
        { by: 'client', seq: 101, ack: 501, payload: data },
        { by: 'server', seq: 501, ack: 201, window: 0 },
        { by: 'client', seq: 201, ack: 501, payload: data.subarray(0, 1) },
        { by: 'server', seq: 501, ack: 201, window: 0 },
        { by: 'server', seq: 501, ack: 201, window: 900 },
        { by: 'client', seq: 200, ack: 501, payload: data.subarray(0, 1) },
        { by: 'client', seq: 200, ack: 501 },
      ]);
      assert.deepEqual([client.retransmits, client.windowProbes, client.keepAlives, server.zeroWindows], [0, 1, 2, 2]);
    });

    it('duplicate acknowledgements are counted', () => {
      const again = { by: 'server', seq: 501, ack: 201 } as const;
      const { server } = connection([
        ...OPENING,
        { by: 'client', seq: 101, ack: 501, payload: data },
        again,
        again,
        again,
      ]);
      assert.equal(server.duplicateAcks, 2);
    });

    it('sequence numbers wrap', () => {
      const { client } = connection([
        { by: 'client', seq: 0xffff_ff9c, ack: 501, payload: data },
        { by: 'client', seq: 0, ack: 501, payload: data },
        { by: 'client', seq: 100, ack: 501, payload: data },
      ]);
      assert.deepEqual([client.retransmits, client.outOfOrder], [0, 0]);
    });

    it('a new SYN between the same ends begins a connection, the same one again does not', () => {
      const { flows } = connection([
        ...OPENING,
        { by: 'client', seq: 101, ack: 501, flags: FLAG.fin | FLAG.ack },
        { by: 'client', seq: 7000, flags: FLAG.syn },
        { by: 'client', seq: 7000, flags: FLAG.syn },
        { by: 'server', seq: 9000, ack: 7001, flags: FLAG.syn | FLAG.ack },
      ]);
      assert.deepEqual(
        flows.map(({ ended, directions }) => [
          ended,
          directions[1].packets,
          directions[0].packets,
          directions[1].retransmits,
        ]),
        [
          [true, 3, 1, 0],
          [false, 2, 1, 1],
        ],
      );
    });
  });

  it('an ICMP error is told of the flow that it speaks of', () => {
    const sent4 = ipv4({ from: CLIENT, to: SERVER, protocol: UDP, payload: UDP_1_2 });
    const sent6 = ipv6(CLIENT6, SERVER6, UDP, UDP_1_2);
    const flows = feed([
      ethernet(ETHERTYPE.ipv4, sent4),
      fromServer(ICMP, icmp(3, 3, sent4.subarray(0, 28))),
      ethernet(ETHERTYPE.ipv6, sent6),
      ethernet(ETHERTYPE.ipv6, ipv6(SERVER6, CLIENT6, ICMPV6, icmp(1, 4, sent6.subarray(0, 48)))),
      // An echo says nothing of another flow.
      fromServer(ICMP, icmp(0, 0, sent4.subarray(0, 28))),
    ]);
    assert.deepEqual(
      flows.map((flow) => [flow.ipProtocol, flow.directions[1].icmpErrors]),
      [
        [UDP, 1],
        [ICMP, 0],
        [UDP, 1],
        [ICMPV6, 0],
      ],
    );
  });

  it('one packet of several segments is one packet', () => {
    const packet = fromClient(
      TCP,
      tcp({ from: 1000, to: 80, payload: Buffer.alloc(2 * 1448), options: Buffer.alloc(12, 1) }),
    );
    run.run('flow_tc', packet, 1, 2);
    const { packets, bytes, segments, wireBytes } = run.flows()[0].directions[1];
    assert.deepEqual([packets, bytes, segments, wireBytes], [1, packet.length, 2, packet.length + 14 + 20 + 32]);
  });

  describe('protocols', () => {
    const PAYLOADS: [string, string | Buffer, keyof typeof FLOW_PROTOCOL][] = [
      ['HTTP/1', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'FLOW_HTTP1'],
      ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'FLOW_HTTP2'],
      ['TLS', Buffer.from('1603010200010001fc0303000102030405', 'hex'), 'FLOW_TLS'],
      ['PostgreSQL', Buffer.from('0000002600030000757365720000000000', 'hex'), 'FLOW_POSTGRES'],
      ['PostgreSQL asking for TLS', Buffer.from('0000000804d2162f', 'hex'), 'FLOW_POSTGRES'],
      ['MySQL', Buffer.concat([Buffer.from('4a0000000a', 'hex'), Buffer.from('8.0.36\0........')]), 'FLOW_MYSQL'],
      ['Redis', '*1\r\n$4\r\nPING\r\n', 'FLOW_REDIS'],
      ['something else', 'EHLO mail.example.org\r\n', 'FLOW_UNKNOWN'],
    ];
    for (const [title, payload, protocol] of PAYLOADS)
      it(`${title} is recognized by its first bytes`, () => {
        const [flow] = feed([
          fromClient(TCP, tcp({ from: 1000, to: 80, payload: Buffer.from(payload as string, 'latin1') })),
        ]);
        assert.equal(flow.protocol, FLOW_PROTOCOL[protocol]);
      });

    it('HTTP/1 is counted message by message, sent again or not', () => {
      const said = (by: typeof fromClient, from: number, to: number, seq: number, text: string) =>
        by(TCP, tcp({ from, to, seq, payload: Buffer.from(text.padEnd(100)) }));
      const get = said(fromClient, 1000, 80, 100, 'GET /a HTTP/1.1\r\n');
      const [flow] = feed([
        get,
        get,
        said(fromServer, 80, 1000, 100, 'HTTP/1.1 200 OK\r\n'),
        said(fromClient, 1000, 80, 200, 'POST /b HTTP/1.1\r\n'),
        said(fromServer, 80, 1000, 200, 'HTTP/1.1 503 No\r\n'),
        said(fromServer, 80, 1000, 300, 'HTTP/1.1 204 No Content\r\n'),
        said(fromServer, 80, 1000, 400, 'body that is none of them'),
      ]);
      assert.deepEqual(flow.messages.slice(0, 14), [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1]);
    });

    it('101 makes it a WebSocket', () => {
      const [flow] = feed([
        fromClient(TCP, tcp({ from: 1000, to: 80, payload: Buffer.from('GET /socket HTTP/1.1\r\n') })),
        fromServer(TCP, tcp({ from: 80, to: 1000, payload: Buffer.from('HTTP/1.1 101 Switching Protocols\r\n') })),
      ]);
      assert.equal(flow.protocol, FLOW_PROTOCOL.FLOW_WEBSOCKET);
    });

    it('DNS has queries, answers by code, and latencies', () => {
      const [flow] = feed([
        fromClient(UDP, udp(1000, 53, dns(7, 'example.org', null))),
        fromServer(UDP, udp(53, 1000, dns(7, 'example.org', { code: 0 }))),
        fromClient(UDP, udp(1000, 53, dns(8, 'missing.example.org', null))),
        fromServer(UDP, udp(53, 1000, dns(8, 'missing.example.org', { code: 3 }))),
        fromServer(UDP, udp(53, 1000, dns(99, 'unasked.example.org', { code: 0 }))),
      ]);
      assert.equal(flow.protocol, FLOW_PROTOCOL.FLOW_DNS);
      assert.deepEqual(flow.messages.slice(0, 7), [2, 2, 2, 0, 0, 1, 0]);
      assert.ok(flow.latencyMaxNs > 0 && flow.latencySumNs >= flow.latencyMaxNs);
    });

    it('QUIC is recognized by its long header', () => {
      const initial = Buffer.concat([Buffer.from('c300000001088394c8f03e515708', 'hex'), Buffer.alloc(1186)]);
      const [flow] = feed([fromClient(UDP, udp(1000, 443, initial))]);
      assert.equal(flow.protocol, FLOW_PROTOCOL.FLOW_QUIC);
    });
  });

  describe('what is counted', () => {
    const packet = (from: string, port: number) =>
      ethernet(ETHERTYPE.ipv4, ipv4({ from, to: '10.9.9.9', protocol: UDP, payload: udp(1000, port) }));
    const RULE = { address: null, prefixBits: 0, port: null, ipProtocol: null, except: false };
    const four = [packet('10.1.0.1', 53), packet('10.1.0.1', 99), packet('10.2.0.1', 53), client6(UDP, udp(1000, 53))];
    const names = (rules: object[]) => {
      run.set({ rules: rules.map((rule) => ({ ...RULE, ...rule })) });
      return feed(four).map(nameOf);
    };

    it('a prefix', () =>
      assert.deepEqual(names([{ address: address4('10.1.0.0'), prefixBits: 16 }]), [
        '17 10.1.0.1:1000 > 10.9.9.9:53',
        '17 10.1.0.1:1000 > 10.9.9.9:99',
      ]));
    it('a port, but not of one prefix', () =>
      assert.deepEqual(names([{ port: 53 }, { address: address4('10.2.0.0'), prefixBits: 16, except: true }]), [
        '17 10.1.0.1:1000 > 10.9.9.9:53',
        '17 fd00::2:1000 > fd00::1:53',
      ]));
    it('an IPv6 prefix', () =>
      assert.deepEqual(names([{ address: address6('fd00:0:0:0:0:0:0:0'), prefixBits: 16 }]), [
        '17 fd00::2:1000 > fd00::1:53',
      ]));
    it('the rest is counted as left out', () => {
      names([{ ipProtocol: TCP }]);
      assert.equal(run.maps.counters().filtered, 4);
    });

    it('one packet in so many, exactly', () => {
      run.set({ sampleEvery: 16, sampleAfter: 10 });
      const one = packet('10.1.0.1', 53);
      run.run('flow_xdp', one, 1003);
      const { packets, bytes } = run.flows()[0].directions.find((side) => side.packets > 0)!;
      assert.deepEqual([packets, bytes], [1003, 1003 * one.length]);
    });
  });

  it('a full table takes the place of the flow unused for longest, and says how many', () => {
    const flows = 40_000;
    for (let i = 0; i < flows; i++)
      run.run('flow_xdp', fromClient(UDP, udp(1 + (i % 30_000), 1 + Math.floor(i / 30_000))));
    const { created, evicted, gonePackets } = run.maps.totals();
    const left = run.flows().length;
    assert.equal(created, flows);
    assert.equal(evicted, flows - left);
    assert.equal(gonePackets + run.flows().length, flows);
    assert.ok(left > 31_500, `${left} of 32,768 places are used`);
  });

  it('damaged packets pass, and each is counted', () => {
    const packets = process.env.MATRIX ? 1_000_000 : 50_000;
    const random = new Random(15);
    const originals = [...KINDS.map(([, packet]) => packet), ...REASONS.map(([, packet]) => packet)];
    let bytes = 0;
    for (let i = 0; i < packets; i++) {
      const original = originals[random.below(originals.length)];
      let packet = mutate(original, originals[random.below(originals.length)], random).subarray(0, 3_000);
      // A test run takes no frame that has less than a link header.
      if (packet.length < 14) packet = original;
      bytes += packet.length;
      assert.equal(run.run('flow_xdp', packet).returned, PASS.flow_xdp);
    }
    const { notParsed: reasons, outsideBytes } = run.maps.counters();
    const { gonePackets, goneBytes } = run.maps.totals();
    const sum = (what: 'packets' | 'bytes') =>
      run.flows().reduce((total, { directions }) => total + directions[0][what] + directions[1][what], 0);
    const outside = reasons.slice(0, FLOW_NOT_PARSED.FLOW_UNKNOWN_HEADER).reduce((a, b) => a + b, 0);
    assert.equal(sum('packets') + gonePackets + outside, packets);
    assert.equal(sum('bytes') + goneBytes + outsideBytes, bytes);
  });
});
