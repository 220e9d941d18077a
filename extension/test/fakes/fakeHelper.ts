// A helper without eBPF: speaks the whole protocol over a real socket and writes real recording files, so that client,
// sessions and commands are tested without root. Started like dist/helper.js. What it does wrong on purpose is asked
// for by FAKE_HELPER (a JSON FakeBehaviour).

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { isAbsolute, join } from 'node:path';
import { createMessageConnection, ResponseError, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';
import {
  type ErrorReport,
  errorReport,
  type HelperNoteMethod,
  type HelperNotes,
  PROTOCOL_VERSION,
  type RecordOptions,
  type RecordSummary,
  targetPids,
} from '../../../helper/src/protocol';
import { fakeHealth, makeRecording } from './makeRecording';
import { listFakeProcesses } from './processes';

export interface FakeBehaviour {
  /** Printed instead of the ready line. */
  startError?: ErrorReport;
  protocolVersion?: number;
  /** record/start fails with it. */
  recordError?: ErrorReport;
  /** Ends itself like kill -9 after so many checkpoints. */
  dieAfterCheckpoints?: number;
  /** No more checkpoints after so many: what a test then kills has said all it wrote. */
  pauseAfterCheckpoints?: number;
  /** Ends each recording by itself after so many checkpoints, as if its process had exited. */
  exitAfterCheckpoints?: number;
  /** record/stop is never answered. */
  silentStop?: boolean;
  /** No samples at all. */
  idle?: boolean;
  /** Source file named in the recordings. */
  sourceFile?: string;
}

interface Running {
  options: RecordOptions;
  samples: number;
  checkpoints: number;
  startedAtMs: number;
  timer: NodeJS.Timeout;
}

type Say = <M extends HelperNoteMethod>(method: M, params: HelperNotes[M]) => void;

/** Whose recordings it pretends to make. */
const TRACER = 'cpu';
const progressOf = (samples: number) => [{ id: TRACER, unit: 'samples', count: samples, lost: 0 }];
const TICK_MS = Number(process.env.FAKE_TICK_MS ?? 50);
const SAMPLES_A_TICK = 100;
const behaviour = JSON.parse(process.env.FAKE_HELPER ?? '{}') as FakeBehaviour;
const argument = (name: string) => process.argv[process.argv.indexOf(name) + 1];
const folder = argument('--socket-dir');
const lingerMs = Number(argument('--linger'));
const socketPath = join(folder, 'helper.sock');
const running = new Map<number, Running>();
let nextId = 1;
let connections = 0;
let lingerTimer: NodeJS.Timeout | undefined;

function main(): void {
  if (behaviour.startError) {
    console.log(JSON.stringify({ error: behaviour.startError }));
    process.exit(1);
  }
  const token = readFileSync(join(folder, 'token'), 'utf8');
  const server = createServer((socket) => serve(socket, token));
  server.listen(socketPath, () => console.log(JSON.stringify({ ready: true, pid: process.pid, socket: socketPath })));
}

function end(): void {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

function serve(socket: Socket, token: string): void {
  const rpc = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  const fail = (report: ErrorReport) => new ResponseError(-32000, report.message, report);
  let open = true;
  connections++;
  clearTimeout(lingerTimer);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    open = false;
    if (--connections === 0) lingerTimer = setTimeout(end, lingerMs);
  });
  rpc.onRequest('handshake', (params: { token: string }) =>
    params.token === token
      ? {
          protocolVersion: behaviour.protocolVersion ?? PROTOCOL_VERSION,
          helperVersion: 'fake',
          pid: process.pid,
          uid: process.getuid?.() ?? 0,
          capabilities: [],
          tracers: [TRACER],
        }
      : fail(errorReport('TOKEN_REFUSED')),
  );
  rpc.onRequest('process/list', () => listFakeProcesses());
  rpc.onRequest('check/run', () => ({ kernel: 'fake', arch: process.arch, items: [], attach: [] }));
  rpc.onRequest('record/start', (options: RecordOptions) => {
    if (behaviour.recordError) return fail(behaviour.recordError);
    const refused = refusalOf(options);
    if (refused) return fail(refused);
    const id = nextId++;
    const say: Say = (method, params) => {
      if (open) rpc.sendNotification(method, params).catch(() => undefined);
    };
    const timer = setInterval(() => tick(say, id), TICK_MS);
    running.set(id, { options, samples: 0, checkpoints: 0, startedAtMs: Date.now(), timer });
    return { recordingId: id, attachedMs: 1 };
  });
  rpc.onRequest('record/stop', ({ recordingId }: { recordingId: number }) => {
    if (behaviour.silentStop) return new Promise(() => undefined);
    const one = running.get(recordingId);
    return one ? finish(recordingId, one, 'stopped') : fail(errorReport('NO_RECORDING', recordingId));
  });
  rpc.onRequest('record/abort', ({ recordingId }: { recordingId: number }) => {
    clearInterval(running.get(recordingId)?.timer);
    running.delete(recordingId);
    return null;
  });
  rpc.onRequest('record/list', () =>
    [...running].map(([recordingId, { options, samples, startedAtMs }]) => ({
      recordingId,
      target: options.target,
      tracers: Object.keys(options.tracers),
      title: options.title,
      output: options.output,
      startedAtMs,
      samples,
    })),
  );
  rpc.onRequest('shutdown', () => {
    setImmediate(end);
    return null;
  });
  rpc.listen();
}

