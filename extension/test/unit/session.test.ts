import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { HelperConnection } from '../../../helper/src/client/helperConnection';
import { createSocketFolder, removeSocketFolder, type SocketFolder } from '../../../helper/src/client/socketFolder';
import { errorReport, type RecordingFile, type RecordOptions, TracerError } from '../../../helper/src/protocol';
import { holdCommand, shellCommand } from '../../src/session/heldCommand';
import { markHelperDied } from '../../src/session/helperDied';
import { RecordingSession, subjectOf } from '../../src/session/recordingSession';
import type { FakeBehaviour } from '../fakes/fakeHelper';
import { makeRecording } from '../fakes/makeRecording';

const FAKE_HELPER = resolve(__dirname, '../fakes/fakeHelper.js');

interface Fake {
  child: ChildProcess;
  folder: SocketFolder;
  connect(token?: string): Promise<HelperConnection>;
}

const fakes: Fake[] = [];
async function startFake(behaviour: FakeBehaviour = {}): Promise<Fake> {
  const folder = createSocketFolder();
  const child = spawn(process.execPath, [FAKE_HELPER, 'serve', '--socket-dir', folder.dir, '--linger', '200'], {
    env: { ...process.env, FAKE_HELPER: JSON.stringify(behaviour), FAKE_TICK_MS: '20' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((done) => child.stdout?.once('data', done));
  const connect = (token = folder.token) => HelperConnection.connect({ socket: folder.socket, token });
  const fake = { child, folder, connect };
  fakes.push(fake);
  return fake;
}

describe('a window and its helper', function () {
  this.timeout(20_000);
  let scratch: string;
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'ebpf-tracer-session-'));
  });
  afterEach(async () => {
    for (const { child, folder } of fakes.splice(0)) {
      child.kill('SIGKILL');
      removeSocketFolder(folder.dir);
    }
    rmSync(scratch, { recursive: true, force: true });
  });

  const options = (more: Partial<RecordOptions> = {}): RecordOptions => ({
    target: { pids: [process.pid], children: true, startAtExec: false },
    tracers: { cpu: { frequencyHz: 99, kernel: true } },
    durationMs: null,
    output: join(scratch, 'a.speedscope.json'),
    title: 'a',
    anyUser: false,
    without: [],
    ...more,
  });
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error) => (error instanceof TracerError ? error.report.code : String(error)),
    );
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as RecordingFile;
  const reached = (session: RecordingSession, samples: number) =>
    new Promise<void>((done) => {
      session.onDidChange(() => session.count >= samples && done());
    });

  it('shake hands', async () => {
    const client = await (await startFake()).connect();
    assert.equal(client.identity.helperVersion, 'fake');
    assert.ok((await client.request('process/list', {})).length > 0);
    client.dispose();
  });

  it('refuse a wrong token, another version, and nobody', async () => {
    assert.equal(await codeOf((await startFake()).connect('wrong')), 'TOKEN_REFUSED');
    assert.equal(await codeOf((await startFake({ protocolVersion: 99 })).connect()), 'VERSION_MISMATCH');
    const nobody = HelperConnection.connect({ socket: join(scratch, 'none.sock'), token: '' });
    assert.equal(await codeOf(nobody), 'HELPER_DIED');
  });

  it('record until stopped by hand', async () => {
    const client = await (await startFake()).connect();
    const session = new RecordingSession(client, subjectOf(options()));
    await session.start(options());
    assert.equal(session.state, 'recording');
    await reached(session, 300);
    const [end, again] = await Promise.all([session.stop(), session.stop()]);
    assert.equal(end, again);
    assert.equal(session.state, 'ended');
    assert.equal(end.error, null);
    assert.ok(end.count >= 300);
    assert.equal(read(options().output).ebpfTracer?.complete, true);
    client.dispose();
  });

  it('tell of saving only where it takes long', async () => {
    const client = await (await startFake({ silentStop: true })).connect();
    const session = new RecordingSession(client, subjectOf(options()));
    await session.start(options());
    const told = new Promise<void>((done) => {
      session.onDidChange(() => session.saving && done());
    });
    void session.stop();
    assert.deepEqual([session.state, session.saving], ['stopping', false]);
    await told;
    client.dispose();
    await session.ended;
    assert.equal(session.saving, false);
  });

  it('keep still at the end until a view in sight has painted it', async () => {
    const client = await (await startFake()).connect();
    const ended = async (watched: boolean) => {
      const session = new RecordingSession(client, subjectOf(options()));
      await session.start(options());
      session.watch(watched);
      await reached(session, 100);
      await session.stop();
      return session;
    };
    await (await ended(false)).endShown;
    const session = await ended(true);
    let shown = false;
    void session.endShown.then(() => {
      shown = true;
    });
    await setImmediate();
    assert.equal(shown, false);
    session.paintedEnd();
    await setImmediate();
    assert.equal(shown, true);
    await (await ended(true)).endShown;
    client.dispose();
  });

  it('record until the process exits, and until the duration is over', async () => {
    const client = await (await startFake({ exitAfterCheckpoints: 3 })).connect();
    const session = new RecordingSession(client, subjectOf(options()));
    await session.start(options());
    assert.equal((await session.ended).summary?.stopReason, 'exited');
    const timed = options({ durationMs: 30, output: join(scratch, 'b.speedscope.json') });
    const second = new RecordingSession(client, subjectOf(timed));
    await second.start(timed);
    assert.equal((await second.ended).summary?.stopReason, 'duration');
    client.dispose();
  });

  it('keep what had arrived when the helper is killed', async () => {
    const fake = await startFake({ pauseAfterCheckpoints: 3 });
    const client = await fake.connect();
    const session = new RecordingSession(client, subjectOf(options()));
    await session.start(options());
    await reached(session, 300);
    const before = statSync(options().output);
    fake.child.kill('SIGKILL');
    const end = await session.ended;
    assert.equal(end.error?.code, 'HELPER_DIED');
    assert.equal(end.count, 300);
    const extra = read(options().output).ebpfTracer;
    assert.deepEqual([extra?.complete, extra?.stopReason, extra?.metrics[0].samples], [false, 'helperDied', 300]);
    const after = statSync(options().output);
    assert.equal(after.mode & 0o777, 0o600);
    assert.deepEqual([after.ino, after.size], [before.ino, before.size], 'changed in place: a full disk allows it');
    assert.equal(await codeOf(client.request('process/list', {})), 'HELPER_DIED');
  });

  it('leave nobody waiting for an answer when the helper is killed', async () => {
    const fake = await startFake({ silentStop: true });
    const client = await fake.connect();
    const session = new RecordingSession(client, subjectOf(options()));
    await session.start(options());
    await reached(session, 100);
    const stopped = session.stop();
    const listed = codeOf(client.request('record/stop', { recordingId: 1 }));
    fake.child.kill('SIGKILL');
    assert.equal((await stopped).error?.code, 'HELPER_DIED');
    assert.equal(await listed, 'HELPER_DIED');
  });

  it('say why nothing could be recorded', async () => {
    const client = await (await startFake({ recordError: errorReport('PID_GONE', 4242) })).connect();
    const session = new RecordingSession(client, subjectOf(options()));
    assert.equal(await codeOf(session.start(options())), 'PID_GONE');
    assert.equal((await session.ended).error?.code, 'PID_GONE');
    client.dispose();
  });

  it('hear several listeners of one note', async () => {
    const client = await (await startFake()).connect();
    const heard = [0, 0];
    client.on('record/progress', () => heard[0]++);
    const second = client.on('record/progress', () => heard[1]++);
    const session = new RecordingSession(client, subjectOf(options()));
    await session.start(options());
    await reached(session, 200);
    second();
    await reached(session, 500);
    await session.stop();
    assert.ok(heard[0] > heard[1] && heard[1] > 0, String(heard));
    client.dispose();
  });

  it('find each other again after a reload', async () => {
    const fake = await startFake();
    const before = await fake.connect();
    const session = new RecordingSession(before, subjectOf(options()));
    await session.start(options());
    await reached(session, 100);
    // The new window is there before the old one's connection is gone; otherwise the helper has saved and unloaded.
    const after = await fake.connect();
    await before.closed;
    const [running] = await after.request('record/list', {});
    assert.equal(running.output, options().output);
    const adopted = new RecordingSession(after, subjectOf(running));
    adopted.adopt(running.recordingId, running.startedAtMs);
    assert.ok((await adopted.stop()).count >= 100);
    after.dispose();
    await new Promise((done) => fake.child.once('exit', done));
    assert.equal(existsSync(fake.folder.socket), false, 'a helper without a window ends');
  });

  it('mark only files that are not whole', async () => {
    const path = join(scratch, 'c.json');
    assert.equal(await markHelperDied(path), null);
    writeFileSync(path, 'no json');
    assert.equal(await markHelperDied(path), null);
    assert.equal(readFileSync(path, 'utf8'), 'no json');
    writeFileSync(path, JSON.stringify(makeRecording({ file: '/a.c', complete: true })));
    assert.equal(await markHelperDied(path), 100);
    assert.equal(read(path).ebpfTracer?.stopReason, 'stopped');
  });
});

