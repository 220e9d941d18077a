// What every helper does with every message of the protocol: the real one (test/root) and the extension's stand-in (extension/test/unit)
// pass the same tests, so that what the extension is tested against behaves as what it ships with. A method, a note or an error code
// of the protocol without a case here fails the suite (methods and notes already when types are checked).

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HelperConnection } from '../../src/client/helperConnection';
import type { SocketFolder } from '../../src/client/socketFolder';
import {
  type ClientNoteMethod,
  ERROR_CODES,
  type ErrorCode,
  type HelperNoteMethod,
  PROTOCOL_VERSION,
  parseSpeedscope,
  type RecordingExtra,
  type RecordOptions,
  type RequestMethod,
  type Requests,
  toErrorReport,
} from '../../src/protocol';

export interface ContractHelper {
  folder: SocketFolder;
  /** Resolves when the process is gone. */
  exited: Promise<unknown>;
  /** Ends the process, however it stands. */
  end(): Promise<unknown>;
}

export interface ContractStart {
  /** How long it waits for a client that went away. */
  lingerMs: number;
  heartbeatTimeoutMs: number;
  /** The process that is recorded does nothing: for a stand-in, which does not look. */
  idle: boolean;
}

const id = { recordingId: 1 };
/** Each method, and what it refuses as parameters; none of those without parameters. */
const METHODS: Record<RequestMethod, unknown[]> = {
  handshake: [null, {}, { protocolVersion: '2', clientVersion: '', token: '' }, { protocolVersion: 2, token: '' }],
  'process/list': [],
  'check/run': [],
  // Beside these: each member of the options by itself (WRONG_OPTIONS).
  'record/start': [null, 7, {}],
  'record/stop': [null, {}, { recordingId: '1' }, { recordingId: 1.5 }],
  'record/abort': [null, {}, { recordingId: '1' }, { recordingId: Number.NaN }],
  'record/list': [],
  shutdown: [],
};
/** What a client says without asking is never answered: a wrong one changes nothing. */
const CLIENT_NOTES: Record<ClientNoteMethod, unknown[]> = {
  heartbeat: [{}, null],
  'record/watch': [null, {}, { ...id, visible: 1 }, { recordingId: 'x', visible: true }, { ...id, visible: true }],
};
const HELPER_NOTES: Record<HelperNoteMethod, true> = {
  'record/progress': true,
  'record/checkpoint': true,
  'record/ended': true,
  log: true,
};
const PROCESSES = { children: true, startAtExec: false };
const WRONG_OPTIONS: [keyof RecordOptions, unknown][] = [
  ...[null, 7, [], {}, { pids: [1] }, { pids: [], ...PROCESSES }, { pids: ['1'], ...PROCESSES }].map(asTarget),
  ...[
    { pids: Array(65).fill(1), ...PROCESSES },
    { pids: [1], ...PROCESSES, interface: 'lo' },
  ].map(asTarget),
  ...[{ interface: '../lo' }, { netns: 'relative' }, { everything: true, except: ['x'] }].map(asTarget),
  ...([null, ['cpu']].map((value) => ['tracers', value]) as [keyof RecordOptions, unknown][]),
  ['durationMs', '10s'],
  ['output', 'relative'],
  ['title', 'a\0b'],
  ['anyUser', 1],
  ['without', [1]],
  ['debugFileDirectories', ['relative']],
  ['debuginfodUrls', 'http://a'],
  ['requestedAtMs', '1'],
];

function asTarget(value: unknown): [keyof RecordOptions, unknown] {
  return ['target', value];
}

