// Files of other profilers: each reader's figures, lines and times; what we export comes back the same; a file of Node's own profiler; and
// what is damaged or means harm is refused in one sentence.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { convert, type Format } from '../../src/export/formats';
import { type FunctionFigures, figuresOf } from '../../src/figures/figures';
import { readAnyRecording, readForeign } from '../../src/import';
import { type RecordingFile, TracerError, timesMs } from '../../src/protocol';
import { CPU, madeRecording } from './fakes/programs';

const SRC = '/src/orders.cpp';
const main = { name: 'main', file: SRC, line: 90, start: 80 };
const parse = { name: 'parse', file: SRC, line: 12, start: 10 };
const made = () =>
  madeRecording([
    [[main, parse], 30],
    [[main, { ...parse, line: 14 }], 20],
    [[main, { name: 'memcmp', module: 'libc.so.6' }], 50],
  ]);

const read = (text: string | Uint8Array, path: string, warn?: (text: string) => void) =>
  readForeign(path, typeof text === 'string' ? Buffer.from(text) : text, warn);

function byName(file: RecordingFile): Record<string, Pick<FunctionFigures, 'self' | 'total' | 'lines' | 'file'>> {
  const { functions } = figuresOf(file);
  return Object.fromEntries(
    functions
      .filter(({ total }) => total > 0)
      .map(({ name, self, total, lines, file: path }) => [name, { self, total, lines, file: path }]),
  );
}

const exported = async (file: RecordingFile, format: Format) =>
  Buffer.concat([...(await convert(file, format))].map((piece) => Buffer.from(piece)));

