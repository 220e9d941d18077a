// `ebpf-tracer flows` on real traffic between namespaces: whose it is, what it is, what is left when somebody is killed.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlowRow } from '../../src/protocol';
import { readRecording, startCli } from './cli';
import { missingTool, programsIn, TracedFlows, TwoNamespaces } from './flowNetwork';
import { missingForEbpf, until } from './helperProcess';

const HTTP_SERVER = `
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        self.send_response(404 if self.path == '/missing' else 200)
        self.send_header('Content-Length', '5')
        self.end_headers()
        self.wfile.write(b'hello')
    do_POST = do_GET
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(('0.0.0.0', 8080), Handler)
print('ready', flush=True)
server.serve_forever()
`;

/** Says to each query that there is no such name. */
const NAME_SERVER = `
import socket
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(('10.99.0.2', 53))
print('ready', flush=True)
while True:
    query, peer = listener.recvfrom(512)
    listener.sendto(query[:2] + bytes([0x81, 0x83]) + query[4:], peer)
`;

describe('flows of real traffic', function () {
  this.timeout(120_000);
  let network: TwoNamespaces;
  let folder: string;
  let server: number;

  before(async function () {
    const missing = missingForEbpf() ?? missingTool('curl', 'python3');
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'flows-'));
    network = new TwoNamespaces();
    writeFileSync(join(folder, 'server.py'), HTTP_SERVER);
    const child = network.start(network.b, 'python3', join(folder, 'server.py'));
    server = child.pid!;
    await new Promise((resolve) => child.stdout!.once('data', resolve));
  });
  after(() => {
    network?.close();
    if (folder) rmSync(folder, { recursive: true });
  });

  const curl = (...args: string[]) =>
    network.in(network.a, 'curl', '-s', '-o', '/dev/null', '-o', '/dev/null', ...args);
  const url = (path: string, host = '10.99.0.2') => `http://${host}:8080${path}`;
  const tcp = (rows: FlowRow[]) => rows.filter(({ proto }) => proto === 'tcp');

  it('a request is a connection with its messages, its round trips and its process, in one namespace and the other', async () => {
    const [there, here] = [
      await TracedFlows.start('--netns', network.a),
      await TracedFlows.start('--netns', `/run/netns/${network.b}`),
    ];
    curl(url('/'), url('/missing'));
    const results = [await there.end(), await here.end()];
    for (const { rows } of results) {
      const [request, answer, ...others] = tcp(rows).sort((x, y) => y.sport - x.sport);
      assert.deepEqual(others, []);
      assert.deepEqual([request.src, request.dst, request.dport], ['10.99.0.1', '10.99.0.2', 8080]);
      assert.equal(request.protocol, 'http/1');
      assert.deepEqual(request.http, { GET: 2, '2xx': 1, '4xx': 1 });
      assert.equal(request.tcp?.state, 'closed');
      assert.ok(request.tcp!.handshakeUs! > 0 && request.tcp!.rttUs! > 0 && answer.tcp!.rttUs! > 0);
      assert.deepEqual([request.tcp!.retransmits, answer.tcp!.retransmits], [0, 0]);
    }
    const [client, onServer] = results.map(({ rows }) => tcp(rows).find(({ dport }) => dport === 8080)!);
    assert.equal(client.process, 'curl', 'it has ended before anybody looked');
    assert.equal(client.peerPid, null, 'the server is in another namespace');
    assert.deepEqual([onServer.process, onServer.peerPid], [null, server]);
  });

  it('by process: what its sockets carry', async () => {
    const traced = await TracedFlows.start('--pid', String(server));
    curl(url('/'));
    const { rows, summary } = await traced.end();
    assert.deepEqual(
      rows.map(({ sport, dport }) => Math.min(sport, dport)),
      [8080, 8080],
    );
    assert.equal(
      summary.packets,
      rows.reduce((sum, { packets }) => sum + packets, 0),
    );
  });

  it('loopback is counted once, with the processes of both ends', async () => {
    const traced = await TracedFlows.start('--netns', network.b);
    network.in(network.b, 'curl', '-s', '-o', '/dev/null', url('/', '127.0.0.1'));
    const { rows } = await traced.end();
    const [request, answer, ...others] = tcp(rows).sort((x, y) => y.sport - x.sport);
    assert.deepEqual(others, []);
    assert.deepEqual([request.interface, request.process, request.peerPid], ['lo', 'curl', server]);
    assert.deepEqual([answer.pid, answer.peerProcess], [server, 'curl']);
    assert.deepEqual(request.http, { GET: 1, '2xx': 1 });
  });

  it('a port that nobody listens on is refused', async () => {
    const traced = await TracedFlows.start('--netns', network.a);
    assert.throws(() => curl('http://10.99.0.2:8081/'));
    const { rows } = await traced.end();
    assert.deepEqual([...new Set(tcp(rows).map((row) => row.tcp!.state))], ['refused']);
  });

  it('a TLS client says whom it looks for', async () => {
    const traced = await TracedFlows.start('--netns', network.b);
    const to = ['--resolve', 'shop.example:8080:10.99.0.2', 'https://shop.example:8080/'];
    assert.throws(() => curl('--max-time', '5', '--tlsv1.3', ...to), 'the server speaks no TLS');
    const { rows } = await traced.end();
    const { protocol, sni, alpn, tlsVersion } = tcp(rows).find(({ dport }) => dport === 8080)!;
    assert.deepEqual([protocol, sni, tlsVersion], ['tls', 'shop.example', 'TLS 1.3']);
    assert.ok(alpn?.includes('http/1.1'));
  });

  it('DNS has names, answers and latencies', async function () {
    const missing = missingTool('dig');
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    writeFileSync(join(folder, 'names.py'), NAME_SERVER);
    const names = network.start(network.b, 'python3', join(folder, 'names.py'));
    await new Promise((resolve) => names.stdout!.once('data', resolve));
    const traced = await TracedFlows.start('--netns', network.a);
    network.in(network.a, 'dig', '@10.99.0.2', '+tries=1', '+timeout=5', 'missing.example.org');
    const { rows } = await traced.end();
    const { dns, process, proto } = rows.find(({ dport }) => dport === 53)!;
    assert.deepEqual([proto, dns?.queries, dns?.answers, dns?.names], ['udp', 1, { 3: 1 }, ['missing.example.org']]);
    assert.ok(dns!.latencyMs!.mean > 0);
    assert.match(process!, /^(?:dig|isc-)/);
  });

  it('a device that comes later is counted from then on', async () => {
    const traced = await TracedFlows.start('--netns', network.a);
    const before = programsIn(network.a);
    network.in(network.a, 'ip', 'link', 'add', 'va2', 'type', 'veth', 'peer', 'name', 'va3');
    network.in(network.a, 'ip', 'addr', 'add', '10.98.0.1/24', 'dev', 'va2');
    for (const device of ['va2', 'va3']) network.in(network.a, 'ip', 'link', 'set', device, 'up');
    await until(() => programsIn(network.a) === before + 4, 'programs are on both');
    network.in(
      network.a,
      'python3',
      '-c',
      'import socket; socket.socket(2, 3, 47).sendto(b"x" * 30, ("10.98.0.1", 0))',
    );
    network.in(
      network.a,
      'python3',
      '-c',
      'import socket\ns = socket.socket(17, 3); s.bind(("va2", 0)); s.send(bytes(12) + b"\\x08\\x06" + bytes(46))',
    );
    network.in(network.a, 'ip', 'link', 'del', 'va2');
    const { summary } = await traced.end();
    assert.ok(summary.notParsed.arp >= 2, 'sent by one, received by the other');
  });

  for (const mode of ['generic', 'native'])
    it(`at XDP, ${mode}, it counts the same`, async () => {
      const traced = await TracedFlows.start('--netns', network.a, '--xdp', mode);
      curl(url('/'));
      const { rows } = await traced.end();
      const [request, answer] = tcp(rows).sort((x, y) => y.sport - x.sport);
      assert.deepEqual(request.http, { GET: 1, '2xx': 1 });
      assert.ok(answer.packets >= 4);
      assert.equal(programsIn(network.a), 0);
    });

  for (const who of ['the command line', 'the helper'])
    it(`after kill -9 of ${who} nothing of ours is left`, async () => {
      const traced = await TracedFlows.start('--netns', network.a);
      assert.ok(programsIn(network.a) > 0);
      const { child } = traced.run;
      const helper = Number(
        network.in(network.a, 'ps', '-o', 'pid=', '--ppid', String(child.pid)).trim().split(/\s+/)[0],
      );
      process.kill(who === 'the helper' ? helper : child.pid!, 'SIGKILL');
      await traced.run.ended;
      await until(() => programsIn(network.a) === 0, 'the links are gone');
    });

  it('record --trace cpu,http,flows holds all on one clock', async () => {
    const file = join(folder, 'all.speedscope.json');
    const run = startCli([
      'record',
      '--json',
      '--trace',
      'cpu,http,flows',
      '--pid',
      String(server),
      '--duration',
      '4s',
      '--output',
      file,
    ]);
    let ended = false;
    void run.ended.then(() => {
      ended = true;
    });
    while (!ended) {
      curl(url('/'));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal((await run.ended).code, 0, (await run.ended).stderr);
    const { tracers, sections } = readRecording(file).ebpfTracer!;
    assert.deepEqual(
      tracers!.map(({ id, count }) => [id, count > 0]),
      [
        ['cpu', true],
        ['http', true],
        ['flows', true],
      ],
    );
    const { rows } = sections!.flows as { rows: FlowRow[] };
    assert.ok(rows.length >= 2 && rows.every(({ pid, peerPid }) => pid === server || peerPid === server));
  });

  it('what does not exist is said', async () => {
    for (const [args, code] of [
      [['--interface', 'nosuch0'], 'INTERFACE_UNKNOWN'],
      [['--netns', 'nosuchns'], 'NETNS_UNKNOWN'],
      [['--netns', '/etc/hostname'], 'NETNS_UNKNOWN'],
      [['--filter', 'port http'], 'FLOW_FILTER_INVALID'],
      [['--sample-every', 'x'], 'SAMPLE_EVERY_INVALID'],
    ] as const) {
      const { stdout, code: exit } = await startCli(['flows', '--json', '--duration', '1s', ...args]).ended;
      assert.equal(JSON.parse(stdout).error.code, code);
      assert.equal(exit, 2);
    }
  });
});
