// The protocol over a real socket, in one process and without rights: handshake, refusals, several requests at once,
// cancelling, heartbeats, a reloaded window. The services behind it are replaced; test/root/ has the real helper.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { HelperConnection } from '../../src/client/helperConnection';
import { createSocketFolder, removeSocketFolder, type SocketFolder } from '../../src/client/socketFolder';
import { PROTOCOL_VERSION, type RecordOptions, type RecordSummary, TracerError, targetPids } from '../../src/protocol';
import type { RecordingService, SayToClient, Services } from '../../src/rpc/methods';
import { HelperServer } from '../../src/rpc/server';

const OPTIONS: RecordOptions = {
  target: { pids: [4711], children: true, startAtExec: false },
  tracers: { cpu: { frequencyHz: 99, kernel: true } },
  durationMs: null,
  output: '/nowhere/x.speedscope.json',
  title: 'test',
  anyUser: false,
  without: [],
};
const PROCESSES = { children: true, startAtExec: false };
const HOSTILE_TARGETS: unknown[] = [
  null,
  7,
  [],
  {},
  { pids: '1', ...PROCESSES },
  { pids: [], ...PROCESSES },
  { pids: ['1'], ...PROCESSES },
  { pids: [Number.NaN], ...PROCESSES },
  { pids: Array(65).fill(1), ...PROCESSES },
  { pids: [1] },
  { pids: [1], children: 1, startAtExec: false },
  { pids: [1], ...PROCESSES, interface: 'lo' },
  { interface: '' },
  { interface: '../lo' },
  { interface: 'a name that is long' },
  { interface: 'l\0o' },
  { netns: 'relative' },
  { everything: false, except: [] },
  { everything: true },
  { everything: true, except: [1.5] },
];
const SUMMARY = { samples: 7, output: OPTIONS.output } as RecordSummary;

/** Records what was asked of it; `start` and `stop` wait until they are let go. */
class FakeRecordings implements RecordingService {
  calls: string[] = [];
  say: SayToClient | null = null;
  letStart: (() => void)[] = [];
  letStop: (() => void)[] = [];

  async start(options: RecordOptions, say: SayToClient) {
    this.calls.push(`start ${targetPids(options.target)}`);
    this.say = say;
    await new Promise<void>((resolve) => this.letStart.push(resolve));
    return { recordingId: 1, attachedMs: 3 };
  }
  async stop(id: number) {
    this.calls.push(`stop ${id}`);
    await new Promise<void>((resolve) => this.letStop.push(resolve));
    return SUMMARY;
  }
  async abort(id: number) {
    this.calls.push(`abort ${id}`);
  }
  list() {
    return [];
  }
  watch(id: number, visible: boolean) {
    this.calls.push(`watch ${id} ${visible}`);
  }
  async closeAll() {}
}

