// The contract of every helper, kept by the real one: with the tracer of CPU time, with the tracer of the tests, and with both.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChosenTracers, RecordSummary } from '../../src/protocol';
import { keepsTheContract } from '../contract/helperContract';
import type { ExecSection } from '../toyTracer/execs';
import { jsonOf, readRecording } from './cli';
import { missingForEbpf, type StartedHelper, serve, until } from './helperProcess';
import { PUBLIC_NODE, publicFile } from './publicCopy';
import { SLOWNESS } from './slowness';

/** Executes a program again and again, and works in between. */
const BUSY = 'while :; do /bin/true; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; done';
const CPU = { frequencyHz: 499, kernel: true };

describe('the helper', function () {
  this.timeout(120_000 * SLOWNESS);
  let target: ChildProcess;
  let folder: string;
  let helper: StartedHelper | null = null;
  let script: string;
  let commandLine: string;

  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    script = publicFile('../toyTracer/helper');
    commandLine = publicFile('../toyTracer/commandLine');
    target = spawn('sh', ['-c', BUSY]);
    folder = mkdtempSync(join(tmpdir(), 'contract-'));
  });
  after(() => {
    target?.kill('SIGKILL');
    if (folder) rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    helper?.child.kill('SIGTERM');
    await helper?.exited;
    helper = null;
  });

  const processes = () => ({ pids: [target.pid!], children: true, startAtExec: false });
  for (const [what, tracers] of [
    ['CPU time', { cpu: CPU }],
    ['a tracer of the tests', { execs: {} }],
    ['both', { cpu: CPU, execs: { prefix: 'tr' } }],
  ] as [string, ChosenTracers][])
    describe(`with ${what}`, () => {
      beforeEach(async () => {
        helper = await serve({ script, extra: ['--for', Object.keys(tracers).join(',')] });
      });
      keepsTheContract(() => ({ connect: () => helper!.connect(), target: processes(), tracers, folder }));
    });

  it('records one process by two tracers at once, in two recordings', async () => {
    helper = await serve({ script, extra: ['--for', 'cpu,execs'] });
    const connection = await helper.connect();
    const common = { target: processes(), durationMs: null, title: 'two', anyUser: false, without: [] };
    const first = { ...common, tracers: { cpu: CPU }, output: join(folder, 'cpu.speedscope.json') };
    const second = { ...common, tracers: { execs: {} }, output: join(folder, 'execs.speedscope.json') };
    const counted = new Set<string>();
    connection.on('record/progress', ({ tracers }) => {
      for (const { id, count } of tracers) if (count > 0) counted.add(id);
    });
    const ids = [];
    for (const options of [first, second]) ids.push((await connection.request('record/start', options)).recordingId);
    await until(() => counted.size === 2, 'both have counted something');
    for (const recordingId of ids) await connection.request('record/stop', { recordingId });
    assert.ok(readRecording(first.output).ebpfTracer!.metrics[0].samples > 0);
    assert.equal(readRecording(second.output).ebpfTracer!.metrics[0].samples, 0);
    assert.ok('execs' in readRecording(second.output).ebpfTracer!.sections!);
    connection.dispose();
  });

  it('refuses a tracer whose rights it has not kept, and no other', async () => {
    helper = await serve({ script });
    const connection = await helper.connect();
    assert.ok(connection.identity.tracers.includes('cpu') && !connection.identity.tracers.includes('execs'));
    const output = join(folder, 'never.speedscope.json');
    const options = { target: processes(), durationMs: null, title: 'never', anyUser: false, without: [], output };
    await assert.rejects(
      connection.request('record/start', { ...options, tracers: { execs: {} } }),
      /rights for cpu.*, not for execs/,
    );
    connection.dispose();
  });

  const run = (args: string[]) =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
      const child = spawn(PUBLIC_NODE, [commandLine, 'record', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      const result = { code: null as number | null, stdout: '', stderr: '' };
      child.stdout.on('data', (chunk) => {
        result.stdout += chunk;
      });
      child.stderr.on('data', (chunk) => {
        result.stderr += chunk;
      });
      child.once('close', (code) => resolve({ ...result, code }));
    });
  const executed = 'for i in 1 2 3 4 5; do /bin/true; done; /bin/echo done';

  it('counts every program that a command executes, and tells them on the command line', async () => {
    const output = join(folder, 'command.speedscope.json');
    const result = await run(['--json', '--trace', 'execs', '-o', output, '--', 'sh', '-c', executed]);
    const { tracers } = jsonOf<RecordSummary>(result);
    const { programs } = tracers![0].summary as ExecSection;
    const counts = Object.fromEntries(programs.map(({ name, count }) => [name, count]));
    assert.deepEqual(counts, { true: 5, sh: 1, echo: 1 });
    assert.equal(tracers![0].count, 7);
    assert.deepEqual(readRecording(output).ebpfTracer!.sections, { execs: { programs } });
    assert.equal(readRecording(output).ebpfTracer!.frequencyHz, undefined);
  });

  it('has the options of its tracers, and says which it has not', async () => {
    const output = ['-o', join(folder, 'text.speedscope.json')];
    const text = await run([...output, '--trace', 'execs', '--execs-of', 'tr', '--', 'sh', '-c', executed]);
    assert.match(
      text.stdout,
      /^sh: 5 execs in \d+\.\d s; the command ended with exit code 0\n\n {8}5 {2}true\nRecording: /m,
    );
    assert.match((await run(['--help'])).stdout, /--execs-of PREFIX/);
    const left = await run([...output, '--execs-of', 'tr', '--', 'true']);
    assert.deepEqual([left.code, /--execs-of is an option of execs/.test(left.stderr)], [2, true]);
    const unknown = await run([...output, '--trace', 'cpu,exec', '--', 'true']);
    assert.deepEqual([unknown.code, /no tracer "exec".*\n.*cpu, .*execs/.test(unknown.stderr)], [2, true]);
    const empty = await run([...output, '--trace', 'execs', '--execs-of', 'nothing', '--', 'true']);
    assert.deepEqual([empty.code, /there were no execs/.test(empty.stderr)], [4, true]);
  });
});
