// A helper without eBPF: speaks the whole protocol over a real socket and writes real recording files, so that client,
// sessions and commands are tested without root. Started like dist/helper.js. What it does wrong on purpose is asked
// for by FAKE_HELPER (a JSON FakeBehaviour).

import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkPid } from '../../../helper/src/client/pidCheck';
import { markIncomplete, statusText } from '../../../helper/src/client/recordingMark';
import { removeSocketFolder, SOCKET_NAME, TOKEN_NAME } from '../../../helper/src/client/socketFolder';
import {
  type CpuOptions,
  checkRecordingId,
  checkRecordOptions,
  checkShape,
  type ErrorReport,
  isBoolean,
  isNumber,
  MAX_FRAMES_MOST,
  optional,
  PROTOCOL_VERSION,
  type RecordOptions,
  type RecordSummary,
  TracerError,
  targetKind,
  targetPids,
  tracerError,
} from '../../../helper/src/protocol';
import { FakeDoor, type FakeMethods } from './fakeDoor';
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

interface Outcome {
  summary: RecordSummary | null;
  error: ErrorReport | null;
}

/** Whose recordings it pretends to make, and beside which it counts requests. */
const TRACER = 'cpu';
const HTTP = 'http';
const progressOf = ({ options, samples }: Running) => [
  { id: TRACER, unit: 'samples', count: samples, lost: 0 },
  ...(HTTP in options.tracers ? [{ id: HTTP, unit: 'requests', count: samples / 10, lost: 0 }] : []),
];
const TICK_MS = Number(process.env.FAKE_TICK_MS ?? 50);
const SAMPLES_A_TICK = 100;
const MOST_FREQUENCY_HZ = 4_999;
const behaviour = JSON.parse(process.env.FAKE_HELPER ?? '{}') as FakeBehaviour;
const argument = (name: string) => process.argv[process.argv.indexOf(name) + 1];
const folder = argument('--socket-dir');
const socketPath = join(folder, SOCKET_NAME);
const running = new Map<number, Running>();
const ended = new Map<number, Outcome>();
let nextId = 1;
let lingerTimer: NodeJS.Timeout | undefined;
let door: FakeDoor;

function main(): void {
  if (behaviour.startError) {
    console.log(JSON.stringify({ error: behaviour.startError }));
    process.exit(1);
  }
  door = new FakeDoor({
    socketPath,
    token: readFileSync(join(folder, TOKEN_NAME), 'utf8'),
    heartbeatTimeoutMs: process.argv.includes('--heartbeat-timeout') ? Number(argument('--heartbeat-timeout')) : 60_000,
    identity: {
      protocolVersion: behaviour.protocolVersion ?? PROTOCOL_VERSION,
      helperVersion: 'fake',
      pid: process.pid,
      uid: process.getuid?.() ?? 0,
      capabilities: [],
      tracers: [TRACER, HTTP],
    },
    methods,
    listening: () => console.log(JSON.stringify({ ready: true, pid: process.pid, socket: socketPath })),
    clientCame: () => clearTimeout(lingerTimer),
    // What it records is saved, as nobody may come back.
    clientGone: () => {
      for (const [id, one] of running) finish(id, one, 'stopped');
      lingerTimer = setTimeout(end, Number(argument('--linger')));
    },
  });
}

function end(): void {
  removeSocketFolder(folder);
  process.exit(0);
}

const methods: FakeMethods = {
  'process/list': () => listFakeProcesses(),
  'check/run': () => ({ kernel: 'fake', arch: process.arch, items: [], attach: [] }),
  'record/start': (params) => {
    const options = checkRecordOptions(params);
    if (behaviour.recordError) throw new TracerError(behaviour.recordError);
    checkTracers(options);
    checkTarget(options);
    checkOutput(options.output);
    const id = nextId++;
    const timer = setInterval(() => tick(id), TICK_MS);
    running.set(id, { options, samples: 0, checkpoints: 0, startedAtMs: Date.now(), timer });
    return { recordingId: id, attachedMs: 1 };
  },
  'record/stop': (params) => {
    const recordingId = checkRecordingId('record/stop', params);
    if (behaviour.silentStop) return new Promise(() => undefined);
    const one = running.get(recordingId);
    const outcome = one ? finish(recordingId, one, 'stopped') : ended.get(recordingId);
    if (!outcome) throw tracerError('NO_RECORDING', recordingId);
    if (outcome.error) throw new TracerError(outcome.error);
    if (!outcome.summary) throw tracerError('CANCELLED');
    return outcome.summary;
  },
  'record/abort': (params) => {
    const recordingId = checkRecordingId('record/abort', params);
    const one = running.get(recordingId);
    if (one) abort(recordingId, one);
    return null;
  },
  'record/list': () =>
    [...running].map(([recordingId, { options, samples, startedAtMs }]) => ({
      recordingId,
      target: options.target,
      tracers: Object.keys(options.tracers),
      title: options.title,
      output: options.output,
      startedAtMs,
      samples,
    })),
  shutdown: () => {
    door.close(end);
    return null;
  },
};

