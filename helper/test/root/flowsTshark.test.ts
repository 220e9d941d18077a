// Packets and bytes of every conversation, as tshark has them: the captures that Debian's tcpdump source carries, replayed by tcpreplay, and
// a transfer of iperf3. Neither the captures nor the answers are ours.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingTool, TracedFlows, TwoNamespaces } from './flowNetwork';
import { missingForEbpf } from './helperProcess';

type Counts = Record<string, [packets: number, bytes: number]>;

const SOURCES = '/etc/apt/sources.list.d/debian.sources';

/** Captures of Ethernet frames; null: they cannot be had here. Kept between runs. */
function captures(): string[] | null {
  const kept = join(process.env.XDG_CACHE_HOME ?? join(tmpdir(), 'ebpf-tracer-tests'), 'tcpdump-captures');
  if (!existsSync(join(kept, 'complete'))) {
    if (!existsSync(SOURCES)) return null;
    mkdirSync(join(kept, 'lists/partial'), { recursive: true });
    writeFileSync(join(kept, 'src.sources'), readFileSync(SOURCES, 'utf8').replaceAll(/^Types:.*/gm, 'Types: deb-src'));
    const options = [`sourcelist=${kept}/src.sources`, 'sourceparts=/dev/null'].map((one) => `Dir::Etc::${one}`);
    const apt = [...options, `Dir::State::lists=${kept}/lists`].flatMap((one) => ['-o', one]);
    for (const command of [['update'], ['source', '--download-only', 'tcpdump']])
      if (spawnSync('apt-get', ['-q', ...apt, ...command], { cwd: kept, timeout: 120_000 }).status !== 0) return null;
    const archive = readdirSync(kept).find((name) => /\.orig\.tar\.\w+$/.test(name));
    if (!archive || spawnSync('tar', ['xf', archive, '--wildcards', '*/tests/*.pcap'], { cwd: kept }).status !== 0)
      return null;
    rmSync(join(kept, 'lists'), { recursive: true });
    writeFileSync(join(kept, 'complete'), '');
  }
  const source = readdirSync(kept).find((name) => /^tcpdump-[\d.]+$/.test(name));
  if (!source) return null;
  const folder = join(kept, source, 'tests');
  const ETHERNET = 1;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.pcap'))
    .map((name) => join(folder, name))
    .filter((path) => {
      const head = readFileSync(path).subarray(0, 24);
      return head.length === 24 && head.readUInt32LE(0) === 0xa1b2c3d4 && head.readUInt32LE(20) === ETHERNET;
    });
}

