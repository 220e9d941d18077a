// Exporters: speedscope's own schema, folded stacks, pprof as `go tool pprof` reads it, plain JSON; and files that are
// put in place whole or not at all.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Ajv from 'ajv';
import { markIncomplete } from '../../src/client/recordingMark';
import { convert, parseFormat } from '../../src/export/formats';
import { checkOutput, writeAtomically } from '../../src/export/outputFile';
import { type RecordingHead, speedscopeText } from '../../src/export/speedscope';
import { parseRecording, type RecordingFile, TracerError } from '../../src/protocol';
import { StackCounts } from '../../src/stack/stackCounts';
import { cpuSample, frame } from './fakes/stacks';

const HEAD: RecordingHead = {
  tracerVersion: '0.0.0',
  title: 'say "hi"\n',
  pid: 42,
  command: './program; "stopReason":"running"',
  cwd: '/src',
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 1000,
  complete: true,
  stopReason: 'stopped',
  kernel: '6.1',
  arch: 'x64',
  attach: [],
  frequencyHz: 100,
  children: true,
  kernelStacks: true,
  lost: 0,
  firstSampleMs: 3,
  health: {
    samples: 0,
    lost: 0,
    truncated: {},
    ringFill: 0,
    helperCpuMs: 0,
    helperRssBytes: 0,
    bpfNs: null,
    badFiles: [],
  },
  errors: [],
};

function recording(head: Partial<RecordingHead> = {}): string {
  const profile = new StackCounts([{ id: 'cpu', unit: 'nanoseconds', period: 1e7 }]);
  const add = (stackId: bigint, frames: ReturnType<typeof frame>[], count: number, tid: number) => {
    const slot = profile.addStack({
      stackId,
      pid: 42,
      generation: 0,
      kernel: [],
      user: [],
      exact: [],
      truncated: null,
    });
    if (slot)
      profile.resolved(
        slot,
        frames.map((one) => [one]),
      );
    for (let i = 0; i < count; i++)
      profile.addSample(cpuSample({ stackId, timeNs: i, pid: 42, tid, threadName: tid === 42 ? 'main' : 'worker' }));
  };
  const main = frame('main', 12);
  add(1n, [frame('sixty', 21), main], 60, 42);
  add(2n, [frame('thirty;odd', 31), main], 30, 43);
  add(3n, [frame('do_syscall_64', null, { kind: 'kernel', module: '[kernel]' }), frame('main', 15)], 10, 42);
  const text = [...speedscopeText(profile.snapshot(), { ...HEAD, ...head })].join('');
  return text;
}

const TIMELINE = {
  name: 'requests',
  frames: [{ name: 'GET /', file: '/src/a.ts', line: 3 }, { name: '→ GET /' }],
  startNs: 1_500,
  samples: [[0], [0, 1], []],
  weightsNs: [5, 10, 15],
};

const parsed = (head: Partial<RecordingHead> = {}) => parseRecording(recording(head), 'test');

