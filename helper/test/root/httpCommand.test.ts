// `ebpf-tracer http` and `record --trace cpu,http` as a user runs them: what was asked of a server is in the result, whoever started
// it and however it ends.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpReport, HttpSection } from '../../src/protocol';
import { type CliRun, errorOf, jsonOf, readRecording, startCli } from './cli';
import { freePort } from './freePort';
import { until } from './helperProcess';
import { countsOf } from './httpHarness';

/** Answers /missing with 404, all else with 200, and works for it. */
const server = (port: number) =>
  `require('http').createServer((q, s) => { let n = 0; for (let i = 0; i < 3e6; i++) n += i % 7;
    s.statusCode = q.url === '/missing' ? 404 : 200; s.end(String(n)); }).listen(${port}, '127.0.0.1');
   setTimeout(() => process.exit(0), 60000);`;

function ask(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) =>
    get({ port, host: '127.0.0.1', path, agent: false }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode!));
    }).once('error', reject),
  );
}

async function answers(port: number): Promise<void> {
  for (;;)
    try {
      await ask(port, '/first');
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

/** Until the command says that it is attached. */
async function tracing(run: CliRun): Promise<void> {
  let said = '';
  run.child.stderr!.on('data', (chunk) => {
    said += chunk;
  });
  let ended = false;
  void run.ended.then(() => {
    ended = true;
  });
  await until(() => said.includes('Tracing ') || ended, 'Tracing …');
}

describe('ebpf-tracer http', function () {
  this.timeout(60_000);
  let folder: string;
  let port: number;
  let target: ChildProcess | null = null;

  before(function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'http-command-'));
  });

  after(() => folder && rmSync(folder, { recursive: true }));

  beforeEach(async () => {
    port = await freePort();
  });

  afterEach(() => {
    target?.kill('SIGKILL');
    target = null;
  });

  async function startTarget(): Promise<number> {
    target = spawn(process.execPath, ['-e', server(port)], { stdio: 'ignore' });
    await answers(port);
    return target.pid!;
  }

  it('counts what was asked between "Tracing …" and Ctrl-C, and leaves nothing behind', async () => {
    const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('ebpf-tracer-http-'));
    const before = left();
    const run = startCli(['http', '--pid', String(await startTarget()), '--json']);
    await tracing(run);
    for (let i = 0; i < 7; i++) await ask(port, `/users/${i}?key=secret`);
    await ask(port, '/missing');
    run.child.kill('SIGINT');
    const result = await run.ended;
    assert.equal(result.code, 0, result.stderr);
    const report = jsonOf<HttpReport>(result);
    assert.deepEqual(countsOf(report.routes), { 'GET /users/:id 200': 7, 'GET /missing 404': 1 });
    assert.equal(report.requests, 8);
    assert.equal(report.routesExact, true);
    assert.deepEqual([report.uncounted, report.clients, report.websockets, report.lost], [{}, [], [], 0]);
    assert.equal(report.connections, 8);
    assert.ok(report.attach.some(({ taken }) => taken === "the socket layer's tracepoints"));
    assert.ok(report.helper.rssBytes > 0);
    assert.ok(!result.stdout.includes('secret'));
    assert.deepEqual(left(), before);
  });

  it('traces a command from its first request on, and prints a table', async () => {
    const run = startCli(['http', '--', process.execPath, '-e', server(port)]);
    await tracing(run);
    await answers(port);
    await ask(port, '/users/5');
    run.child.kill('SIGINT');
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /2 HTTP requests/);
    assert.match(stdout, /^GET +\/users\/:id .* 200: 1$/m);
  });

  it('traces several processes at once', async () => {
    const first = await startTarget();
    const other = await freePort();
    const second = spawn(process.execPath, ['-e', server(other)], { stdio: 'ignore' });
    try {
      await answers(other);
      const run = startCli(['http', '--pid', String(first), '--pid', String(second.pid), '--json']);
      await tracing(run);
      await ask(port, '/a');
      await ask(other, '/b');
      run.child.kill('SIGINT');
      assert.deepEqual(countsOf(jsonOf<HttpReport>(await run.ended).routes), { 'GET /a 200': 1, 'GET /b 200': 1 });
    } finally {
      second.kill('SIGKILL');
    }
  });

  it('says that nothing came', async () => {
    const run = startCli(['http', '--pid', String(await startTarget()), '--duration', '300ms', '--json']);
    const result = await run.ended;
    assert.equal(errorOf(result).code, 'NOTHING_RECORDED_QUIET');
    assert.equal(result.code, 4);
  });

  it('is recorded on one clock with CPU time', async () => {
    const pid = await startTarget();
    const output = join(folder, 'both.speedscope.json');
    const run = startCli(['record', '--trace', 'cpu,http', '--pid', String(pid), '--output', output, '--json']);
    // Its own requests tell when it is attached: no line says so here.
    const stop = { now: false };
    const asking = (async () => {
      while (!stop.now) await ask(port, '/work');
    })();
    const sectionOf = () => readRecording(output).ebpfTracer?.sections?.http as HttpSection | undefined;
    await until(() => existsSync(output) && (sectionOf()?.requests ?? 0) > 3, 'a checkpoint with requests');
    run.child.kill('SIGINT');
    const result = await run.ended;
    stop.now = true;
    await asking;
    const summary = jsonOf(result);
    assert.ok(summary.samples > 0);
    const section = sectionOf()!;
    const work = section.routes.find(({ route }) => route === '/work')!;
    assert.ok(work.count > 0);
    const span = section.exemplars.find(({ route }) => route === '/work')!;
    assert.equal(span.side, 'server');
    assert.ok(span.endNs > span.startNs);
  });
});