/** Error codes that no case can bring about, by the reason: who says them, and where that is tested. */
const ELSEWHERE: Record<string, readonly ErrorCode[]> = {
  'said by clients, to whom there is no helper': [
    ...(['SUDO_ABSENT', 'PASSWORD_REJECTED', 'ELEVATION_CANCELLED', 'HELPER_UNREADABLE', 'COMMAND_NOT_FOUND'] as const),
    ...(['FORMAT_INVALID', 'NOT_A_RECORDING', 'RECORDING_TOO_LARGE', 'RECORDING_TOO_NEW'] as const),
    ...(['FILE_UNREADABLE', 'NOT_A_PROGRAM', 'ADDRESS_INVALID', 'REPORT_FORMAT_INVALID', 'METRIC_UNKNOWN'] as const),
    ...(['RANGE_WITHOUT_TIMES', 'RECORD_UNCONFIRMED', 'OTLP_NOT_SENT'] as const),
    ...(['NORMALIZATION_INVALID', 'PERCENT_INVALID', 'FUNCTION_UNKNOWN', 'NOT_COMPARABLE', 'RANGE_INVALID'] as const),
  ],
  'said by the tracer of flows, which a stand-in does not have (test/root/flows)': [
    ...([
      'FLOW_FILTER_INVALID',
      'SAMPLE_EVERY_INVALID',
      'INTERFACE_UNKNOWN',
      'NETNS_UNKNOWN',
      'DEVICES_REFUSED',
    ] as const),
  ],
  'said instead of the ready line, before there is a connection': [
    ...(['HELPER_START', 'NO_PRIVILEGE', 'CONTAINER_NO_RIGHTS'] as const),
  ],
  'needs another user (test/root/rpc, otherUsers)': [
    ...(['PEER_REFUSED', 'NOT_YOUR_PROCESS', 'PROCESS_PROTECTED', 'ANY_USER_NEEDS_ROOT'] as const),
    'NOTHING_RECORDED_REFUSED',
  ],
  'needs another machine or kernel (test/root/doctorObstacles, libbpfVersions, test/unit)': [
    ...(['KERNEL_NO_BPF', 'KERNEL_NO_BTF', 'LOCKDOWN', 'MEMLOCK', 'LIBBPF_MISSING', 'NATIVE_MISSING'] as const),
    ...([
      'HTTP_NOT_ATTACHED',
      'PERF_FORBIDDEN',
      'DISK_FULL',
      'PID_KERNEL_THREAD',
      'NOTHING_RECORDED_UNSEEN',
      'NOTHING_RECORDED_LOST',
    ] as const),
  ],
  'needs another tracer in the table (test/root/contract)': ['TRACER_NOT_SERVED', 'NOTHING_RECORDED_QUIET'],
  'other reasons of an empty recording, which goes the same way (test/root/record, recordEnds)': [
    ...(['NOTHING_RECORDED_EXITED', 'NOTHING_RECORDED_FILTERED', 'NOTHING_RECORDED_SHORT'] as const),
  ],
  'a fault of the helper itself': ['INTERNAL'],
};