describe('rpc', () => {
  let folder: SocketFolder;
  let server: HelperServer;
  let recordings: FakeRecordings;
  let events: string[];
  let letList: (() => void)[];
  const open: HelperConnection[] = [];

  async function start(heartbeatTimeoutMs = 60_000): Promise<void> {
    folder = createSocketFolder();
    recordings = new FakeRecordings();
    events = [];
    letList = [];
    const services: Services = {
      recordings: async () => recordings,
      listProcesses: () => new Promise((resolve) => letList.push(() => resolve([]))),
      checkMachine: async () => ({ kernel: 'k', arch: 'a', items: [], attach: [] }),
      shutdown: () => events.push('shutdown'),
    };
    server = new HelperServer({
      ...folder,
      uid: process.getuid!(),
      heartbeatTimeoutMs,
      services,
      identity: () => ({
        protocolVersion: PROTOCOL_VERSION,
        helperVersion: '9.9.9',
        pid: 1,
        uid: 2,
        capabilities: [],
        tracers: [],
      }),
      clientCame: () => events.push('came'),
      clientGone: (why) => events.push(`gone: ${why}`),
    });
    await server.listen();
  }
  async function client(options: { protocolVersion?: number; token?: string; heartbeatIntervalMs?: number } = {}) {
    const connection = await HelperConnection.connect({ ...folder, ...options });
    open.push(connection);
    return connection;
  }
  /** Polls until it holds; the test's own time-out is the deadline. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const rejectsWith = (code: string, pattern?: RegExp) => (error: unknown) => {
    assert.ok(error instanceof TracerError, String(error));
    assert.equal(error.report.code, code);
    if (pattern) assert.match(error.report.message, pattern);
    return true;
  };
  /** A connection without our client: what it got back, and whether the helper closed it. */
  function raw(): { socket: Socket; received: () => string; closed: Promise<void> } {
    const socket = connect(folder.socket);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    return { socket, received: () => text, closed: new Promise((resolve) => socket.on('close', () => resolve())) };
  }
  const frame = (message: object) => {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    return `Content-Length: ${body.length}\r\n\r\n${body}`;
  };

  beforeEach(() => start());
  afterEach(async () => {
    for (const connection of open.splice(0)) connection.dispose();
    await server.close('test over');
    removeSocketFolder(folder.dir);
  });

  it('shakes hands and tells who it is', async () => {
    const { identity } = await client();
    assert.equal(identity.helperVersion, '9.9.9');
    assert.deepEqual(events, ['came']);
  });

  it('names both versions when they differ', async () => {
    const wrong = client({ protocolVersion: 77 });
    await assert.rejects(
      wrong,
      rejectsWith('VERSION_MISMATCH', new RegExp(`version ${PROTOCOL_VERSION}\\b.*version 77`)),
    );
    assert.deepEqual(events, []);
  });

  it('refuses a wrong token, of the right length and of another', async () => {
    const other = folder.token.replace(/^./, (c) => (c === '0' ? '1' : '0'));
    await assert.rejects(client({ token: other }), rejectsWith('TOKEN_REFUSED'));
    await assert.rejects(client({ token: '' }), rejectsWith('TOKEN_REFUSED'));
    assert.deepEqual(events, []);
  });

  it('answers nothing before the handshake, and closes', async () => {
    const { socket, received, closed } = raw();
    socket.write(frame({ method: 'record/watch', params: { recordingId: 1, visible: true } }));
    socket.write(frame({ id: 1, method: 'check/run', params: {} }));
    await closed;
    assert.match(received(), /HANDSHAKE_REQUIRED/);
    assert.match(received(), /check\/run/);
    assert.deepEqual(recordings.calls, []);
  });

  it('closes a connection that sends garbage or floods it, and goes on serving', async () => {
    const garbage = raw();
    garbage.socket.write('Content-Length: nonsense\r\n\r\n{}');
    await garbage.closed;
    const flood = raw();
    flood.socket.write(`Content-Length: 99999999\r\n\r\n${'x'.repeat(200_000)}`);
    await flood.closed;
    assert.equal((await (await client()).request('check/run', {})).kernel, 'k');
  });

  it('names the parameter that is wrong, and an unknown method', async () => {
    const connection = await client();
    const wrong = { ...OPTIONS, output: 'relative.json' };
    await assert.rejects(connection.request('record/start', wrong), rejectsWith('USAGE', /"output"/));
    for (const [name, value] of [
      ['tracers', null],
      ['tracers', ['cpu']],
      ['durationMs', '10s'],
      ['without', [1]],
      ['title', 'a\0b'],
      ['debugFileDirectories', ['relative']],
      ['debuginfodUrls', 'http://a'],
    ] as const) {
      const bad = { ...OPTIONS, [name]: value };
      await assert.rejects(connection.request('record/start', bad), rejectsWith('USAGE', new RegExp(`"${name}"`)));
    }
    for (const target of HOSTILE_TARGETS)
      await assert.rejects(
        connection.request('record/start', { ...OPTIONS, target } as RecordOptions),
        rejectsWith('USAGE', /target/),
        JSON.stringify(target),
      );
    await assert.rejects(connection.request('nonsense' as 'check/run', {}), rejectsWith('USAGE', /nonsense/));
    await assert.rejects(connection.request('toString' as 'check/run', {}), rejectsWith('USAGE', /toString/));
    assert.deepEqual(recordings.calls, []);
  });

  it('answers several requests at once, each when it is done', async () => {
    const connection = await client();
    const list = connection.request('process/list', {});
    const start = connection.request('record/start', OPTIONS);
    assert.equal((await connection.request('check/run', {})).arch, 'a');
    await until(() => recordings.letStart.length === 1);
    recordings.letStart[0]();
    assert.deepEqual(await start, { recordingId: 1, attachedMs: 3 });
    letList[0]();
    assert.deepEqual(await list, []);
  });

  it('passes progress on and takes notes', async () => {
    const connection = await client();
    const start = connection.request('record/start', OPTIONS);
    const seen: number[] = [];
    const off = connection.on('record/checkpoint', ({ samples }) => seen.push(samples));
    await until(() => recordings.say !== null);
    recordings.letStart[0]();
    await start;
    recordings.say!('record/checkpoint', { recordingId: 1, output: '/x', samples: 12 });
    await until(() => seen.length === 1);
    off();
    connection.tell('record/watch', { recordingId: 1, visible: true });
    await until(() => recordings.calls.includes('watch 1 true'));
    assert.deepEqual(seen, [12]);
  });

  it('cancels a start: nothing is left of the recording', async () => {
    const connection = await client();
    const cancel = new AbortController();
    const start = connection.request('record/start', OPTIONS, cancel.signal);
    await until(() => recordings.letStart.length === 1);
    cancel.abort();
    // The note that cancels travels before this answer.
    await connection.request('check/run', {});
    recordings.letStart[0]();
    await assert.rejects(start, rejectsWith('CANCELLED'));
    assert.deepEqual(recordings.calls, ['start 4711', 'abort 1']);
  });

  it('cancels a stop that takes long: answers at once and aborts', async () => {
    const connection = await client();
    const cancel = new AbortController();
    const stop = connection.request('record/stop', { recordingId: 5 }, cancel.signal);
    await until(() => recordings.letStop.length === 1);
    cancel.abort();
    await assert.rejects(stop, rejectsWith('CANCELLED'));
    assert.deepEqual(recordings.calls, ['stop 5', 'abort 5']);
  });

  it('saves a recording whose client went away while it started', async () => {
    const connection = await client();
    const start = connection.request('record/start', OPTIONS);
    await until(() => recordings.letStart.length === 1);
    connection.dispose();
    await assert.rejects(start, rejectsWith('HELPER_DIED'));
    await until(() => events.length === 2);
    recordings.letStart[0]();
    await until(() => recordings.calls.length === 2);
    assert.deepEqual(recordings.calls, ['start 4711', 'stop 1']);
  });

  it('lets a reloaded window take the place of the old one, without calling it gone', async () => {
    const first = await client();
    const second = await client();
    await first.closed;
    assert.equal((await second.request('check/run', {})).kernel, 'k');
    assert.deepEqual(events, ['came', 'came']);
    second.dispose();
    await until(() => events.length === 3);
    assert.match(events[2], /^gone: /);
  });

  it('closes a connection whose heartbeats stop', async () => {
    await server.close('other settings');
    removeSocketFolder(folder.dir);
    await start(80);
    const silent = await client({ heartbeatIntervalMs: 60_000 });
    await silent.closed;
    await until(() => events.length === 2);
    assert.match(events[1], /no heartbeat/);
    await assert.rejects(silent.request('check/run', {}), rejectsWith('HELPER_DIED'));
  });

  it('keeps a connection whose heartbeats come, however little else does', async () => {
    await server.close('other settings');
    removeSocketFolder(folder.dir);
    await start(400);
    const alive = await client({ heartbeatIntervalMs: 20 });
    let closed = false;
    void alive.closed.then(() => {
      closed = true;
    });
    const since = performance.now();
    await until(() => closed || performance.now() - since > 900);
    assert.equal(closed, false);
  });

  it('shows the log from its first line on', async () => {
    server.log('info', 'before anybody came');
    const lines: string[] = [];
    open.push(await HelperConnection.connect({ ...folder, log: (line) => lines.push(line.text) }));
    server.log('warn', 'after');
    await until(() => lines.length === 2);
    assert.deepEqual(lines, ['before anybody came', 'after']);
  });

  it('hears all that was said before the end, however late it reads it', async () => {
    const connection = await client();
    const heard: number[] = [];
    connection.on('record/checkpoint', ({ samples }) => heard.push(samples));
    const said = Array.from({ length: 200 }, (_, i) => i);
    for (const samples of said) server.say('record/checkpoint', { recordingId: 1, output: '/x', samples });
    await server.close('ending');
    await connection.closed;
    assert.deepEqual(heard, said);
    assert.equal(connection.isClosed, true);
  });

  it('answers what is running before it closes', async () => {
    const connection = await client();
    const stop = connection.request('record/stop', { recordingId: 1 });
    await until(() => recordings.letStop.length === 1);
    const closing = server.close('ending');
    recordings.letStop[0]();
    assert.deepEqual(await stop, SUMMARY);
    await closing;
    await connection.closed;
    await assert.rejects(client(), rejectsWith('HELPER_DIED'));
  });
});