describe('exporters', () => {
  it('write what speedscope allows, by its own schema', () => {
    const schema = JSON.parse(
      readFileSync(resolve('node_modules/speedscope/dist/release/file-format-schema.json'), 'utf8'),
    );
    const validate = new Ajv({ strict: false }).compile(schema);
    assert.ok(validate(JSON.parse(recording())), JSON.stringify(validate.errors));
    assert.ok(validate(JSON.parse(recording({ timelines: [TIMELINE] }))), JSON.stringify(validate.errors));
  });

  it('put timelines of tracers behind the profiles of metrics, for speedscope alone', () => {
    const text = recording({ timelines: [TIMELINE, TIMELINE], beganNs: 1_000 });
    const { profiles, shared } = JSON.parse(text) as RecordingFile;
    const functions = parsed().shared.frames.length;
    const timelines = profiles.slice(3);
    assert.deepEqual(
      timelines.map(({ name, unit, startValue, endValue, samples, weights }) => [
        name,
        unit,
        startValue,
        endValue,
        samples,
        weights,
      ]),
      [0, 2].map((base) => [
        ...['requests', 'nanoseconds', 500, 530],
        [[functions + base], [functions + base, functions + base + 1], []],
        [5, 10, 15],
      ]),
    );
    assert.deepEqual(
      shared.frames.slice(functions).map(({ name }) => name),
      ['GET /', '→ GET /', 'GET /', '→ GET /'],
    );
    const file = parseRecording(text, 'test');
    assert.deepEqual(
      file.profiles.map(({ name }) => name),
      ['All threads', 'main (42)', 'worker (43)'],
    );
    const { frameDetails, metrics } = file.ebpfTracer!;
    assert.deepEqual([frameDetails.length, metrics[0].functionLines.length], [functions + 4, functions + 4]);
  });

  it('put all threads first, then each thread, over one table of functions', () => {
    const file = parsed();
    assert.deepEqual(
      file.profiles.map(({ name, endValue, samples }) => [name, endValue, samples.length]),
      [
        ['All threads', 1e9, 100],
        ['main (42)', 7e8, 70],
        ['worker (43)', 3e8, 30],
      ],
    );
    assert.deepEqual(
      file.shared.frames.find(({ name }) => name === 'main'),
      { name: 'main', file: '/src/program.c', line: 10 },
    );
    assert.equal(file.activeProfileIndex, 0);
    assert.equal(file.ebpfTracer?.title, HEAD.title);
  });

  it('carry lines, frame details and the call tree by line beside the profile', () => {
    const { ebpfTracer: extra, shared } = parsed();
    assert.ok(extra?.lineTree);
    assert.deepEqual(
      extra.metrics[0].lines.find(({ line }) => line === 12),
      { file: '/src/program.c', line: 12, self: 0, total: 90 },
    );
    const main = shared.frames.findIndex(({ name }) => name === 'main');
    assert.deepEqual(extra.frameDetails[main], { module: 'program', kind: 'user', origin: 'user' });
    assert.deepEqual(extra.metrics[0].functionLines[main], [
      [12, 0, 90],
      [15, 0, 10],
    ]);
    assert.equal(
      extra.metrics[0].treeSelf?.reduce((sum, count) => sum + count, 0),
      100,
    );
    assert.ok(extra.lineTree.parent.every((parent, node) => parent < node));
    assert.deepEqual(
      extra.threads.map(({ tid }, thread) => [tid, extra.metrics[0].threads[thread]]),
      [
        [42, 70],
        [43, 30],
      ],
    );
  });

  it('fold stacks, one line each', async () => {
    const lines = [...(await convert(parsed(), 'folded'))].join('').trim().split('\n').sort();
    assert.deepEqual(lines, ['main;main;do_syscall_64 10', 'main;main;sixty 60', 'worker;main;thirty:odd 30']);
  });

  it('list functions with counts and shares in plain JSON', async () => {
    const plain = JSON.parse([...(await convert(parsed(), 'json'))].join(''));
    assert.equal(plain.samples, 100);
    assert.deepEqual(plain.functions[0], {
      name: 'sixty',
      file: '/src/program.c',
      line: 20,
      self: 0.6,
      total: 0.6,
      selfSamples: 60,
      totalSamples: 60,
    });
  });

  it('write pprof that go tool pprof reads, by line', async function () {
    // Go builds its pprof when it is first asked for it.
    this.timeout(300_000);
    if (spawnSync('go', ['version']).status !== 0) {
      console.log('      skipped: there is no go on this machine');
      this.skip();
    }
    const dir = mkdtempSync(join(tmpdir(), 'ebpf-tracer-test-'));
    try {
      const path = join(dir, 'p.pb.gz');
      await writeAtomically(path, await convert(parsed(), 'pprof'));
      const run = (...args: string[]) =>
        execFileSync('go', ['tool', 'pprof', ...args, path], {
          encoding: 'utf8',
          env: { ...process.env, PPROF_TMPDIR: dir },
        });
      assert.match(run('-top', '-sample_index=samples'), /\b60\s+60(\.0+)?%\s+60(\.0+)?%\s+60\s+60(\.0+)?%\s+sixty/);
      assert.match(run('-top', '-lines'), /main \/src\/program\.c:12/);
      assert.match(run('-raw'), /\[kernel\]/);
      // The most samples begin and end in libraries, and its child has more than the program.
      await writeAtomically(path, await convert(parseRecording(withLibraries('./shop --port 80'), 'test'), 'pprof'));
      assert.match(run('-top'), /^File: shop\n/);
      // `python3` runs a file of another name: then it is the heaviest that is no library.
      await writeAtomically(path, await convert(parseRecording(withLibraries('start-it'), 'test'), 'pprof'));
      assert.match(run('-top'), /^File: child\n/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  /** A program `shop` that spends its time in the C library, started from there, and its child. */
  function withLibraries(command: string): string {
    const profile = new StackCounts([{ id: 'cpu', unit: 'nanoseconds', period: 1e7 }]);
    const libc = frame('__libc_start_main', null, { module: 'libc.so.6' });
    const add = (stackId: bigint, module: string, count: number) => {
      const stack = { stackId, pid: 42, generation: 0, kernel: [], user: [], exact: [], truncated: null };
      const frames = [frame('malloc', null, { module: 'libc.so.6' }), frame('main', 12, { module }), libc];
      profile.resolved(
        profile.addStack(stack)!,
        frames.map((one) => [one]),
      );
      for (let i = 0; i < count; i++)
        profile.addSample(cpuSample({ stackId, timeNs: i, pid: 42, tid: 42, threadName: 'main' }));
    };
    add(1n, 'shop', 3);
    add(2n, 'child', 7);
    return [...speedscopeText(profile.snapshot(), { ...HEAD, command })].join('');
  }

  /** Of 10 samples, 6 are in a function that was inlined twice and 4 in the same one, called. */
  function recordingWithInlines() {
    const profile = new StackCounts([{ id: 'cpu', unit: 'nanoseconds', period: 1e7 }]);
    const add = (stackId: bigint, byAddress: ReturnType<typeof frame>[][], count: number) => {
      profile.resolved(
        profile.addStack({ stackId, pid: 42, generation: 0, kernel: [], user: [], exact: [], truncated: null })!,
        byAddress,
      );
      for (let i = 0; i < count; i++)
        profile.addSample(cpuSample({ stackId, timeNs: i, pid: 42, tid: 42, threadName: 'main' }));
    };
    const full = { fullName: 'inner<int>(int)' };
    const inner = frame('inner', 61, { inlined: true, ...full });
    add(1n, [[inner, frame('middle', 71, { inlined: true }), frame('outer', 81)], [frame('main', 12)]], 6);
    add(2n, [[frame('inner', 62, full)], [frame('main', 13)]], 4);
    return parseRecording([...speedscopeText(profile.snapshot(), HEAD)].join(''), 'test');
  }

  it('say in names what was inlined', async () => {
    const file = recordingWithInlines();
    assert.deepEqual(
      [...(await convert(file, 'folded'))].sort().join(''),
      'main;main;inner 4\nmain;main;outer;middle (inlined);inner (inlined) 6\n',
    );
    const details = Object.fromEntries(
      file.shared.frames.map(({ name }, i) => {
        const { inlined, fullName } = file.ebpfTracer!.frameDetails[i];
        return [name, [inlined, fullName]];
      }),
    );
    assert.deepEqual(details, {
      main: [undefined, undefined],
      outer: [undefined, undefined],
      'middle (inlined)': [true, undefined],
      'inner (inlined)': [true, 'inner<int>(int)'],
      inner: [undefined, 'inner<int>(int)'],
    });
  });

  it('write what was inlined as lines of one location of pprof', async function () {
    this.timeout(300_000);
    if (spawnSync('go', ['version']).status !== 0) {
      console.log('      skipped: there is no go on this machine');
      this.skip();
    }
    const file = recordingWithInlines();
    const dir = mkdtempSync(join(tmpdir(), 'ebpf-tracer-test-'));
    try {
      const path = join(dir, 'p.pb.gz');
      await writeAtomically(path, await convert(file, 'pprof'));
      const run = (...args: string[]) =>
        execFileSync('go', ['tool', 'pprof', '-sample_index=samples', ...args, path], {
          encoding: 'utf8',
          env: { ...process.env, PPROF_TMPDIR: dir },
        });
      // One function, whether inlined or called.
      assert.match(run('-top'), /\b10 +100% +100% +10 +100% +inner \(partial-inline\)\n/);
      assert.match(run('-top'), /\b6 +60(\.0+)?% +middle \(inline\)\n/);
      // Of the three functions at that address, one location.
      const locations = run('-raw').split('Locations\n')[1].split('Mappings\n')[0];
      assert.match(
        locations,
        /^ +\d+: 0x0 M=1 inner \S+program\.c:61(?::0)? s=60\n +middle \S+program\.c:71(?::0)? s=70\n +outer \S+program\.c:81(?::0)? s=80$/m,
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('know their formats', () => {
    assert.equal(parseFormat('pprof'), 'pprof');
    assert.throws(() => parseFormat('perf'), isCode('FORMAT_INVALID'));
  });
});

describe('recording files', () => {
  const refused: [string, string, string][] = [
    ['text', 'hello', 'NOT_A_RECORDING'],
    ['other JSON', '{}', 'NOT_A_RECORDING'],
    ['null', 'null', 'NOT_A_RECORDING'],
    [
      'a frame out of range',
      '{"shared":{"frames":[]},"profiles":[{"type":"sampled","samples":[[1]],"weights":[1]}]}',
      'NOT_A_RECORDING',
    ],
    ['a newer format', '{"ebpfTracer":{"formatVersion":99}}', 'RECORDING_TOO_NEW'],
  ];
  for (const [what, text, code] of refused)
    it(`are refused when they are ${what}`, () => assert.throws(() => parseRecording(text, 'x'), isCode(code)));

  it("are read when they are another profiler's", async () => {
    const file = {
      shared: { frames: [{ name: 'a' }] },
      profiles: [{ type: 'sampled', name: 't', samples: [[0]], weights: [5] }],
    };
    const folded = [...(await convert(parseRecording(JSON.stringify(file), 'x'), 'folded'))].join('');
    assert.equal(folded, 't;a 5\n');
  });
});

describe('output file', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ebpf-tracer-test-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('is written whole, mode 0600, with nothing left beside it', async () => {
    const path = join(dir, 'a.json');
    writeFileSync(path, recording());
    await checkOutput(path);
    await writeAtomically(path, ['one ', Buffer.from('two')]);
    assert.equal(readFileSync(path, 'utf8'), 'one two');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(dir), ['a.json']);
  });

  it('keeps what stood there when writing fails', async () => {
    const path = join(dir, 'a.json');
    writeFileSync(path, 'before');
    const broken = (function* () {
      yield 'half';
      throw new Error('broken');
    })();
    await assert.rejects(writeAtomically(path, broken), /broken/);
    assert.equal(readFileSync(path, 'utf8'), 'before');
    assert.deepEqual(readdirSync(dir), ['a.json']);
  });

  it('never replaces what is not ours', async () => {
    const path = join(dir, 'thesis.txt');
    writeFileSync(path, 'years of work');
    await assert.rejects(checkOutput(path), isCode('OUTPUT_EXISTS'));
    const link = join(dir, 'link');
    symlinkSync(path, link);
    await assert.rejects(checkOutput(link), isCode('OUTPUT_EXISTS'));
    await assert.rejects(checkOutput(dir), isCode('OUTPUT_NOT_WRITABLE'));
    await assert.rejects(checkOutput(join(dir, 'no', 'such')), isCode('OUTPUT_NOT_WRITABLE'));
    await assert.rejects(checkOutput('/proc/x.json'), isCode('OUTPUT_NOT_WRITABLE'));
  });

  it('is found unwritable before recording', async function () {
    if (process.getuid?.() === 0) {
      console.log('      skipped: root may write everywhere');
      this.skip();
    }
    chmodSync(dir, 0o500);
    await assert.rejects(checkOutput(join(dir, 'a.json')), isCode('OUTPUT_NOT_WRITABLE'));
  });

  it('can be marked in place as incomplete, once', () => {
    const path = join(dir, 'a.json');
    writeFileSync(path, recording({ complete: false, stopReason: 'running' }));
    const before = statSync(path).size;
    assert.equal(markIncomplete(path, 'helperDied'), true);
    const file: RecordingFile = JSON.parse(readFileSync(path, 'utf8'));
    assert.equal(file.ebpfTracer?.stopReason, 'helperDied');
    assert.equal(file.ebpfTracer?.complete, false);
    assert.equal(file.ebpfTracer?.command, HEAD.command);
    assert.equal(statSync(path).size, before);
    assert.equal(markIncomplete(path, 'helperDied'), false);
    assert.equal(markIncomplete(join(dir, 'none'), 'helperDied'), false);
  });
});

function isCode(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof TracerError, String(error));
    assert.equal(error.report.code, code);
    return true;
  };
}