/** As the real one, of which it is a stand-in: by its only tracer, and once a process. */
function refusalOf({ target, tracers, output }: RecordOptions): ErrorReport | null {
  const unknown = Object.keys(tracers).find((id) => id !== TRACER);
  if (unknown !== undefined) return errorReport('TRACER_UNKNOWN', unknown, TRACER);
  if (!isAbsolute(output)) return errorReport('USAGE', 'record/start: "output" is missing or has the wrong type.');
  const pids = targetPids(target);
  const busy = [...running.values()].some(({ options }) =>
    targetPids(options.target).some((pid) => pids.includes(pid)),
  );
  return busy ? errorReport('BUSY', pids.join(', ')) : null;
}

function tick(say: Say, recordingId: number): void {
  const one = running.get(recordingId);
  if (!one) return;
  if (!behaviour.idle) one.samples += SAMPLES_A_TICK;
  one.checkpoints++;
  write(one, false);
  const elapsedMs = Date.now() - one.startedAtMs;
  const { samples, options } = one;
  say('record/progress', {
    recordingId,
    elapsedMs,
    samples,
    firstSampleMs: 1,
    health: fakeHealth(samples),
    tracers: progressOf(samples),
  });
  if (samples > 0) say('record/checkpoint', { recordingId, output: options.output, samples });
  if (one.checkpoints === behaviour.pauseAfterCheckpoints) clearInterval(one.timer);
  if (one.checkpoints === behaviour.dieAfterCheckpoints) process.kill(process.pid, 'SIGKILL');
  const over = options.durationMs !== null && elapsedMs >= options.durationMs;
  if (over || one.checkpoints === behaviour.exitAfterCheckpoints) {
    const summary = finish(recordingId, one, over ? 'duration' : 'exited');
    say('record/ended', { recordingId, summary, error: null });
  }
}

function write({ options, samples }: Running, complete: boolean): void {
  if (samples === 0) return;
  const { output, title, target } = options;
  const [pid = 0] = targetPids(target);
  const file = behaviour.sourceFile ?? '/src/fake.c';
  const recording = makeRecording({ file, samples, complete, title, pid });
  writeFileSync(`${output}.tmp`, JSON.stringify(recording), { mode: 0o600 });
  renameSync(`${output}.tmp`, output);
}

function finish(id: number, one: Running, stopReason: RecordSummary['stopReason']): RecordSummary {
  clearInterval(one.timer);
  running.delete(id);
  write(one, true);
  return {
    samples: one.samples,
    lost: 0,
    wholeStacks: one.samples,
    truncated: {},
    symbolizedFrames: one.samples * 3,
    frames: one.samples * 3,
    durationMs: Date.now() - one.startedAtMs,
    output: one.options.output,
    helper: { cpuMs: 1, rssBytes: 1, bpfNs: null, firstSampleMs: 1 },
    attach: [],
    tracers: progressOf(one.samples),
    stopReason,
    top: [],
  };
}

main();
