// A recording from start to file, on a fake capture and symbolizer: progress, checkpoints, every way to end, every reason
// for an empty one.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readStat } from '../../src/client/processStat';
import type { Tracer } from '../../src/engine/tracer';
import { FileStore } from '../../src/process/fileStore';
import type { ProcessRecord } from '../../src/process/types';
import type { HelperNoteMethod, HelperNotes, RecordingFile, RecordOptions } from '../../src/protocol';
import { type CpuOptions, TracerError, targetPids } from '../../src/protocol';
import type { RecordingParts } from '../../src/recording/parts';
import { Recordings } from '../../src/recording/recordings';
import { whyNoSamples } from '../../src/stack/sources/cpuEmpty';
import { TRACERS } from '../../src/tracers';
import { cpuSample, FakeCapture, FakeSymbolizer, frame, ofGoroutine } from './fakes/stacks';

const TABLE = { 1: [frame('main', 12)], 2: [frame('sixty', 21)], [-1]: [frame('sys_read', null, { kind: 'kernel' })] };

/** What the tests ask for, of one process by the tracer of CPU time. */
type Asked = RecordOptions & CpuOptions & { pid: number; startAtExec: boolean };

describe('a recording', function () {
  this.timeout(20_000);
  let dir: string;
  let target: ChildProcess;
  let captures: FakeCapture[];
  let symbolizer: FakeSymbolizer;
  let files: FileStore;
  let parts: RecordingParts;
  let recordings: Recordings;
  let notes: { [M in HelperNoteMethod]?: HelperNotes[M][] };
  const notify = <M extends HelperNoteMethod>(method: M, params: HelperNotes[M]) => {
    const list = (notes[method] ?? []) as HelperNotes[M][];
    list.push(params);
    (notes as Record<string, unknown>)[method] = list;
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ebpf-tracer-test-'));
    target = spawn('sleep', ['60']);
    captures = [];
    notes = {};
    symbolizer = new FakeSymbolizer({ ...TABLE });
    files = new FileStore();
    parts = {
      tracers: TRACERS,
      served: ['cpu'],
      startCapture: async (options, sink) => {
        const capture = new FakeCapture(options, sink);
        captures.push(capture);
        return capture;
      },
      symbolizer,
      files,
      log: () => {},
      callerUid: process.getuid!(),
      rights: { groups: process.getgroups!(), capabilities: 0n, ownsNamespace: () => false },
      anyUser: false,
      peerUid: () => process.getuid!(),
      readBpfNs: () => null,
    };
    recordings = new Recordings(parts);
  });
  afterEach(async () => {
    await recordings.closeAll();
    await files.close();
    target.kill('SIGKILL');
    rmSync(dir, { recursive: true });
  });

  const options = ({
    pid = target.pid!,
    startAtExec = false,
    frequencyHz = 99,
    maxFrames,
    ...more
  }: Partial<Asked> = {}): RecordOptions => ({
    target: { pids: [pid], children: true, startAtExec },
    tracers: { cpu: { frequencyHz, kernel: true, maxFrames } },
    durationMs: null,
    output: join(dir, 'out.speedscope.json'),
    title: 'sleep',
    anyUser: false,
    without: [],
    ...more,
  });
  const file = (): RecordingFile => JSON.parse(readFileSync(join(dir, 'out.speedscope.json'), 'utf8'));
  const start = async (more: Partial<Asked> = {}) => {
    const { recordingId } = await recordings.start(options(more), notify);
    return { recordingId, capture: captures[captures.length - 1] };
  };

  it('is stopped by request, with its file complete', async () => {
    const { recordingId, capture } = await start();
    capture.hit([2, 1], 6);
    capture.hit([-1, 1], 4);
    assert.equal(recordings.list()[0].samples, 10);
    const summary = await recordings.stop(recordingId);
    assert.ok(capture.stopped);
    assert.deepEqual(
      [summary.samples, summary.wholeStacks, summary.frames, summary.stopReason],
      [10, 10, 20, 'stopped'],
    );
    const sixty = { name: 'sixty', file: '/src/program.c', line: 20, origin: 'user', self: 0.6, total: 0.6 };
    assert.deepEqual(summary.top[0], sixty);
    assert.ok(!('goroutines' in summary), 'this is no Go program');
    const { ebpfTracer: extra } = file();
    assert.equal(extra?.complete, true);
    assert.equal(extra?.stopReason, 'stopped');
    assert.equal(extra?.command, 'sleep 60');
    assert.ok(!notes['record/ended']);
    assert.ok(capture.options.processes.isEmpty);
    assert.deepEqual(recordings.list(), []);
  });

  it('sums up the goroutines of a Go program', async () => {
    const { recordingId, capture } = await start();
    for (const goroutine of [17, 17, 17, 21, 0])
      capture.sample(
        cpuSample({ stackId: 1n, timeNs: 1, pid: 42, tid: 42, label: ofGoroutine(goroutine), threadName: 'main' }),
      );
    const { goroutines } = await recordings.stop(recordingId);
    assert.deepEqual(goroutines, { seen: 2, busiest: { pid: 42, id: 17, share: 0.6 } });
  });

  it('tells the symbolizer where the user wants debug files to be looked for', async () => {
    await start({ debugFileDirectories: ['/opt/debug'], debuginfodUrls: ['http://127.0.0.1:8002'] });
    assert.equal(symbolizer.calls[0], 'debug /opt/debug http://127.0.0.1:8002');
  });

  it('writes a valid, incomplete file while it goes on', async () => {
    const { capture } = await start();
    capture.hit([2, 1], 3);
    await until(() => notes['record/checkpoint']?.length);
    assert.equal(file().ebpfTracer?.complete, false);
    assert.equal(file().ebpfTracer?.stopReason, 'running');
    assert.equal(file().ebpfTracer?.metrics[0].samples, 3);
    assert.ok(notes['record/progress']?.[0].firstSampleMs !== null);
  });

  it('rewrites the file while somebody watches', async () => {
    const { recordingId, capture } = await start();
    capture.hit([2, 1], 1);
    recordings.watch(recordingId, true);
    await until(() => notes['record/checkpoint']?.length);
    capture.hit([2, 1], 1);
    await until(() => (notes['record/checkpoint']?.length ?? 0) > 1);
    assert.equal(file().ebpfTracer?.metrics[0].samples, 2);
  });

  it('ends after its duration and says so', async () => {
    const { capture } = await start({ durationMs: 50 });
    capture.hit([2, 1]);
    await until(() => notes['record/ended']);
    assert.equal(notes['record/ended']?.[0].summary?.stopReason, 'duration');
    assert.equal(notes['record/ended']?.[0].error, null);
    assert.equal(file().ebpfTracer?.complete, true);
  });

  it('ends when the capture sees the target exit', async () => {
    const { recordingId, capture } = await start();
    capture.hit([2, 1]);
    capture.process({ kind: 'exit', timeNs: 0, pid: target.pid! });
    await until(() => notes['record/ended']);
    assert.equal(notes['record/ended']?.[0].summary?.stopReason, 'exited');
    // A stop that crosses the news gets the same outcome.
    assert.equal((await recordings.stop(recordingId)).stopReason, 'exited');
  });

  it('ends when the target is gone although nobody said so', async () => {
    const { capture } = await start();
    capture.hit([2, 1]);
    target.kill('SIGKILL');
    await once(target, 'exit');
    await until(() => notes['record/ended']);
    assert.equal(notes['record/ended']?.[0].summary?.stopReason, 'exited');
  });

  it('keeps what it has when the capture breaks', async () => {
    const { capture } = await start();
    capture.hit([2, 1], 2);
    capture.sink.failed(new Error('the ring broke'));
    await until(() => notes['record/ended']);
    const ended = notes['record/ended']?.[0];
    assert.equal(ended?.error?.code, 'INTERNAL');
    assert.equal(ended?.summary?.samples, 2);
    assert.equal(file().ebpfTracer?.complete, false);
    assert.equal(file().ebpfTracer?.errors[0].code, 'INTERNAL');
  });

  it('waits for the names of the last stacks', async () => {
    let open: () => void = () => {};
    symbolizer.gate = new Promise((resolve) => {
      open = resolve;
    });
    const { recordingId, capture } = await start();
    capture.hit([2, 1], 2);
    const stopped = recordings.stop(recordingId);
    setImmediate(open);
    assert.equal((await stopped).top[0].name, 'sixty');
  });

  it('is aborted without waiting for anything', async () => {
    symbolizer.gate = new Promise(() => {});
    const { recordingId, capture } = await start();
    capture.hit([2, 1], 2);
    await recordings.abort(recordingId);
    assert.ok(capture.stopped);
    assert.equal(existsSync(join(dir, 'out.speedscope.json')), false);
  });

  it('counts a held command from its exec', async () => {
    const { capture } = await start({ startAtExec: true, durationMs: 60 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(!('record/ended' in notes));
    capture.process({ kind: 'exec', timeNs: 0, pid: target.pid!, name: 'sleep' });
    capture.hit([1]);
    await until(() => notes['record/ended']);
    assert.equal(notes['record/ended']?.[0].summary?.stopReason, 'duration');
  });

  it('follows the processes that appear, and lets go of each', async () => {
    const { recordingId, capture } = await start();
    const pid = target.pid!;
    capture.process({ kind: 'fork', timeNs: 1, pid: 900_001, parentPid: pid });
    capture.process({ kind: 'exec', timeNs: 2, pid: 900_001, name: 'x' });
    capture.hit([2, 1], 1, { pid: 900_001, name: 'x' });
    capture.process({ kind: 'exit', timeNs: 3, pid: 900_001 });
    capture.hit([1]);
    const summary = await recordings.stop(recordingId);
    assert.equal(summary.samples, 2);
    assert.deepEqual(
      file().profiles.map(({ name }) => name),
      ['All threads', 'x (900001/900001)', `main (${pid}/${pid})`],
    );
  });

  it('renews the identity of stacks when a perf map grew', async () => {
    const { capture } = await start();
    capture.options.processes.takeRenamed = () => [target.pid!];
    await until(() => capture.bumped.length);
    assert.equal(capture.bumped[0], target.pid);
  });

  const namesAndWeights = () => {
    const { shared, profiles } = file();
    const { samples, weights } = profiles[0];
    const by = new Map<string, number>();
    samples.forEach((stack, i) => {
      const key = stack.map((one) => shared.frames[one].name).join(';');
      by.set(key, (by.get(key) ?? 0) + Math.round(weights[i] / (1e9 / 99)));
    });
    return Object.fromEntries(by);
  };
  const unnamed = [frame('[anon]', null, { module: '[anon]', kind: 'unknown', symbolized: false })];

  it('asks again about generated code without a name, when its names change and when its process ends', async () => {
    symbolizer.table[3] = unnamed;
    symbolizer.table[4] = unnamed;
    const { capture } = await start();
    capture.hit([3, 1], 5);
    capture.hit([4, 1], 2);
    capture.hit([2, 1], 1);
    await until(() => notes['record/checkpoint']?.length);
    assert.deepEqual(namesAndWeights(), { 'main;[anon]': 7, 'main;sixty': 1 });
    symbolizer.table[3] = [frame('named late')];
    const { processes } = capture.options;
    processes.takeRenamed = () => [target.pid!];
    await until(() => capture.bumped.length);
    processes.takeRenamed = () => [];
    capture.hit([3, 1], 1);
    symbolizer.table[4] = [frame('named at the end')];
    capture.sink.process({ kind: 'exit', timeNs: 0, pid: target.pid! });
    await until(() => notes['record/ended']?.length);
    assert.deepEqual(namesAndWeights(), { 'main;named late': 6, 'main;named at the end': 2, 'main;sixty': 1 });
  });

  it('asks again where the answer was under way while the process ended', async () => {
    let answers = 0;
    Object.defineProperty(symbolizer.table, 3, {
      get: () => (answers++ === 0 ? unnamed : [frame('left at its end')]),
    });
    let open = () => {};
    symbolizer.gate = new Promise((resolve) => {
      open = resolve;
    });
    const { capture } = await start();
    capture.hit([3, 1], 5);
    capture.sink.process({ kind: 'exit', timeNs: 0, pid: target.pid! });
    open();
    await until(() => notes['record/ended']?.length);
    assert.deepEqual(namesAndWeights(), { 'main;left at its end': 5 });
  });

  it('keeps generated code without a name where its process went on as another program', async () => {
    symbolizer.table[3] = unnamed;
    const { recordingId, capture } = await start();
    capture.hit([3, 1], 5);
    await new Promise(setImmediate);
    capture.sink.process({ kind: 'exec', timeNs: 0, pid: target.pid!, name: 'other' });
    symbolizer.table[3] = [frame('of the other program')];
    await recordings.stop(recordingId);
    assert.deepEqual(namesAndWeights(), { 'main;[anon]': 5 });
  });

  it('is of tracers that exist, that can record its target and that the helper has kept the rights for', async () => {
    const other: Tracer = { ...TRACERS[0], id: 'other' };
    const more = new Recordings({ ...parts, tracers: [...TRACERS, other] });
    const cpu = { frequencyHz: 99, kernel: true };
    const ask = (wanted: Partial<RecordOptions>) => more.start({ ...options(), ...wanted }, notify);
    await assert.rejects(ask({ tracers: { cpu, of: {} } }), (error: TracerError) => {
      assert.equal(error.report.code, 'TRACER_UNKNOWN');
      assert.match(error.report.fix, /cpu, .*other/);
      return true;
    });
    for (const [wanted, code] of [
      [{ tracers: {} }, 'TRACER_UNKNOWN'],
      [{ tracers: JSON.parse('{"__proto__": {}}') }, 'TRACER_UNKNOWN'],
      [{ tracers: { cpu: null } }, 'USAGE'],
      [{ tracers: { cpu: { frequencyHz: '99', kernel: true } } }, 'USAGE'],
      [{ tracers: { other: cpu } }, 'TRACER_NOT_SERVED'],
      [{ target: { interface: 'lo' } }, 'TARGET_UNSUITABLE'],
      [{ target: { pids: [target.pid!, process.ppid], children: true, startAtExec: true } }, 'USAGE'],
    ] as const)
      await assert.rejects(ask(wanted as Partial<RecordOptions>), isCode(code), JSON.stringify(wanted));
    assert.equal(captures.length, 0);
  });

  it('of several processes ends with the last of them', async () => {
    const second = spawn('sleep', ['60']);
    try {
      const pids = [target.pid!, second.pid!, target.pid!];
      const { capture } = await start({ target: { pids, children: false, startAtExec: false } });
      assert.deepEqual(targetPids(capture.options.target), [target.pid, second.pid]);
      capture.hit([2, 1], 3);
      capture.process({ kind: 'exit', timeNs: 0, pid: target.pid! });
      await new Promise(setImmediate);
      assert.equal(recordings.list().length, 1);
      capture.process({ kind: 'exit', timeNs: 0, pid: second.pid! });
      await until(() => notes['record/ended']);
      assert.equal(notes['record/ended']?.[0].summary?.stopReason, 'exited');
    } finally {
      second.kill('SIGKILL');
    }
  });

  it('is refused before anything is attached', async () => {
    const foreign = join(dir, 'thesis');
    writeFileSync(foreign, 'years of work');
    const cases: [Partial<Asked>, string][] = [
      [{ pid: 0 }, 'PID_INVALID'],
      [{ pid: -1 }, 'PID_INVALID'],
      [{ pid: 2 ** 22 - 1 }, 'PID_GONE'],
      [{ pid: process.pid }, 'PID_SELF'],
      [{ frequencyHz: 0 }, 'FREQUENCY_INVALID'],
      [{ frequencyHz: 5000 }, 'FREQUENCY_INVALID'],
      [{ maxFrames: 1024 }, 'MAX_FRAMES_INVALID'],
      [{ durationMs: 0 }, 'DURATION_INVALID'],
      [{ debuginfodUrls: ['https://a', 'file:///etc'] }, 'DEBUGINFOD_URL_INVALID'],
      [{ output: foreign }, 'OUTPUT_EXISTS'],
      [{ output: '/nowhere/x' }, 'OUTPUT_NOT_WRITABLE'],
    ];
    for (const [more, code] of cases) await assert.rejects(recordings.start(options(more), notify), isCode(code), code);
    assert.equal(captures.length, 0);
    assert.deepEqual(recordings.list(), []);
  });

  it('leaves nothing where attaching fails after samples came, not even their file', async () => {
    const output = join(dir, 'out.speedscope.json');
    const failing = new Recordings({
      ...parts,
      startCapture: async (wanted, sink) => {
        const capture = new FakeCapture(wanted, sink);
        capture.hit([1], 3);
        for (const since = Date.now(); !existsSync(output) && Date.now() - since < 10_000; ) await delay(20);
        assert.ok(existsSync(output), 'the first version is written while it attaches');
        capture.hit([1], 3);
        throw new Error('no event would open');
      },
    });
    await assert.rejects(failing.start(options(), notify), /no event would open/);
    assert.deepEqual(readdirSync(dir), []);
    assert.deepEqual(failing.list(), []);
    // Longer than the writer waits between two early versions.
    await delay(2_500);
    assert.deepEqual(readdirSync(dir), []);
    const { recordingId, capture } = await start();
    capture.hit([1]);
    await recordings.stop(recordingId);
  });

  it('leaves nothing where the target ended while attaching failed', async () => {
    const failing = new Recordings({
      ...parts,
      startCapture: async (wanted, sink) => {
        // As of a real capture, records come after the call returned.
        await delay(1);
        new FakeCapture(wanted, sink).hit([1], 3);
        sink.process({ kind: 'exit', pid: targetPids(wanted.target)[0], parentPid: 1, timeNs: 0 } as ProcessRecord);
        await delay(20);
        throw new Error('no event would open');
      },
    });
    await assert.rejects(failing.start(options(), notify), /no event would open/);
    await delay(100);
    assert.deepEqual(readdirSync(dir), []);
    const { recordingId, capture } = await start();
    capture.hit([1]);
    await recordings.stop(recordingId);
  });

  it('is refused where the pid went to another process between the check and the attaching', async () => {
    const reused = new Recordings({
      ...parts,
      readStat: (pid) => {
        const stat = readStat(pid);
        return stat && { ...stat, startTicks: stat.startTicks + 1 };
      },
    });
    await assert.rejects(reused.start(options(), notify), isCode('PID_GONE'));
    assert.ok(captures[0].stopped);
    assert.deepEqual(readdirSync(dir), []);
  });

  it('is the only one of its process', async () => {
    const { recordingId, capture } = await start();
    await assert.rejects(recordings.start(options(), notify), isCode('BUSY'));
    capture.hit([1]);
    await recordings.stop(recordingId);
    const again = await start();
    again.capture.hit([1]);
    await recordings.stop(again.recordingId);
  });

  it('says that the target was idle when there is nothing', async () => {
    const { recordingId } = await start();
    await assert.rejects(recordings.stop(recordingId), isCode('NOTHING_RECORDED_IDLE'));
    assert.equal(existsSync(join(dir, 'out.speedscope.json')), false);
  });

  it('knows no recording that never was', async () => {
    await assert.rejects(recordings.stop(77), isCode('NO_RECORDING'));
  });
});

describe('an empty recording of CPU time', () => {
  const spent = (user: number, kernel = 0, children = 0) => ({ user, kernel, children });
  const processes = { pids: [7], children: true, startAtExec: false };
  const facts = {
    target: processes,
    kernel: true,
    counters: { taken: 0, lost: 0, refused: { processes: 0, samples: 0 } },
    exited: false,
    spentMs: spent(0),
  };
  const { counters } = facts;
  const cases: [string, Partial<typeof facts>, string][] = [
    ['idle', {}, 'NOTHING_RECORDED_IDLE'],
    ['gone', { exited: true }, 'NOTHING_RECORDED_EXITED'],
    ['lost', { counters: { ...counters, lost: 5 } }, 'NOTHING_RECORDED_LOST'],
    [
      "of another user's rights",
      { counters: { ...counters, refused: { processes: 0, samples: 5 } } },
      'NOTHING_RECORDED_REFUSED',
    ],
    ['taken but not arrived', { counters: { ...counters, taken: 5 } }, 'NOTHING_RECORDED_LOST'],
    ['all in the kernel', { kernel: false, spentMs: spent(0, 4000) }, 'NOTHING_RECORDED_FILTERED'],
    [
      'all in children',
      { target: { ...processes, children: false }, spentMs: spent(0, 0, 4000) },
      'NOTHING_RECORDED_FILTERED',
    ],
    ['where the events do not reach', { spentMs: spent(4000) }, 'NOTHING_RECORDED_UNSEEN'],
    [
      'a short command',
      { target: { ...processes, startAtExec: true }, exited: true, spentMs: spent(10) },
      'NOTHING_RECORDED_SHORT',
    ],
  ];
  for (const [what, more, code] of cases)
    it(`says so when it was ${what}`, () => {
      const { kernel, ...rest } = { ...facts, ...more };
      assert.equal(whyNoSamples({ frequencyHz: 100, kernel }, rest).code, code);
    });
});

async function until(condition: () => unknown, deadlineMs = 10_000): Promise<void> {
  for (const end = Date.now() + deadlineMs; !condition(); ) {
    assert.ok(Date.now() < end, 'waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function isCode(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof TracerError, String(error));
    assert.equal(error.report.code, code);
    return true;
  };
}