function tshark(...args: string[]): string {
  const { stdout, status, stderr } = spawnSync('tshark', ['-n', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const FIELDS = [
  ...['frame.len', 'frame.protocols', 'ip.src', 'ip.dst', 'ipv6.src', 'ipv6.dst'],
  ...['tcp.srcport', 'tcp.dstport', 'udp.srcport', 'udp.dstport', 'ip.frag_offset', 'ip.flags.mf', 'ipv6.fraghdr.nxt'],
];
/** Not in a tunnel: what is inside of one is not counted by its own ends. */
const OUTERMOST =
  /^eth:ethertype:(?:(?:vlan|ieee8021ad):ethertype:){0,2}(ip|ipv6)(?::ipv6\.\w+)*(?::ah)?:(tcp|udp)(?::|$)/;

/** By ends. Those of whose packets some are fragments are left out: tshark has no ports of them. */
function conversations(capture: string): Counts {
  const fields = FIELDS.flatMap((name) => ['-e', name]);
  const text = tshark('-r', capture, '-T', 'fields', '-E', 'occurrence=f', '-o', 'ip.defragment:FALSE', ...fields);
  const counts: Counts = {};
  const fragmented = new Set<string>();
  for (const line of text.trimEnd().split('\n')) {
    const [bytes, protocols, src4, dst4, src6, dst6, tcpFrom, tcpTo, udpFrom, udpTo, offset, more, fragment6] =
      line.split('\t');
    const outer = OUTERMOST.exec(protocols);
    // Of a packet within a packet the other kind of address may be the inner one's.
    const ends = (outer ? outer[1] === 'ipv6' : src4 === '') ? `${src6} ${dst6}` : `${src4} ${dst4}`;
    if (Number(offset) > 0 || /^(?:1|true)$/i.test(more) || fragment6) fragmented.add(ends);
    if (!outer) continue;
    const proto = outer[2];
    const [src, dst] = ends.split(' ');
    const [from, to] = proto === 'tcp' ? [tcpFrom, tcpTo] : [udpFrom, udpTo];
    if (from === '') continue;
    const key = `${proto} ${src}:${from} > ${dst}:${to}`;
    counts[key] = [(counts[key]?.[0] ?? 0) + 1, (counts[key]?.[1] ?? 0) + Number(bytes)];
  }
  const endsOf = (key: string) => /^\w+ (.*):\d+ > (.*):\d+$/.exec(key)!.slice(1).join(' ');
  return Object.fromEntries(Object.entries(counts).filter(([key]) => !fragmented.has(endsOf(key))));
}

/** A capture's head alone. */
const EMPTY_CAPTURE_BYTES = 24;

describe('flows as tshark has them', function () {
  this.timeout(240_000);
  let folder: string;

  before(function () {
    const missing = missingForEbpf() ?? missingTool('tshark', 'mergecap', 'tcpreplay', 'iperf3');
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'flows-tshark-'));
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  for (const xdp of process.env.MATRIX ? [[], ['--xdp', 'generic'], ['--xdp', 'native']] : [[]])
    it(`captures of many protocols, replayed (${xdp.join(' ') || 'TC'})`, async function () {
      const files = captures();
      if (!files) {
        console.log("      skipped: the source of Debian's tcpdump cannot be had here");
        this.skip();
      }
      const network = new TwoNamespaces({ quiet: true });
      try {
        const [merged, capture] = ['merged.pcap', 'whole.pcap'].map((name) => join(folder, name));
        spawnSync('mergecap', ['-a', '-F', 'pcap', '-w', merged, ...files!]);
        // What was cut when it was captured is another packet when it is sent.
        tshark(
          '-r',
          merged,
          '-Y',
          'frame.cap_len == frame.len && frame.len <= 9000 && frame.len >= 14',
          '-F',
          'pcap',
          '-w',
          capture,
        );
        const traced = await TracedFlows.start('--netns', network.b, ...xdp);
        network.in(network.a, 'tcpreplay', '-q', '--topspeed', '-i', 'va', capture);
        const { rows, summary } = await traced.end();
        const expected = conversations(capture);
        const all = tshark('-r', capture, '-T', 'fields', '-e', 'frame.len').trim().split('\n').map(Number);
        assert.equal(summary.packets, all.length);
        assert.equal(
          summary.bytes,
          all.reduce((sum, bytes) => sum + bytes, 0),
        );
        const ours: Counts = {};
        for (const { proto, src, sport, dst, dport, packets, bytes } of rows) {
          const key = `${proto} ${src}:${sport} > ${dst}:${dport}`;
          ours[key] = [(ours[key]?.[0] ?? 0) + packets, (ours[key]?.[1] ?? 0) + bytes];
        }
        const wrong = Object.entries(expected).filter(([key, counts]) => String(ours[key]) !== String(counts));
        assert.deepEqual(
          wrong.map(([key, counts]) => [key, counts, ours[key]]),
          [],
        );
        assert.ok(Object.keys(expected).length > 200, `${Object.keys(expected).length} conversations`);
      } finally {
        network.close();
      }
    });

  /** dumpcap leaves behind what it has not yet taken from the kernel when it is told to end. */
  async function settled(file: string): Promise<void> {
    for (let bytes = -1; ; ) {
      const now = statSync(file).size;
      if (now === bytes && now > EMPTY_CAPTURE_BYTES) return;
      bytes = now;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }

  it('a transfer of iperf3, both ways', async () => {
    const network = new TwoNamespaces();
    try {
      const server = network.start(network.b, 'iperf3', '-s', '-1', '-p', '5201', '--forceflush');
      await new Promise((resolve) => server.stdout!.once('data', resolve));
      const capture = join(folder, 'iperf.pcap');
      const dump = network.start(network.b, 'dumpcap', '-q', '-P', '-i', 'vb', '-B', '64', '-w', capture, '-s', '128');
      while (!existsSync(capture)) await new Promise((resolve) => setTimeout(resolve, 50));
      const traced = await TracedFlows.start('--netns', network.b);
      network.in(network.a, 'iperf3', '-c', network.addresses.b, '-p', '5201', '-n', '20M');
      const { rows } = await traced.end();
      await settled(capture);
      dump.kill('SIGINT');
      await new Promise((resolve) => dump.once('close', resolve));
      const expected = conversations(capture);
      for (const { proto, src, sport, dst, dport, packets, bytes } of rows.filter((row) => row.proto === 'tcp'))
        assert.deepEqual([packets, bytes], expected[`${proto} ${src}:${sport} > ${dst}:${dport}`]);
      const most = Math.max(...rows.map(({ wireBytes }) => wireBytes));
      assert.ok(
        most > 10_000_000,
        `${most} bytes of 20 MiB on the wire: ${JSON.stringify(rows.map(({ tcp: _, ...row }) => row))}`,
      );
    } finally {
      network.close();
    }
  });
});
