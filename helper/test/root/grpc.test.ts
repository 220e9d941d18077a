// gRPC as grpc-js speaks it: calls of every kind, traced at the server and at the caller at once; what each ended with, and how many
// messages went which way, is what the caller itself has counted.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { HttpRouteRow, MessageCounts } from '../../src/protocol';
import { npmPackages } from '../tools/npmPackages';
import { sourceOf } from './captureHarness';
import { until } from './helperProcess';
import { TracedHttp } from './httpHarness';

class Program {
  private readonly lines: string[] = [];
  private waiting: ((line: string) => void)[] = [];

  constructor(readonly child: ChildProcess) {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const next = this.waiting.shift();
      if (next) next(line);
      else this.lines.push(line);
    });
  }

  line(): Promise<string> {
    const known = this.lines.shift();
    return known !== undefined ? Promise.resolve(known) : new Promise((resolve) => this.waiting.push(resolve));
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.child.once('close', resolve));
    if (this.child.exitCode === null && this.child.signalCode === null && this.child.kill('SIGKILL')) await exited;
  }
}

interface Truth {
  codes: Record<string, Record<string, number>>;
  messages: Record<string, MessageCounts>;
}

const codesOf = (rows: readonly HttpRouteRow[]) =>
  Object.fromEntries(
    rows.map(({ route, statuses }) => [
      route,
      Object.fromEntries(Object.entries(statuses).map(([said, count]) => [said.replace('grpc:', ''), count])),
    ]),
  );

describe('gRPC', function () {
  this.timeout(120_000);
  const programs: Program[] = [];
  let trace: TracedHttp | null = null;

  afterEach(async () => {
    trace?.end();
    trace = null;
    for (const program of programs.splice(0)) await program.stop();
  });

  function start(name: string, ...args: string[]): Program {
    const child = spawn(process.execPath, [sourceOf(`grpc/${name}`), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    const program = new Program(child);
    programs.push(program);
    return program;
  }

  it('counts calls of grpc-js by method and status, and their messages, at both ends', async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    const packages = npmPackages('grpc', ['@grpc/grpc-js@1.14.1']);
    if ('missing' in packages) {
      console.log(`      skipped: ${packages.missing}`);
      this.skip();
    }
    const server = start('service.js', packages.folder);
    const port = await server.line();
    const caller = start('calls.js', packages.folder, port);
    assert.equal(await caller.line(), 'ready');
    trace = await TracedHttp.start([server.child.pid!, caller.child.pid!]);
    caller.child.stdin!.write('go\n');
    const { codes, messages } = JSON.parse(await caller.line()) as Truth;
    const total = Object.values(codes).reduce((sum, one) => sum + Object.values(one).reduce((a, b) => a + b, 0), 0);
    const counted = (rows: readonly HttpRouteRow[]) => rows.reduce((sum, { count }) => sum + count, 0);
    await until(() => {
      const { routes, clients } = trace!.section();
      return counted(routes) === total && counted(clients) === total;
    }, 'both ends of every call');
    const { routes, clients, uncounted, exemplars } = trace.section();
    assert.deepEqual(uncounted, {});
    assert.deepEqual(codesOf(clients), codes);
    assert.deepEqual(codesOf(routes), codes);
    for (const row of [...routes, ...clients]) {
      assert.equal(row.protocol, 'grpc');
      assert.equal(row.errors, row.count - (row.statuses['grpc:0'] ?? 0));
    }
    assert.deepEqual(Object.fromEntries(clients.map(({ route, messages }) => [route, messages])), messages);
    for (const { route, messages: seen } of routes) {
      const { in: received, out: sent, bytesIn, bytesOut } = messages[route];
      assert.deepEqual(seen, { in: sent, out: received, bytesIn: bytesOut, bytesOut: bytesIn }, route);
    }
    // Those that were given up have said so.
    const slow = exemplars.filter(({ route, side }) => route === '/test.Echo/Slow' && side === 'server');
    assert.deepEqual(slow.map(({ grpcStatus }) => grpcStatus).sort(), [1, 1, 4]);
  });
});