function checkTracers({ tracers, target }: RecordOptions): void {
  const ids = Object.keys(tracers);
  const unknown = ids.length === 0 ? '' : ids.find((id) => id !== TRACER && id !== HTTP);
  if (unknown !== undefined) throw tracerError('TRACER_UNKNOWN', unknown, `${TRACER}, ${HTTP}`);
  if (targetKind(target) !== 'processes') throw tracerError('TARGET_UNSUITABLE', TRACER, targetKind(target));
  const { frequencyHz, maxFrames = 1 } = checkShape<CpuOptions>(TRACER, tracers.cpu, {
    frequencyHz: isNumber,
    kernel: isBoolean,
    maxFrames: optional(isNumber),
  });
  const isOf = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most;
  if (!isOf(frequencyHz, MOST_FREQUENCY_HZ)) throw tracerError('FREQUENCY_INVALID', frequencyHz);
  if (!isOf(maxFrames, MAX_FRAMES_MOST)) throw tracerError('MAX_FRAMES_INVALID', maxFrames);
}

function checkTarget({ target, durationMs, debuginfodUrls = [] }: RecordOptions): void {
  if (durationMs !== null && durationMs <= 0) throw tracerError('DURATION_INVALID', `${durationMs}ms`);
  const wrong = debuginfodUrls.find((url) => !/^https?:/.test(url));
  if (wrong !== undefined) throw tracerError('DEBUGINFOD_URL_INVALID', wrong);
  for (const pid of targetPids(target)) {
    const problem = checkPid(pid);
    if (problem) throw new TracerError(problem);
    if ([...running.values()].some(({ options }) => targetPids(options.target).includes(pid)))
      throw tracerError('BUSY', pid);
  }
}

function checkOutput(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw tracerError('OUTPUT_NOT_WRITABLE', path, 'it is a folder');
  if (!existsSync(dirname(path))) throw tracerError('OUTPUT_NOT_WRITABLE', path, 'its folder does not exist');
  if (found && !readFileSync(path, 'utf8').includes('"ebpfTracer"')) throw tracerError('OUTPUT_EXISTS', path);
}

function tick(recordingId: number): void {
  const one = running.get(recordingId);
  if (!one) return;
  if (!behaviour.idle) one.samples += SAMPLES_A_TICK;
  one.checkpoints++;
  write(one, 'running');
  const elapsedMs = Date.now() - one.startedAtMs;
  const { samples, options } = one;
  door.say('record/progress', {
    recordingId,
    elapsedMs,
    samples,
    firstSampleMs: 1,
    health: fakeHealth(samples),
    tracers: progressOf(one),
  });
  if (samples > 0) door.say('record/checkpoint', { recordingId, output: options.output, samples });
  if (one.checkpoints === behaviour.pauseAfterCheckpoints) clearInterval(one.timer);
  if (one.checkpoints === behaviour.dieAfterCheckpoints) process.kill(process.pid, 'SIGKILL');
  const over = options.durationMs !== null && elapsedMs >= options.durationMs;
  if (over || one.checkpoints === behaviour.exitAfterCheckpoints) {
    const outcome = finish(recordingId, one, over ? 'duration' : 'exited');
    door.say('record/ended', { recordingId, ...outcome });
  }
}

function write({ options, samples }: Running, stopReason: RecordSummary['stopReason']): void {
  if (samples === 0) return;
  const { output, title, target } = options;
  const [pid = 0] = targetPids(target);
  const file = behaviour.sourceFile ?? '/src/fake.c';
  const recording = makeRecording({ file, samples, complete: stopReason !== 'running', stopReason, title, pid });
  // As long as the real one's, so that it can be changed in place.
  const text = JSON.stringify(recording).replace(
    '"complete":false,"stopReason":"running"',
    statusText(false, 'running'),
  );
  writeFileSync(`${output}.tmp`, text, { mode: 0o600 });
  renameSync(`${output}.tmp`, output);
}

function forget(id: number, one: Running): void {
  clearInterval(one.timer);
  running.delete(id);
}

/** What was last written stays. */
function abort(id: number, one: Running): void {
  forget(id, one);
  markIncomplete(one.options.output, 'stopped');
  ended.set(id, { summary: null, error: null });
}

function finish(id: number, one: Running, stopReason: RecordSummary['stopReason']): Outcome {
  forget(id, one);
  write(one, stopReason);
  const nothing = tracerError('NOTHING_RECORDED_IDLE', targetPids(one.options.target).join(', ')).report;
  const isEmpty = one.samples === 0;
  const outcome = { summary: isEmpty ? null : summaryOf(one, stopReason), error: isEmpty ? nothing : null };
  ended.set(id, outcome);
  return outcome;
}

function summaryOf(one: Running, stopReason: RecordSummary['stopReason']): RecordSummary {
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
    tracers: progressOf(one),
    stopReason,
    top: [],
  };
}

main();
