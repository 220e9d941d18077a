// Speedscope files of other programs: every profile, unit and weight as the file has it, in any encoding, with odd events; and that
// stock speedscope counts the same for the same file.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { convert } from '../../src/export/formats';
import { readRecording } from '../../src/export/readRecording';
import { OddEvents, parseRecording, parseSpeedscope, type TracerError } from '../../src/protocol';

const FRAMES = [{ name: 'main', file: 'a.py', line: 1 }, { name: 'serve' }, { name: 'render' }, { name: 'query' }];
type Json = Record<string, unknown>;
const fileOf = (...profiles: Json[]) => JSON.stringify({ shared: { frames: FRAMES }, profiles });
const sampled = (unit: string, samples: number[][], weights: number[], name = 't') => ({
  type: 'sampled',
  name,
  unit,
  startValue: 0,
  endValue: 0,
  samples,
  weights,
});
const evented = (events: [string, number, number][], endValue = 100) => ({
  type: 'evented',
  name: 't',
  unit: 'milliseconds',
  startValue: 0,
  endValue,
  events: events.map(([type, frame, at]) => ({ type, frame, at })),
});

const folded = async (text: string) => [...(await convert(parseRecording(text, 'x'), 'folded'))].join('').split('\n');

describe("other programs' files", () => {
  it('keep every profile and the share of every weight, in whole numbers', async () => {
    const seconds = fileOf(
      sampled(
        'seconds',
        [
          [0, 1, 2],
          [0, 1],
          [0, 1, 2],
        ],
        [0.01, 0.07, 0.05],
        'Thread 1 (77)',
      ),
      sampled('seconds', [[0, 3]], [0.03], 'Thread 2'),
    );
    assert.deepEqual(await folded(seconds), [
      'Thread 1 (77);main;serve;render 60000',
      'Thread 1 (77);main;serve 70000',
      'Thread 2;main;query 30000',
      '',
    ]);
    // Less than a microsecond, bytes, plain numbers, fractions of them.
    assert.deepEqual(await folded(fileOf(sampled('nanoseconds', [[0], [1]], [1500, 1]))), [
      't;main 1500',
      't;serve 1',
      '',
    ]);
    assert.deepEqual(await folded(fileOf(sampled('bytes', [[0], [1]], [1500, 1]))), ['t;main 1500', 't;serve 1', '']);
    assert.deepEqual(await folded(fileOf(sampled('none', [[0], []], [7, 3]))), ['t;main 7', '']);
    assert.deepEqual(await folded(fileOf(sampled('none', [[0], [1]], [0.2, 0.3]))), [
      't;main 200000',
      't;serve 300000',
      '',
    ]);
  });

  it('become pprof profiles with a value for each measure, and nothing that they do not say', async () => {
    const text = fileOf(sampled('milliseconds', [[0, 1]], [2], 'cpu'), sampled('bytes', [[0, 3]], [4096], 'heap'));
    const [packed] = await convert(parseRecording(text, 'x'), 'pprof');
    const profile = Profile.decode(execFileSync('gunzip', { input: packed as Buffer }));
    const string = (index: number | bigint) => profile.stringTable.strings[Number(index)];
    assert.deepEqual(
      profile.sampleType.map(({ type, unit }) => `${string(type)}/${string(unit)}`),
      ['time/microseconds', 'space/bytes'],
    );
    assert.deepEqual(
      profile.sample.map(({ value }) => value.map(Number)),
      [
        [2000, 0],
        [0, 4096],
      ],
    );
    assert.deepEqual(
      profile.sample.map(({ label }) => `${string(label[0].key)} ${string(label[0].str)}`),
      ['profile cpu', 'profile heap'],
    );
    assert.deepEqual([Number(profile.period), profile.periodType], [0, undefined]);
  });

  it('become plain JSON by profile', async () => {
    const text = fileOf(
      sampled(
        'seconds',
        [
          [0, 1],
          [0, 1, 0],
        ],
        [0.5, 1.5],
        'a',
      ),
      sampled('bytes', [], [], 'b'),
    );
    const json = JSON.parse([...(await convert(parseRecording(text, 'x'), 'json'))].join(''));
    assert.deepEqual(Object.keys(json), ['title', 'exporter', 'profiles']);
    assert.deepEqual(json.profiles[0], {
      name: 'a',
      unit: 'seconds',
      weight: 2,
      functions: [
        { name: 'main', file: 'a.py', line: 1, self: 0.75, total: 1, selfWeight: 1.5, totalWeight: 2 },
        { name: 'serve', file: null, line: null, self: 0.25, total: 1, selfWeight: 0.5, totalWeight: 2 },
      ],
    });
    assert.deepEqual(json.profiles[1].functions, []);
  });

  it('may hold events: each stretch of time is one stack', () => {
    const good = evented([
      ['O', 0, 0],
      ['O', 1, 0],
      ['C', 1, 60],
      ['O', 2, 60],
      ['C', 2, 60],
      ['C', 0, 90],
    ]);
    const { file, oddEvents } = parseSpeedscope(fileOf(good));
    assert.equal(oddEvents, 0);
    assert.deepEqual(
      [file.profiles[0].samples, file.profiles[0].weights],
      [
        [[0, 1], [0]],
        [60, 30],
      ],
    );
  });

  const odd: [string, Json, number[][], number[], number][] = [
    [
      'close what was never opened',
      evented([
        ['O', 0, 0],
        ['O', 1, 0],
        ['C', 2, 50],
        ['C', 1, 60],
        ['C', 0, 100],
      ]),
      [[0, 1], [0, 1], [0]],
      [50, 10, 40],
      1,
    ],
    [
      'never close',
      evented([
        ['O', 0, 0],
        ['O', 1, 0],
        ['C', 1, 60],
      ]),
      [[0, 1], [0]],
      [60, 40],
      1,
    ],
    [
      'close in another order',
      evented([
        ['O', 0, 0],
        ['O', 1, 10],
        ['C', 0, 40],
        ['C', 1, 50],
      ]),
      [[0], [0, 1], [1]],
      [10, 30, 10],
      1,
    ],
    [
      'go back in time',
      evented([
        ['O', 0, 50],
        ['O', 1, 20],
        ['C', 1, 60],
        ['C', 0, 60],
      ]),
      [[], [0, 1]],
      [50, 10],
      1,
    ],
  ];
  for (const [what, profile, samples, weights, count] of odd)
    it(`are read when their events ${what}, and say so`, () => {
      const text = fileOf(profile);
      assert.throws(
        () => parseSpeedscope(text),
        (error) => error instanceof OddEvents && error.count === count,
      );
      const said: string[] = [];
      const { profiles } = parseRecording(text, 'x', (one) => said.push(one));
      assert.deepEqual([profiles[0].samples, profiles[0].weights], [samples, weights]);
      assert.match(said.join(), /^x: events in it do not fit each other \(1\)/);
    });

  it('are refused in one sentence where they are none', () => {
    const bad: [string, RegExp][] = [
      ['', /it is empty/],
      ['{"shared":', /it is not JSON, or cut off/],
      ['{"nodes":[],"samples":[]}', /no frames and profiles in speedscope's format/],
      [fileOf({ type: 'other' }), /neither sampled nor evented/],
      [fileOf(sampled('none', [[0]], [])), /do not match/],
      [fileOf(sampled('none', [[9]], [1])), /a frame that is not there/],
      [fileOf(sampled('none', [[0]], [-1])), /no number from 0 on/],
      [fileOf(evented([['O', 9, 0]])), /an event names a frame/],
      [fileOf(evented([['X', 0, 0]])), /no type or time/],
      [fileOf({ ...evented([]), events: [null] }), /no type or time/],
      [JSON.stringify({ shared: { frames: FRAMES }, profiles: [], ebpfTracer: {} }), /ebpfTracer/],
      [JSON.stringify({ shared: { frames: FRAMES }, profiles: [null] }), /neither sampled nor evented/],
    ];
    for (const [text, why] of bad) assert.throws(() => parseRecording(text, 'x'), why, text);
  });
});

describe('the bytes of a recording file', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'foreign-'));
  });
  after(() => rmSync(dir, { recursive: true }));
  const text = fileOf(sampled('none', [[0]], [5], 'Fäden'));
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  const written = (name: string, bytes: Buffer | string) => {
    const path = join(dir, name);
    writeFileSync(path, bytes);
    return path;
  };
  const codeOf = async (path: string) =>
    readRecording(path).then(
      () => 'read',
      (error: TracerError) => error.report.code,
    );

  const forms: [string, Buffer][] = [
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16, little end first', utf16],
    ['UTF-16, big end first', Buffer.from(utf16).swap16()],
    ['gzip', gzipSync(text)],
    ['gzip of UTF-16', gzipSync(utf16)],
  ];
  for (const [form, bytes] of forms)
    it(`are read as ${form}`, async () => {
      assert.equal((await readRecording(written('x.json', bytes))).profiles[0].name, 'Fäden');
    });

  it('are not read where they are no regular file, damaged, or too many', async () => {
    const large = written('large', '');
    truncateSync(large, 2 ** 29);
    assert.equal(await codeOf(large), 'RECORDING_TOO_LARGE');
    const fifo = join(dir, 'fifo');
    execFileSync('mkfifo', [fifo]);
    assert.equal(await codeOf(fifo), 'NOT_A_RECORDING');
    assert.equal(await codeOf(dir), 'NOT_A_RECORDING');
    assert.equal(await codeOf(join(dir, 'none')), 'NOT_A_RECORDING');
    assert.equal(await codeOf(written('cut', gzipSync(text).subarray(0, 40))), 'NOT_A_RECORDING');
  });
});
