// Networks of a test's own: two namespaces joined by a veth pair, and the real command line tracing there. All is gone at the end.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import type { FlowRow, FlowSummary } from '../../src/protocol';
import { type CliRun, startCli } from './cli';
import { until } from './helperProcess';

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });

/** What a test needs and this machine lacks; null: nothing. */
export function missingTool(...tools: string[]): string | null {
  for (const tool of ['ip', ...tools]) if (spawnSync('which', [tool]).status !== 0) return `no ${tool} here`;
  return null;
}

let networks = 0;

export class TwoNamespaces {
  readonly a: string;
  readonly b: string;
  /** Devices: `va` in namespace a, `vb` in b. */
  readonly addresses = { a: '10.99.0.1', b: '10.99.0.2' };
  private readonly children: ChildProcess[] = [];

  constructor({ quiet = false } = {}) {
    const mark = `fl${process.pid}n${networks++}`;
    this.a = `${mark}a`;
    this.b = `${mark}b`;
    for (const name of [this.a, this.b]) run('ip', 'netns', 'add', name);
    run('ip', '-n', this.a, 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb', 'netns', this.b);
    for (const [name, device, address] of [
      [this.a, 'va', this.addresses.a],
      [this.b, 'vb', this.addresses.b],
    ] as const) {
      // Nobody speaks but the test: no router is looked for.
      run('ip', 'netns', 'exec', name, 'sysctl', '-qw', `net.ipv6.conf.${device}.disable_ipv6=1`);
      if (!quiet) run('ip', '-n', name, 'addr', 'add', `${address}/24`, 'dev', device);
      run('ip', '-n', name, 'link', 'set', device, 'mtu', '9000', 'up');
      run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    }
  }

  /** Runs a command there to its end. */
  in(namespace: string, ...command: string[]): string {
    return run('ip', 'netns', 'exec', namespace, ...command);
  }

  /** Starts one; it ends with the network. */
  start(namespace: string, ...command: string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', namespace, ...command], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.children.push(child);
    return child;
  }

  close(): void {
    for (const child of this.children) child.kill('SIGKILL');
    for (const name of [this.a, this.b]) spawnSync('ip', ['netns', 'del', name]);
  }
}

export interface FlowResult {
  rows: FlowRow[];
  summary: FlowSummary;
}

/** `ebpf-tracer flows`, from its line "Tracing …" to its end. */
export class TracedFlows {
  private constructor(readonly run: CliRun) {}

  static async start(...args: string[]): Promise<TracedFlows> {
    const cli = startCli(['flows', '--json', ...args]);
    let text = '';
    let ended = false;
    cli.child.stderr!.on('data', (chunk) => {
      text += chunk;
    });
    void cli.ended.then(() => {
      ended = true;
    });
    await until(() => ended || text.includes('Tracing'), 'the tracer is attached');
    if (ended) throw new Error(JSON.stringify(await cli.ended));
    return new TracedFlows(cli);
  }

  async end(): Promise<FlowResult> {
    this.run.child.kill('SIGINT');
    const { stdout, stderr, code } = await this.run.ended;
    if (code !== 0) throw new Error(`exit code ${code}: ${stdout}${stderr}`);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    return { summary: lines.pop().summary, rows: lines };
  }
}

/** BPF_PROG_QUERY of XDP, tcx ingress and egress for each device: union bpf_attr, include/uapi/linux/bpf.h. */
const QUERY = `
import ctypes, os, platform, socket, struct
call = ctypes.CDLL(None, use_errno=True).syscall
total = 0
for index, name in socket.if_nameindex():
    for kind in 46, 47:
        attributes = ctypes.create_string_buffer(struct.pack('IIIIQI', index, kind, 0, 0, 0, 0), 64)
        if call(280 if platform.machine() == 'aarch64' else 321, 16, attributes, 64) == 0:
            total += struct.unpack_from('I', attributes, 24)[0]
    total += ' prog/xdp ' in os.popen('ip -d link show dev ' + name).read()
print(total)
`;

/** Programs on the devices of a namespace. */
export function programsIn(namespace: string): number {
  return Number(run('ip', 'netns', 'exec', namespace, 'python3', '-c', QUERY));
}