/** `start` begins a fresh helper that serves this process's user. */
export function keepsTheProtocol(start: (options: ContractStart) => Promise<ContractHelper>): void {
  const refusals = new Set<ErrorCode>();
  const answered = new Set<RequestMethod>();
  const heard = new Set<HelperNoteMethod>();
  let folder: string;
  let busy: ChildProcess;
  let sleeping: ChildProcess;
  let helper: ContractHelper;
  let connections: HelperConnection[];
  let files = 0;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-contract-'));
    busy = spawn('/bin/sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
    // Its child has ended and is waited for by nobody: sleep is no shell.
    sleeping = spawn('/bin/sh', ['-c', 'true & exec sleep 100000'], { stdio: 'ignore' });
  });
  after(() => {
    for (const child of [busy, sleeping]) child?.kill('SIGKILL');
    if (folder) rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => begin());
  afterEach(async () => {
    for (const connection of connections) connection.dispose();
    await helper.end();
  });

  async function begin(options: Partial<ContractStart> = {}): Promise<void> {
    connections = [];
    helper = await start({ lingerMs: 0, heartbeatTimeoutMs: 60_000, idle: false, ...options });
  }
  /** The one of `beforeEach` behaves in another way than this test wants. */
  async function beginAnew(options: Partial<ContractStart>): Promise<void> {
    await helper.end();
    await begin(options);
  }
  async function client(options: { token?: string; protocolVersion?: number; heartbeatIntervalMs?: number } = {}) {
    const connection = await HelperConnection.connect({ ...helper.folder, ...options, log: () => heard.add('log') });
    connections.push(connection);
    return connection;
  }
  async function ask<M extends RequestMethod>(connection: HelperConnection, method: M, params: Requests[M]['params']) {
    const result = await connection.request(method, params);
    answered.add(method);
    return result;
  }
  async function refused(request: Promise<unknown>, code: ErrorCode, said = /./): Promise<void> {
    const report = await request.then(
      (answer) => assert.fail(`not refused with ${code}: ${JSON.stringify(answer)}`),
      (error) => toErrorReport(error),
    );
    assert.equal(report.code, code, report.message);
    assert.match(report.message, said);
    refusals.add(code);
  }
  const optionsFor = (pid: number | undefined, more: Partial<RecordOptions> = {}): RecordOptions => ({
    target: { pids: [pid ?? 0], ...PROCESSES },
    tracers: { cpu: { frequencyHz: 499, kernel: true } },
    durationMs: null,
    output: join(folder, `${++files}.speedscope.json`),
    title: 'contract',
    anyUser: false,
    without: [],
    ...more,
  });
  const next = (connection: HelperConnection, method: Exclude<HelperNoteMethod, 'log'>) =>
    new Promise<void>((resolve) => {
      const stop = connection.on(method, () => {
        heard.add(method);
        stop();
        resolve();
      });
    });
  const saved = (path: string): RecordingExtra => {
    const { ebpfTracer } = parseSpeedscope(readFileSync(path, 'utf8'), {}).file;
    assert.ok(ebpfTracer, 'the file is a recording of ours');
    return ebpfTracer;
  };
  /** Polls until it holds; the test's own time-out is the deadline. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  /** A connection without our client: what it got back, and when the helper closed it. */
  function raw(): { socket: Socket; text: () => string; closed: Promise<unknown> } {
    const socket = connect(helper.folder.socket);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    return { socket, text: () => text, closed: new Promise((resolve) => socket.on('close', resolve)) };
  }
  const framed = (message: object) => {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  };

  it('shakes hands and says who it is and whom it serves', async () => {
    const { identity } = await client();
    answered.add('handshake');
    const { protocolVersion, uid, pid, tracers, helperVersion, capabilities } = identity;
    assert.deepEqual([protocolVersion, uid], [PROTOCOL_VERSION, process.getuid!()]);
    assert.ok(pid > 0 && pid !== process.pid && helperVersion.length > 0 && Array.isArray(capabilities));
    assert.ok(tracers.includes('cpu'));
  });

  it('answers no method before the handshake, and closes', async () => {
    for (const method of Object.keys(METHODS).filter((name) => name !== 'handshake')) {
      const { socket, text, closed } = raw();
      socket.write(framed({ id: 1, method, params: {} }));
      await closed;
      assert.match(text(), /"code":"HANDSHAKE_REQUIRED"/, method);
      assert.ok(text().includes(method));
    }
    refusals.add('HANDSHAKE_REQUIRED');
    await ask(await client(), 'record/list', {});
  });

  it('refuses another version, naming both, a wrong token, and a handshake that is none', async () => {
    await refused(client({ protocolVersion: 77 }), 'VERSION_MISMATCH', new RegExp(`${PROTOCOL_VERSION}.*77`));
    await refused(client({ token: '' }), 'TOKEN_REFUSED');
    await refused(client({ token: helper.folder.token.replace(/./, 'x') }), 'TOKEN_REFUSED');
    for (const params of METHODS.handshake) {
      const { socket, text } = raw();
      socket.write(framed({ id: 1, method: 'handshake', params }));
      await until(() => text().includes('"code":"USAGE"'));
      socket.destroy();
    }
  });

  it('closes a connection that sends what is no message, and goes on serving', async () => {
    const { socket, closed } = raw();
    socket.write('Content-Length: nonsense\r\n\r\n{}');
    await closed;
    await ask(await client(), 'record/list', {});
  });

  it('refuses unknown methods, and wrong parameters of each, naming what is wrong', async () => {
    const connection = await client();
    const anyMethod = (method: string, params: unknown) => connection.request(method as 'record/stop', params as never);
    for (const method of ['nonsense', 'toString', 'record/'])
      await refused(anyMethod(method, {}), 'USAGE', new RegExp(`"${method}"`));
    for (const [method, wrong] of Object.entries(METHODS))
      for (const params of wrong) await refused(anyMethod(method, params), 'USAGE', new RegExp(method));
    for (const [name, value] of WRONG_OPTIONS)
      await refused(anyMethod('record/start', optionsFor(1, { [name]: value })), 'USAGE', new RegExp(name));
    assert.deepEqual(await ask(connection, 'record/list', {}), []);
  });

  it('takes what a client says on its own, and is not disturbed by what is wrong in it', async () => {
    const connection = await client();
    for (const [method, all] of Object.entries(CLIENT_NOTES))
      for (const params of all) connection.tell(method as 'heartbeat', params as never);
    connection.tell('nonsense' as 'heartbeat', {} as never);
    assert.deepEqual(await ask(connection, 'record/list', {}), []);
  });

  it('lists processes, and what works on this machine', async () => {
    const connection = await client();
    const processes = await ask(connection, 'process/list', {});
    assert.ok(processes.length > 0);
    for (const { pid, name, user } of processes) assert.ok(pid > 0 && typeof name === 'string' && user.length > 0);
    const { kernel, items, attach } = await ask(connection, 'check/run', {});
    assert.ok(kernel.length > 0 && Array.isArray(items) && Array.isArray(attach));
  });

  it('refuses what cannot be recorded, before anything is recorded', async () => {
    const connection = await client();
    const startOf = (pid: number, more: Partial<RecordOptions> = {}) =>
      connection.request('record/start', optionsFor(pid, more));
    const pid = busy.pid!;
    const cpu = { frequencyHz: 499, kernel: true };
    let zombie = 0;
    await until(() => {
      zombie = Number(readFileSync(`/proc/${sleeping.pid}/task/${sleeping.pid}/children`, 'latin1'));
      return zombie > 0 && /^State:\tZ/m.test(readFileSync(`/proc/${zombie}/status`, 'latin1'));
    });
    await refused(startOf(zombie), 'PID_ZOMBIE');
    for (const wrong of [0, -1, 1.5]) await refused(startOf(wrong), 'PID_INVALID');
    await refused(startOf(4_194_303), 'PID_GONE');
    await refused(startOf(connection.identity.pid), 'PID_SELF');
    await refused(startOf(pid, { tracers: { nonsense: {} } }), 'TRACER_UNKNOWN', /nonsense/);
    await refused(startOf(pid, { tracers: {} }), 'TRACER_UNKNOWN');
    await refused(startOf(pid, { target: { interface: 'lo' } }), 'TARGET_UNSUITABLE');
    for (const frequencyHz of [0, 5_000, 1.5])
      await refused(startOf(pid, { tracers: { cpu: { ...cpu, frequencyHz } } }), 'FREQUENCY_INVALID');
    await refused(startOf(pid, { tracers: { cpu: { ...cpu, maxFrames: 0 } } }), 'MAX_FRAMES_INVALID');
    await refused(startOf(pid, { tracers: { cpu: { frequencyHz: 99 } as never } }), 'USAGE', /kernel/);
    for (const durationMs of [0, -1]) await refused(startOf(pid, { durationMs }), 'DURATION_INVALID');
    await refused(startOf(pid, { debuginfodUrls: ['ftp://a'] }), 'DEBUGINFOD_URL_INVALID');
    await refused(startOf(pid, { output: join(folder, 'absent/a.json') }), 'OUTPUT_NOT_WRITABLE');
    await refused(startOf(pid, { output: folder }), 'OUTPUT_NOT_WRITABLE');
    const other = join(folder, 'other.json');
    writeFileSync(other, '{}');
    await refused(startOf(pid, { output: other }), 'OUTPUT_EXISTS');
    assert.equal(readFileSync(other, 'utf8'), '{}');
    assert.deepEqual(await ask(connection, 'record/list', {}), []);
  });

  it('records until it is asked to stop: progress in order, a file that is whole each time, nothing after the answer', async () => {
    const connection = await client();
    const options = optionsFor(busy.pid);
    const progress: [recordingId: number, elapsedMs: number, samples: number][] = [];
    const said: string[] = [];
    connection.on('record/progress', ({ recordingId, elapsedMs, samples, health, tracers }) => {
      heard.add('record/progress');
      said.push('progress');
      progress.push([recordingId, elapsedMs, samples]);
      assert.ok(health.lost >= 0);
      assert.deepEqual(
        tracers.map(({ id: one }) => one),
        ['cpu'],
      );
    });
    connection.on('record/checkpoint', () => said.push('checkpoint'));
    connection.on('record/ended', () => said.push('ended'));
    const written = next(connection, 'record/checkpoint');
    const { recordingId, attachedMs } = await ask(connection, 'record/start', options);
    assert.ok(attachedMs >= 0);
    connection.tell('record/watch', { recordingId, visible: true });
    await written;
    const { complete, stopReason } = saved(options.output);
    assert.deepEqual([complete, stopReason], [false, 'running']);
    await until(() => progress.length >= 2);
    const [listed, ...others] = await ask(connection, 'record/list', {});
    assert.deepEqual(others, []);
    const { target, title, output, tracers } = listed;
    assert.deepEqual(
      [listed.recordingId, target, title, output, tracers],
      [recordingId, options.target, options.title, options.output, ['cpu']],
    );
    const summary = await ask(connection, 'record/stop', { recordingId });
    const before = said.length;
    assert.deepEqual([summary.stopReason, summary.output], ['stopped', options.output]);
    const end = saved(options.output);
    assert.deepEqual([end.complete, end.stopReason, end.title], [true, 'stopped', 'contract']);
    assert.deepEqual(await ask(connection, 'record/list', {}), []);
    await refused(connection.request('record/stop', { recordingId: recordingId + 77 }), 'NO_RECORDING', /\d/);
    assert.equal(said.length, before, `said after the answer: ${said.slice(before)}`);
    assert.ok(!said.includes('ended'), 'the answer says it');
    for (const [i, [one, elapsedMs, samples]] of progress.entries()) {
      const [, elapsedBefore, samplesBefore] = progress[i - 1] ?? [0, 0, 0];
      assert.equal(one, recordingId);
      assert.ok(elapsedMs >= elapsedBefore && samples >= samplesBefore, JSON.stringify(progress));
    }
    assert.ok(summary.samples >= progress.at(-1)![2]);
  });

  it('ends after the duration, says so once, and knows the outcome afterwards', async () => {
    const connection = await client();
    const options = optionsFor(busy.pid, { durationMs: 300 });
    const news: unknown[] = [];
    connection.on('record/ended', (note) => news.push(note));
    const { recordingId } = await ask(connection, 'record/start', options);
    await next(connection, 'record/ended');
    const summary = await ask(connection, 'record/stop', { recordingId });
    assert.equal(summary.stopReason, 'duration');
    assert.deepEqual(news, [{ recordingId, summary, error: null }]);
    assert.equal(saved(options.output).complete, true);
  });

  it('ends at once when it is aborted, without a last version of the file', async () => {
    const connection = await client();
    const options = optionsFor(busy.pid);
    const written = next(connection, 'record/checkpoint');
    const { recordingId } = await ask(connection, 'record/start', options);
    await written;
    assert.equal(await ask(connection, 'record/abort', { recordingId }), null);
    assert.deepEqual(await ask(connection, 'record/list', {}), []);
    const { complete, stopReason } = saved(options.output);
    assert.deepEqual([complete, stopReason], [false, 'stopped']);
    await refused(connection.request('record/stop', { recordingId }), 'CANCELLED');
    for (const other of [recordingId, recordingId + 77])
      assert.equal(await ask(connection, 'record/abort', { recordingId: other }), null);
  });

  it('records a process once at a time, and again after that', async () => {
    const connection = await client();
    const { recordingId } = await ask(connection, 'record/start', optionsFor(busy.pid));
    await refused(connection.request('record/start', optionsFor(busy.pid)), 'BUSY', new RegExp(`${busy.pid}`));
    await ask(connection, 'record/abort', { recordingId });
    const again = await ask(connection, 'record/start', optionsFor(busy.pid));
    assert.notEqual(again.recordingId, recordingId);
    await ask(connection, 'record/abort', again);
  });

  it('says why nothing was recorded, by itself and when asked', async () => {
    await beginAnew({ idle: true });
    const connection = await client();
    const options = optionsFor(sleeping.pid, { durationMs: 200 });
    const ended = new Promise((resolve) => connection.on('record/ended', resolve));
    const { recordingId } = await ask(connection, 'record/start', options);
    const { summary, error } = (await ended) as { summary: unknown; error: { code: ErrorCode } };
    assert.deepEqual([summary, error.code], [null, 'NOTHING_RECORDED_IDLE']);
    await refused(connection.request('record/stop', { recordingId }), 'NOTHING_RECORDED_IDLE');
    assert.equal(existsSync(options.output), false);
  });

  it('saves what it records when the client goes away, and records nothing for the next one', async () => {
    await beginAnew({ lingerMs: 60_000 });
    const first = await client();
    const options = optionsFor(busy.pid);
    const written = next(first, 'record/checkpoint');
    await ask(first, 'record/start', options);
    await written;
    first.dispose();
    await refused(first.request('record/list', {}), 'HELPER_DIED');
    await until(() => saved(options.output).complete);
    const second = await client();
    assert.deepEqual(await ask(second, 'record/list', {}), []);
  });

  it('goes on recording for a client that takes the place of the one before', async () => {
    const first = await client();
    const { recordingId } = await ask(first, 'record/start', optionsFor(busy.pid));
    const second = await client();
    await first.closed;
    assert.deepEqual(
      (await ask(second, 'record/list', {})).map((one) => one.recordingId),
      [recordingId],
    );
    await next(second, 'record/progress');
    await ask(second, 'record/abort', { recordingId });
  });

  it('closes a connection without heartbeats, and ends without a client', async () => {
    await beginAnew({ heartbeatTimeoutMs: 200 });
    const silent = await client({ heartbeatIntervalMs: 600_000 });
    await silent.closed;
    await helper.exited;
    assert.equal(existsSync(helper.folder.dir), false, 'its folder is gone');
  });

  it('ends when asked to, once it has answered', async () => {
    const connection = await client();
    assert.equal(await ask(connection, 'shutdown', {}), null);
    await Promise.all([connection.closed, helper.exited]);
    assert.equal(existsSync(helper.folder.dir), false, 'its folder is gone');
    await refused(client(), 'HELPER_DIED');
  });

  it('has a case for each method, each note and each error code of the protocol', () => {
    const unanswered = Object.keys(METHODS).filter((method) => !answered.has(method as RequestMethod));
    const unheard = Object.keys(HELPER_NOTES).filter((note) => !heard.has(note as HelperNoteMethod));
    const elsewhere = new Set(Object.values(ELSEWHERE).flat());
    const untried = ERROR_CODES.filter((code) => !refusals.has(code) && !elsewhere.has(code));
    const excused = [...elsewhere].filter((code) => refusals.has(code));
    assert.deepEqual(
      { unanswered, unheard, untried, excused },
      { unanswered: [], unheard: [], untried: [], excused: [] },
    );
  });
}
