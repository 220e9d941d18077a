// Who dies when, and what is left: nothing. A real recording runs each time; its programs, maps and links are looked up
// by the helper's pid before, and by their ids (which the kernel never uses again) after.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordingFile, RecordOptions } from '../../src/protocol';
import {
  bpfObjectsOf,
  descendantsOf,
  isAlive,
  missingForEbpf,
  type StartedHelper,
  serve,
  until,
} from './helperProcess';
import { stillThere } from './kernelObjects';
import { SLOWNESS } from './slowness';

describe('lifetime of the helper', function () {
  this.timeout(180_000 * SLOWNESS);
  let folder: string;
  let target: ChildProcess;
  let output: string;
  const started: { kill(signal?: NodeJS.Signals): boolean }[] = [];

  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lifecycle-'));
    output = join(folder, 'recording.speedscope.json');
    target = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  });
  afterEach(() => {
    for (const child of [target, ...started.splice(0)]) child?.kill('SIGKILL');
    if (folder) rmSync(folder, { recursive: true });
  });

  const options = (): RecordOptions => ({
    target: { pids: [target.pid!], children: true, startAtExec: false },
    tracers: { cpu: { frequencyHz: 499, kernel: true } },
    durationMs: null,
    output,
    title: 'lifecycle',
    anyUser: false,
    without: [],
  });
  const saved = (): RecordingFile => JSON.parse(readFileSync(output, 'utf8'));

  /** A helper that records, with what it holds in the kernel. */
  async function recording(extra: Parameters<typeof serve>[0] = {}) {
    const helper = await serve(extra);
    started.push(helper.child);
    const connection = await helper.connect();
    const samples: number[] = [];
    connection.on('record/progress', (progress) => samples.push(progress.samples));
    const { recordingId } = await connection.request('record/start', options());
    const objects = bpfObjectsOf(helper.pid);
    assert.ok(
      objects.some((object) => object.startsWith('prog')) && objects.some((object) => object.startsWith('map')),
    );
    await until(() => samples.some((count) => count > 0), 'samples arrive');
    return { helper, connection, recordingId, objects };
  }
  async function nothingLeft(helper: StartedHelper, objects: string[]): Promise<void> {
    await until(() => !isAlive(helper.pid), 'the helper has ended');
    await until(() => stillThere(objects).length === 0, 'its BPF objects are gone');
  }

  it('unloads and saves as soon as its client is gone, then ends', async () => {
    const { helper, connection, objects } = await recording();
    connection.dispose();
    await nothingLeft(helper, objects);
    assert.equal(await helper.exited, 0);
    assert.equal(saved().ebpfTracer?.complete, true);
    assert.ok(saved().ebpfTracer!.metrics[0].samples > 0);
    assert.equal(existsSync(helper.folder.dir), false, 'the socket folder is gone');
  });

  it('waits, with nothing loaded, for a window that reloads', async () => {
    const { helper, connection, objects } = await recording({ lingerMs: 30_000 });
    connection.dispose();
    await until(() => stillThere(objects).length === 0, 'its BPF objects are gone');
    assert.ok(isAlive(helper.pid));
    const again = await helper.connect();
    assert.equal(again.identity.pid, helper.pid);
    await until(() => existsSync(output) && saved().ebpfTracer!.complete, 'the recording is saved');
    const { recordingId } = await again.request('record/start', options());
    await again.request('record/abort', { recordingId });
    await again.request('shutdown', {});
    await again.closed;
    await nothingLeft(helper, objects);
  });

  it('hands a recording that goes on to the window that takes the place of the old one', async () => {
    const { helper, connection, recordingId, objects } = await recording();
    const next = await helper.connect();
    await connection.closed;
    const [running] = await next.request('record/list', {});
    assert.deepEqual(
      [running.recordingId, running.target, running.tracers, running.output],
      [recordingId, options().target, ['cpu'], output],
    );
    const progress = new Promise((resolve) => next.on('record/progress', resolve));
    await progress;
    assert.ok((await next.request('record/stop', { recordingId })).samples >= running.samples);
    next.dispose();
    await nothingLeft(helper, objects);
  });

  it('ends when nobody comes back', async () => {
    const { helper, connection, objects } = await recording({ lingerMs: 300 });
    connection.dispose();
    await nothingLeft(helper, objects);
    assert.equal(existsSync(helper.folder.dir), false);
  });

  it('ends at once when the client that started it gave up and removed the folder', async () => {
    const helper = await serve({ lingerMs: 170_000 });
    started.push(helper.child);
    rmSync(helper.folder.dir, { recursive: true });
    assert.equal(await helper.exited, 0);
  });

  it('saves on SIGTERM and tells its client', async () => {
    const { helper, connection, objects } = await recording();
    const ended: (number | undefined)[] = [];
    connection.on('record/ended', ({ summary }) => ended.push(summary?.samples));
    helper.child.kill('SIGTERM');
    await connection.closed;
    await nothingLeft(helper, objects);
    assert.equal(await helper.exited, 0);
    assert.ok(ended.length === 1 && ended[0]! > 0, `told ${ended}`);
    assert.equal(saved().ebpfTracer?.complete, true);
  });

  it('leaves Ctrl-C to a connected client', async () => {
    const { helper, connection, recordingId } = await recording();
    helper.child.kill('SIGINT');
    const summary = await connection.request('record/stop', { recordingId });
    assert.ok(summary.samples > 0);
    connection.dispose();
    assert.equal(await helper.exited, 0);
  });

  it('ends and saves when heartbeats stop (a client that hangs)', async () => {
    const helper = await serve({ extra: ['--heartbeat-timeout', '4000'] });
    started.push(helper.child);
    const connection = await helper.connect({ heartbeatIntervalMs: 60_000 });
    await connection.request('record/start', options());
    const objects = bpfObjectsOf(helper.pid);
    await connection.closed;
    await nothingLeft(helper, objects);
    assert.equal(saved().ebpfTracer?.complete, true);
  });

  it('lives on with its standard streams closed', async () => {
    const { helper, connection, recordingId } = await recording({ stdio: ['ignore', 'pipe', 'pipe'] });
    helper.child.stdout!.destroy();
    helper.child.stderr!.destroy();
    helper.child.kill('SIGHUP');
    assert.ok((await connection.request('record/stop', { recordingId })).samples > 0);
    assert.ok((await connection.request('process/list', {})).some(({ pid }) => pid === helper.pid));
    connection.dispose();
    assert.equal(await helper.exited, 0);
  });

  it('starts without any standard streams', async () => {
    const { helper, connection, objects } = await recording({ stdio: 'ignore' });
    connection.dispose();
    await nothingLeft(helper, objects);
  });

  it('leaves nothing when it is killed', async () => {
    const { helper, connection, objects } = await recording();
    const below = descendantsOf(helper.pid);
    helper.child.kill('SIGKILL');
    await connection.closed;
    await nothingLeft(helper, objects);
    assert.deepEqual(below.filter(isAlive), []);
    // Only the client can still remove the folder: elevate.ts does, see the next test.
    rmSync(helper.folder.dir, { recursive: true });
  });

  /** A front end in a process of its own, which started its helper itself. */
  async function frontEnd() {
    const client = spawn(process.execPath, [join(__dirname, 'recordingClient.js'), String(target.pid), output], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(client);
    let text = '';
    client.stdout.on('data', (chunk) => {
      text += chunk;
    });
    const said = (name: string) => {
      const line = text.split('\n').find((entry) => entry.includes(`"${name}"`));
      return line && JSON.parse(line)[name];
    };
    await until(() => said('helperPid') !== undefined && said('samples') !== undefined, 'it records');
    const helperPid: number = said('helperPid');
    const socketFolder = readFileSync(`/proc/${helperPid}/cmdline`, 'utf8')
      .split('\0')
      .find((part) => /ebpf-tracer-0-/.test(part))!;
    return { client, said, helperPid, socketFolder, objects: bpfObjectsOf(helperPid) };
  }

  it('is found dead by its front end, which removes the socket', async () => {
    const { client, said, helperPid, socketFolder, objects } = await frontEnd();
    assert.ok(existsSync(join(socketFolder, 'helper.sock')));
    process.kill(helperPid, 'SIGKILL');
    await until(() => said('closed') === true, 'the front end notices');
    await until(() => stillThere(objects).length === 0, 'its BPF objects are gone');
    await until(() => client.exitCode !== null, 'the front end ends');
    assert.equal(existsSync(socketFolder), false);
    assert.equal(saved().ebpfTracer?.complete, false, 'what had arrived is there, and marked');
  });

  it('ends with a front end that is killed, and saves', async () => {
    const { client, helperPid, socketFolder, objects } = await frontEnd();
    client.kill('SIGKILL');
    await until(() => !isAlive(helperPid), 'the helper has ended');
    await until(() => stillThere(objects).length === 0, 'its BPF objects are gone');
    assert.equal(existsSync(socketFolder), false);
    assert.equal(saved().ebpfTracer?.complete, true);
  });

  it('has its folder cleaned up by the next start when both were killed', async () => {
    const { client, helperPid, socketFolder } = await frontEnd();
    process.kill(client.pid!, 'SIGSTOP');
    process.kill(helperPid, 'SIGKILL');
    client.kill('SIGKILL');
    await until(() => !isAlive(helperPid) && !isAlive(client.pid!), 'both are gone');
    assert.ok(existsSync(socketFolder));
    const next = await frontEnd();
    await until(() => !existsSync(socketFolder), 'the old folder is gone');
    assert.ok(existsSync(next.socketFolder), 'the new one is not');
    next.client.kill('SIGTERM');
    await until(() => !isAlive(next.helperPid), 'the helper has ended');
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => join(tmpdir(), name) === next.socketFolder),
      [],
    );
  });
});