/** One of each format, small. */
const CPU_PROFILE = JSON.stringify({
  nodes: [
    {
      id: 1,
      callFrame: { functionName: '(root)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 },
      children: [2, 4],
    },
    {
      id: 2,
      callFrame: { functionName: 'run', scriptId: '1', url: 'file:///app/a%20b.js', lineNumber: 4 },
      children: [3],
    },
    {
      id: 3,
      callFrame: { functionName: '', scriptId: '1', url: 'file:///app/a%20b.js', lineNumber: 9 },
      positionTicks: [
        { line: 11, ticks: 2 },
        { line: 12, ticks: 1 },
      ],
    },
    { id: 4, callFrame: { functionName: '(idle)', scriptId: '0', url: '', lineNumber: -1 } },
  ],
  startTime: 1_000_000,
  endTime: 1_005_000,
  samples: [3, 3, 4, 3, 2],
  timeDeltas: [1000, 1000, 1000, 1000, 1000],
});
const PERF = `# captured on: today
hot-c  4242/4243 [001]  10.000000000:    2004008 cpu-clock:pppH:
\tffffffff813600e2 handle_softirqs+0x72 ([kernel.kallsyms])
\t            1267 work(int (*)(long))+0x17 (/src/my (new)/hot-c)
  hot.c:15
\t            1115 helper (inlined)
  hot.c:40
\t            1110 main+0x95 (/src/my (new)/hot-c)
  hot.c:45

hot-c  4242/4243 [001]  10.500000000:    2004008 cpu-clock:pppH:
\t            1300 [unknown] (/usr/lib/libz.so.1.3)

`;
const FOLDED = 'main;parse 30\nmain;sys_read_[k] 5\n<module> (app.py:8);fib (app.py:3) 7\n';
const firefox = (version: number, tables: object, thread: object) =>
  JSON.stringify({
    meta: { preprocessedProfileVersion: version, interval: 2, startTime: 1.7e12, product: 'orders' },
    libs: [{ name: 'liborders.so', path: '/lib/liborders.so' }],
    ...tables,
    threads: [
      {
        name: 'main',
        pid: '7',
        tid: 7,
        samples: { stack: [1, 1, null, 0], time: [0, 2, 4, 6], weight: null, weightType: 'samples', length: 4 },
        ...thread,
      },
    ],
  });
const STRINGS = ['main', 'parse', 'orders.cpp', 'liborders.so'];
const FIREFOX_OLD = firefox(
  45,
  {},
  {
    stringArray: STRINGS,
    stackTable: { frame: [0, 1], prefix: [null, 0], length: 2 },
    frameTable: { func: [0, 1], line: [90, 12], length: 2 },
    funcTable: {
      name: [0, 1],
      fileName: [2, 2],
      resource: [0, -1],
      lineNumber: [80, 10],
      isJS: [false, false],
      length: 2,
    },
    resourceTable: { lib: [0], name: [3], type: [1], length: 1 },
  },
);
const FIREFOX_NEW = firefox(
  70,
  {
    shared: {
      stringArray: STRINGS,
      sources: { filename: [2], length: 1 },
      stackTable: { frame: [0, 1], prefixOffset: [0, 1], length: 2 },
      frameTable: { func: [0, 1], line: [90, 12], lib: [0, -1], length: 2 },
      funcTable: {
        name: [0, 1],
        source: [0, 0],
        resource: [0, -1],
        lineNumber: [80, 10],
        isJS: [false, false],
        length: 2,
      },
      resourceTable: { name: [3], type: [1], length: 1 },
    },
  },
  {},
);
const PY_SPY = JSON.stringify({
  $schema: 'https://www.speedscope.app/file-format-schema.json',
  exporter: 'py-spy@0.4.0',
  name: 'py-spy profile',
  shared: {
    frames: [
      { name: 'fib', file: 'app.py', line: 3 },
      { name: 'fib', file: 'app.py', line: 2 },
      { name: '<module>', file: 'app.py', line: 8 },
    ],
  },
  profiles: [
    {
      type: 'sampled',
      name: 'Thread 77 "main"',
      unit: 'seconds',
      startValue: 0,
      endValue: 0.04,
      samples: [
        [2, 0],
        [2, 1],
        [2, 0],
      ],
      weights: [0.01, 0.02, 0.01],
    },
  ],
});

describe('import', () => {
  it('of a .cpuprofile: lines by ticks, idle time left out, the interval as period', async () => {
    const warned: string[] = [];
    const file = await read(CPU_PROFILE, 'a.cpuprofile', (text) => warned.push(text));
    const { metrics, durationMs } = file.ebpfTracer!;
    assert.deepEqual([metrics[0].id, metrics[0].period, metrics[0].total, durationMs], ['cpu', 1e6, 4, 5]);
    const { run, '(anonymous)': inner } = byName(file);
    assert.deepEqual([run.self, run.total, run.file], [1, 4, '/app/a b.js']);
    assert.deepEqual(inner.lines, [
      { line: 11, self: 2, total: 2 },
      { line: 12, self: 1, total: 1 },
    ]);
    assert.deepEqual([...timesMs(metrics[0].timeline!)], [1, 2, 4, 5]);
    assert.match(warned[0], /1 of 5 samples were \(idle\)/);
  });

  it('of perf script: kernel, inlined and unknown frames, source lines, threads and times', async () => {
    const file = await read(PERF, 'perf.txt');
    const extra = file.ebpfTracer!;
    assert.deepEqual([extra.metrics[0].id, extra.metrics[0].period, extra.title], ['cpu', 2004008, 'hot-c']);
    assert.deepEqual(extra.threads, [{ pid: 4242, tid: 4243, name: 'hot-c' }]);
    const functions = byName(file);
    assert.deepEqual(functions['work(int (*)(long))'].lines, [{ line: 15, self: 0, total: 1 }]);
    assert.deepEqual(functions.helper.lines, [{ line: 40, self: 0, total: 1 }]);
    assert.equal(functions['[unknown in libz.so.1.3]'].self, 1);
    const kinds = Object.fromEntries(file.shared.frames.map(({ name }, i) => [name, extra.frameDetails[i].kind]));
    assert.equal(kinds.handle_softirqs, 'kernel');
    assert.deepEqual([...timesMs(extra.metrics[0].timeline!)], [0, 500]);
  });

  it('of folded stacks: annotations and places in names', async () => {
    const file = await read(FOLDED, 'x.folded');
    const functions = byName(file);
    assert.equal(file.ebpfTracer!.metrics[0].total, 42);
    assert.deepEqual([functions.main.total, functions.parse.self], [35, 30]);
    assert.deepEqual(functions.fib, { self: 7, total: 7, file: 'app.py', lines: [{ line: 3, self: 7, total: 7 }] });
    assert.equal(functions.sys_read.self, 5);
  });

  it("of py-spy's speedscope file: equal weights are samples, lines are executed lines", async () => {
    const file = await read(PY_SPY, 'p.json');
    const { metrics } = file.ebpfTracer!;
    assert.deepEqual(
      [metrics[0].unit, metrics[0].period, metrics[0].total, metrics[0].samples],
      ['nanoseconds', 1e7, 4, 4],
    );
    assert.deepEqual(byName(file).fib.lines, [
      { line: 2, self: 2, total: 2 },
      { line: 3, self: 2, total: 2 },
    ]);
  });

  it('of Firefox Profiler: tables of threads and shared ones', async () => {
    for (const text of [FIREFOX_OLD, FIREFOX_NEW]) {
      const file = await read(text, 'f.json');
      const extra = file.ebpfTracer!;
      assert.deepEqual([extra.metrics[0].total, extra.metrics[0].period, extra.title], [3, 2e6, 'orders']);
      const functions = byName(file);
      assert.deepEqual([functions.parse.self, functions.main.self, functions.main.total], [2, 1, 3]);
      assert.deepEqual(functions.parse.lines, [{ line: 12, self: 2, total: 2 }]);
      const index = file.shared.frames.findIndex(({ name }) => name === 'main');
      assert.equal(extra.frameDetails[index].module, 'liborders.so');
    }
  });

  it('gives back what was exported: functions, their lines, figures', async () => {
    const whole = byName(made());
    for (const format of ['pprof', 'firefox', 'cpuprofile', 'speedscope'] as const) {
      const back = await read(await exportedPlain(format), `x.${format}`);
      const functions = byName(back);
      assert.deepEqual(Object.keys(functions).sort(), Object.keys(whole).sort(), format);
      for (const [name, { self, total, lines }] of Object.entries(whole)) {
        assert.deepEqual([functions[name].self, functions[name].total], [self, total], `${format}: ${name}`);
        // A .cpuprofile has the lines of what was on top alone.
        if (format !== 'cpuprofile' || name === 'parse')
          assert.deepEqual(functions[name].lines, lines, `${format}: ${name}`);
      }
      assert.equal(back.ebpfTracer!.metrics[0].period, CPU.period, format);
    }
    const folded = await read(await exported(made(), 'folded'), 'x.folded');
    assert.equal(byName(folded).parse.self, 50);

    async function exportedPlain(format: Format): Promise<Uint8Array> {
      const bytes = await exported(made(), format);
      const { gunzipSync } = await import('node:zlib');
      return format === 'pprof' ? gunzipSync(bytes) : bytes;
    }
  });

  it('of what Node’s own profiler writes: the hot function and its line', async function () {
    this.timeout(60_000);
    const folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-import-'));
    try {
      const script = join(folder, 'busy.js');
      const source = [
        'function hot(n) {',
        '  let x = 0;',
        '  for (let i = 0; i < n; i++) x = (x * 31 + i) % 1000003;',
        '  return x;',
        '}',
      ];
      writeFileSync(
        script,
        [...source, 'const end = Date.now() + 1000;', 'while (Date.now() < end) hot(300000);', ''].join('\n'),
      );
      execFileSync(process.execPath, [
        '--cpu-prof',
        '--cpu-prof-dir',
        folder,
        '--cpu-prof-name',
        'busy.cpuprofile',
        script,
      ]);
      writeFileSync(join(folder, 'packed.cpuprofile.gz'), gzipSync(readFileSync(join(folder, 'busy.cpuprofile'))));
      for (const name of ['busy.cpuprofile', 'packed.cpuprofile.gz']) {
        const file = await readAnyRecording(join(folder, name));
        const { total } = figuresOf(file);
        const { hot } = byName(file);
        assert.ok(total > 20 && hot.self > 0.5 * total, `${hot.self} of ${total}`);
        assert.equal(hot.file, script);
        const hottest = hot.lines.reduce((best, line) => (line.self > best.self ? line : best));
        assert.equal(hottest.line, 3);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('says once why a file cannot be read', async () => {
    const sentence = async (text: string | Uint8Array, path: string) => {
      try {
        await read(text, path);
      } catch (error) {
        assert.ok(error instanceof TracerError, String((error as Error).stack));
        assert.equal(error.report.code, 'NOT_A_RECORDING');
        return error.report.message;
      }
      return 'read';
    };
    assert.match(await sentence('hello', 'notes.txt'), /in none of the formats .*V8 \.cpuprofile; .*perf script/);
    assert.match(await sentence('{"nodes":[', 'x.cpuprofile'), /not JSON, or cut off/);
    assert.match(await sentence('{"nodes":[{"id":1,"children":[1]}],"samples":[1]}', 'x.cpuprofile'), /in a circle/);
    assert.match(await sentence(CPU_PROFILE.replace('[3,3,4,3,2]', '[9]'), 'x.cpuprofile'), /a node that is not there/);
    assert.match(await sentence(firefox(99, {}, {}), 'f.json'), /version 99 of Firefox Profiler/);
    assert.match(
      await sentence(FIREFOX_NEW.replace('"func":[0,1]', '"func":[0]'), 'f.json'),
      /function that is not there/,
    );
    assert.match(await sentence(Buffer.alloc(5_000_000, 0xff), 'x.pprof'), /no profile of pprof/);
    assert.match(await sentence(Buffer.from([0x0a, 0x04, 0x08, 0x01, 0x10, 0x02]), 'x.pprof'), /no samples/);
    assert.match(await sentence('main;a 0\n', 'x.folded'), /no samples/);
    assert.match(await sentence(`${'a;'.repeat(10_001)}b 1\n`, 'x.folded'), /too deep/);
    const deep = JSON.stringify({
      nodes: Array.from({ length: 20_000 }, (_, i) => ({
        id: i,
        parent: i - 1,
        callFrame: { functionName: 'f', url: 'x' },
      })),
      samples: [19_999],
      timeDeltas: [1],
    });
    assert.match(await sentence(deep, 'x.cpuprofile'), /too deep/);
  });

  it('of damaged files is a recording or one sentence, whatever is damaged', async function () {
    this.timeout(120_000);
    const { gunzipSync } = await import('node:zlib');
    const sound: [string, Buffer][] = [
      ['a.cpuprofile', Buffer.from(CPU_PROFILE)],
      ['perf.txt', Buffer.from(PERF)],
      ['x.folded', Buffer.from(FOLDED)],
      ['f.json', Buffer.from(FIREFOX_OLD)],
      ['g.json', Buffer.from(FIREFOX_NEW)],
      ['p.speedscope.json', Buffer.from(PY_SPY)],
      ['x.pprof', gunzipSync(await exported(made(), 'pprof'))],
    ];
    let state = 20261201;
    const next = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const NUMBERS = ['-1', '1e308', '9007199254740993', '0.5', 'null', '[]', '{}', '"x"', 'true'];
    const counts = { read: 0, refused: 0 };
    for (const [path, bytes] of sound)
      for (let i = 0; i < 150; i++) {
        let damaged = Buffer.from(bytes);
        const at = next(damaged.length);
        const kind = next(4);
        if (kind === 0) damaged[at] = next(256);
        else if (kind === 1) damaged = damaged.subarray(0, at);
        else if (kind === 2) damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(next(damaged.length))]);
        else {
          // A number becomes something else.
          const places = [...damaged.toString('latin1').matchAll(/\d+/g)];
          const place = places[next(places.length)];
          const text = damaged.toString('latin1');
          damaged = Buffer.from(
            text.slice(0, place.index) + NUMBERS[next(NUMBERS.length)] + text.slice(place.index + place[0].length),
            'latin1',
          );
        }
        try {
          const file = await read(damaged, path);
          figuresOf(file);
          counts.read++;
        } catch (error) {
          assert.ok(error instanceof TracerError, `${path}, ${i}: ${(error as Error).stack}`);
          assert.match(error.report.message, /^[^\n]{10,600}\.$/);
          counts.refused++;
        }
      }
    assert.ok(counts.read > 100 && counts.refused > 100, JSON.stringify(counts));
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });
});