describe('a held command', function () {
  this.timeout(20_000);
  const run = (shellPath: string, shellArgs: string[], env: NodeJS.ProcessEnv = process.env) => {
    const child = spawn(shellPath, shellArgs, { stdio: ['pipe', 'pipe', 'inherit'], env });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    const closed = new Promise<void>((done) => child.once('close', () => done()));
    return { child, closed, output: () => stdout };
  };

  it('waits, then becomes the command with the same pid', async () => {
    const held = await holdCommand(['/bin/sh', '-c', 'echo "pid $$ arg $1"', 'x', 'a b'], 'over');
    const { child, closed, output } = run(held.shellPath, held.shellArgs);
    const pid = await held.pid();
    assert.equal(readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), 'sh');
    assert.equal(output(), '', 'it has not started');
    await held.release();
    child.stdin.end('\n');
    await closed;
    assert.match(output(), new RegExp(`^pid ${pid} arg a b\n`));
    assert.match(output(), /over \(0\)/);
    await held.dispose();
  });

  it('tells how the command ended', async () => {
    const held = await holdCommand(['/bin/sh', '-c', 'exit 7'], 'over');
    const { child, closed, output } = run(held.shellPath, held.shellArgs);
    await held.pid();
    await held.release();
    child.stdin.end('\n');
    await closed;
    assert.match(output(), /over \(7\)/);
    await held.dispose();
  });

  it('is refused when its terminal was closed meanwhile', async () => {
    const held = await holdCommand(['/bin/true'], 'over');
    const { child, closed } = run(held.shellPath, held.shellArgs);
    const pid = await held.pid();
    child.kill('SIGKILL');
    process.kill(pid, 'SIGKILL');
    await closed;
    await assert.rejects(held.release(), (error: TracerError) => error.report.code === 'COMMAND_NOT_FOUND');
    await held.dispose();
  });

  it('is run by the shell of the user where it knows -c', () => {
    assert.deepEqual(shellCommand('a | b', '/usr/bin/fish'), ['/usr/bin/fish', '-c', 'a | b']);
    assert.deepEqual(shellCommand('a | b', '/usr/bin/pwsh'), ['/bin/sh', '-c', 'a | b']);
  });
});
