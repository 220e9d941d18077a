// Comparisons: intervals against statsmodels and against simulations of equal and unequal programs, functions and lines across builds,
// what is noise, what fails a build, and several recordings of one program.
import assert from 'node:assert/strict';
import { changesRecording } from '../../src/compare/changesRecording';
import { compareRecordings, type FunctionChange, functionsAbove } from '../../src/compare/compare';
import { compareText } from '../../src/compare/compareText';
import { type Change, changeOfRate, changeOfShare, dispersionOf } from '../../src/compare/intervals';
import type { Normalization } from '../../src/compare/side';
import { changesOf, parseRecording, TracerError } from '../../src/protocol';
import { CPU, type MadeFrame, madeRecording } from './fakes/programs';

/** The same numbers in each run (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Of `n` draws, by their gaps: as many steps as there are successes, so that large ones are quick, too. */
function binomial(n: number, share: number, random: () => number): number {
  if (share > 0.5) return n - binomial(n, 1 - share, random);
  let count = 0;
  for (
    let at = Math.log(1 - random()) / Math.log(1 - share);
    at < n;
    at += 1 + Math.log(1 - random()) / Math.log(1 - share)
  ) {
    at = Math.floor(at);
    if (at < n) count++;
  }
  return count;
}

function poisson(mean: number, random: () => number): number {
  let count = -1;
  for (let left = mean; left >= 0; count++) left += Math.log(1 - random());
  return count;
}

const isNoise = ({ low, high }: Change) => low <= 0 && high >= 0;

const SRC = '/home/a/src/orders.cpp';
const main: MadeFrame = { name: 'main', file: SRC, line: 90, start: 80 };
const at = (name: string, line: number, start: number, file = SRC): MadeFrame => ({ name, line, start, file });
const one = (functions: readonly FunctionChange[], name: string) => {
  const found = functions.find((row) => row.name === name);
  assert.ok(found, `${name} of ${functions.map((row) => row.name)}`);
  return found;
};
const codeOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    if (error instanceof TracerError) return error.report.code;
    throw error;
  }
  return null;
};

describe('intervals of a change', () => {
  it('are those of statsmodels', () => {
    // confint_proportions_2indep(b, ofB, a, ofA, compare='ratio', method='score', correction=False), statsmodels 0.14
    const cases = [
      [60, 100, 40, 100, 0.495812424, 0.884283815],
      [30, 5940, 55, 6100, 1.150038821, 2.771823372],
      [3564, 5940, 4000, 6000, 1.081116147, 1.142050373],
      [5, 1000, 9, 2000, 0.317503889, 2.554717191],
      [2, 500, 7, 480, 0.866333335, 15.38829069],
      [590, 600, 700, 720, 0.971742966, 1.005677157],
    ];
    for (const [a, ofA, b, ofB, low, high] of cases) {
      const change = changeOfShare({ a, ofA, b, ofB });
      assert.ok(Math.abs(change.low + 1 - low) < 1e-5 * low, `${a}/${ofA} ${b}/${ofB}: ${change.low + 1}, not ${low}`);
      assert.ok(
        Math.abs(change.high + 1 - high) < 1e-5 * high,
        `${a}/${ofA} ${b}/${ofB}: ${change.high + 1}, not ${high}`,
      );
    }
  });

  it('call 95 of 100 pairs of equal programs noise, by samples and by requests', () => {
    const random = randomNumbers(20261201);
    const noise = { shares: 0, rates: 0 };
    const PAIRS = 10_000;
    for (let i = 0; i < PAIRS; i++) {
      // 10 s to 10 min at 99 Hz; a function with 0.5 % to 90 % of it.
      const [ofA, ofB] = [0, 0].map(() => Math.round(1000 * 60 ** random()));
      const share = 0.005 * 180 ** random();
      const [a, b] = [binomial(ofA, share, random), binomial(ofB, share, random)];
      if (isNoise(changeOfShare({ a, ofA, b, ofB }))) noise.shares++;
      const [requestsA, requestsB] = [0, 0].map(() => 100 + 900 * random());
      const perRequest = 0.05 * 40 ** random();
      const [c, d] = [poisson(requestsA * perRequest, random), poisson(requestsB * perRequest, random)];
      if (isNoise(changeOfRate({ a: c, ofA: requestsA, b: d, ofB: requestsB }))) noise.rates++;
    }
    for (const [what, count] of Object.entries(noise))
      assert.ok(Math.abs(count / PAIRS - 0.95) <= 0.01, `${what}: ${(100 * count) / PAIRS} %`);
  });

  it('hold the true change of unequal programs as often, and never claim more for few samples', () => {
    const random = randomNumbers(7);
    let [held, heldOfFew] = [0, 0];
    const PAIRS = 4_000;
    for (let i = 0; i < PAIRS; i++) {
      const share = 0.01 * 30 ** random();
      const change = 0.5 + 2 * random();
      const counts = {
        a: binomial(6000, share, random),
        ofA: 6000,
        b: binomial(5000, share * change, random),
        ofB: 5000,
      };
      const { low, high } = changeOfShare(counts);
      if (low <= change - 1 && change - 1 <= high) held++;
      const few = changeOfShare({ a: binomial(100, 0.02, random), ofA: 100, b: binomial(150, 0.02, random), ofB: 150 });
      if (isNoise(few)) heldOfFew++;
    }
    assert.ok(Math.abs(held / PAIRS - 0.95) <= 0.012, `${held / PAIRS}`);
    assert.ok(heldOfFew / PAIRS >= 0.94, `${heldOfFew / PAIRS}`);
  });

  it('have an end where one side has nothing', () => {
    assert.deepEqual(changeOfShare({ a: 0, ofA: 100, b: 0, ofB: 100 }).estimate, Number.NaN);
    const added = changeOfShare({ a: 0, ofA: 1000, b: 20, ofB: 1000 });
    assert.ok(added.low > 3 && added.high === Number.POSITIVE_INFINITY && added.estimate === Number.POSITIVE_INFINITY);
    assert.ok(isNoise(changeOfShare({ a: 0, ofA: 1000, b: 3, ofB: 1000 })), 'three samples are chance');
    const gone = changeOfShare({ a: 20, ofA: 1000, b: 0, ofB: 1000 });
    assert.ok(gone.low === -1 && gone.high < -0.7 && gone.high > -1);
    const all = changeOfShare({ a: 1000, ofA: 1000, b: 900, ofB: 900 });
    assert.ok(isNoise(all) && all.low > -0.01 && all.high < 0.01, `${all.low} ${all.high}`);
  });

  it('grow by how much runs of one program differ', () => {
    const random = randomNumbers(3);
    const runs = (spread: number) => {
      const totals = Array.from({ length: 8 }, () => 5000);
      const figures = totals.map(() =>
        [0.1, 0.2, 0.3].map((share) => binomial(5000, share * (1 + spread * (random() - 0.5)), random)),
      );
      return { figures, totals };
    };
    const still = dispersionOf([runs(0), runs(0)], false);
    const unsteady = dispersionOf([runs(0.5), runs(0.5)], false);
    assert.ok(still >= 1 && still < 1.7, `${still}`);
    assert.ok(unsteady > 8, `${unsteady}`);
    const narrow = changeOfShare({ a: 500, ofA: 5000, b: 550, ofB: 5000 }, 1);
    const wide = changeOfShare({ a: 500, ofA: 5000, b: 550, ofB: 5000 }, 9);
    assert.ok(wide.low < narrow.low && wide.high > narrow.high);
    assert.equal(
      dispersionOf([{ figures: [[5], [500]].slice(0, 1), totals: [1000] }], false),
      1,
      'one run says nothing',
    );
  });
});

describe('comparison of recordings', () => {
  const older = () =>
    madeRecording([
      [[main, at('parse', 12, 10)], 300],
      [[main, at('lookup', 32, 30)], 500],
      [[main, at('render', 52, 50)], 200],
    ]);

  it('tells what changed with its interval, what is noise, and how often', () => {
    const after = madeRecording([
      [[main, at('parse', 12, 10)], 600],
      [[main, at('lookup', 32, 30)], 500],
      [[main, at('render', 52, 50)], 240],
    ]);
    const { functions, unit } = compareRecordings([older()], [after], {});
    const parse = one(functions, 'parse');
    assert.equal(unit, 'share');
    assert.equal(parse.total.verdict, 'more');
    assert.ok(Math.abs(parse.total.change.estimate - (600 / 1340 / (300 / 1000) - 1)) < 1e-12);
    assert.ok(parse.total.change.low > 0.3 && parse.total.change.high < 0.75);
    assert.equal(one(functions, 'lookup').total.verdict, 'less');
    assert.equal(one(functions, 'render').total.verdict, 'noise');
    assert.equal(one(functions, 'main').total.verdict, 'noise');
    assert.deepEqual(
      parse.lines.map(({ lineA, lineB, total }) => [lineA, lineB, total.verdict]),
      [[12, 12, 'more']],
    );
    const text = compareText(compareRecordings([older()], [after], {}), '/home/a').join('\n');
    assert.match(text, /\+49\.3 % +\[\+3\d\.\d %, \+6\d\.\d %\] +30\.0 % +44\.8 % +parse +src\/orders\.cpp:10/);
    assert.match(text, /Noise: 0 lies within the interval of 2 more functions/);
  });

  it('finds functions again in another folder and file, under what compilers append and under other names; lines move with them', () => {
    const NEW = '/build/b/src/orders.cpp';
    const after = madeRecording([
      [[{ ...main, file: NEW, line: 110, start: 100 }, at('parse.constprop.0', 15, 13, NEW)], 300],
      [[{ ...main, file: NEW, line: 110, start: 100 }, at('lookup', 41, 40, '/build/b/src/index.cpp')], 500],
      [[{ ...main, file: NEW, line: 110, start: 100 }, at('draw', 54, 52, NEW)], 200],
      [[{ ...main, file: NEW, line: 110, start: 100 }, at('added', 203, 200, NEW)], 90],
    ]);
    const { functions } = compareRecordings([older()], [after], {});
    const told = Object.fromEntries(functions.map(({ name, how, before: was }) => [name, [how, was?.name, was?.line]]));
    assert.deepEqual(told, {
      main: ['moved', 'main', 80],
      'parse.constprop.0': ['moved', 'parse', 10],
      lookup: ['moved', 'lookup', 30],
      draw: ['renamed', 'render', 50],
      added: ['same', undefined, undefined],
    });
    assert.equal(one(functions, 'added').total.verdict, 'new');
    const lookup = one(functions, 'lookup');
    assert.deepEqual(
      lookup.lines.map(({ lineA, lineB }) => [lineA, lineB]),
      [
        [32, null],
        [null, 41],
      ],
      'two lines from the start is not one line from it',
    );
    assert.deepEqual(one(functions, 'parse.constprop.0').lines, [], 'the line moved with its function: no change');
    const text = compareText(compareRecordings([older()], [after], {}), '/');
    assert.match(text.join('\n'), /draw .*renamed from render\?/);
  });

  it('matches overloads by their order, the program whatever its file is called, libraries whatever their version', () => {
    const overloads = (module: string, libc: string) =>
      madeRecording(
        [
          [[{ name: '_start', module }, at('f', 12, 10)], 100],
          [[{ name: '_start', module }, at('f', 22, 20)], 300],
          [[{ name: '_start', module: libc }], 50],
        ],
        { title: module },
      );
    const [a, b] = [overloads('prog-a', 'ld-2.31.so'), overloads('prog-b', 'ld-2.40.so')];
    for (const [file, command] of [
      [a, '/x/prog-a'],
      [b, '/x/prog-b'],
    ] as const)
      file.ebpfTracer!.command = command;
    const { functions } = compareRecordings([a], [b], {});
    assert.deepEqual(
      functions.map(({ name, how, total }) => [name, how, total.verdict]),
      [
        ['_start', 'same', 'noise'],
        ['f', 'same', 'noise'],
        ['f', 'same', 'noise'],
        ['_start', 'same', 'noise'],
      ],
    );
  });

  it('counts recursion and inlined calls once', () => {
    const walk = at('walk', 12, 10);
    const file = madeRecording([[[main, walk, walk, walk], 10]]);
    const { functions } = compareRecordings([file], [file], {});
    assert.equal(one(functions, 'walk').shareA, 1);
  });

  it('normalizes by requests and by CPU time', () => {
    const http = (requests: number) => ({ sections: { http: { requests } } });
    const a = madeRecording([[[main, at('parse', 12, 10)], 1000]], http(1000));
    const b = madeRecording([[[main, at('parse', 12, 10)], 1000]], http(2000));
    const { functions, whole } = compareRecordings([a], [b], { by: 'requests' });
    const { total } = one(functions, 'parse');
    assert.equal(total.verdict, 'less');
    assert.ok(Math.abs(total.change.estimate + 0.5) < 1e-12 && total.change.low > -0.56 && total.change.high < -0.44);
    assert.ok(Math.abs(total.a - 1e7) < 1e-6, 'ten milliseconds a request');
    assert.equal(whole.verdict, 'less');
    assert.equal(
      codeOf(() => compareRecordings([a], [older()], { by: 'requests' })),
      'NORMALIZATION_INVALID',
    );

    const bytes = { id: 'alloc', unit: 'bytes', period: null } as const;
    const allocating = (cpu: number, size: number) => madeRecording([[[main], cpu, size]], { metrics: [CPU, bytes] });
    const more = compareRecordings([allocating(100, 5000)], [allocating(200, 5000)], { metric: 'alloc', by: 'cpu' });
    assert.ok(Math.abs(one(more.functions, 'main').total.change.estimate + 0.5) < 1e-12);
    assert.equal(one(more.functions, 'main').total.a, 5000, 'bytes a CPU second');
    assert.equal(
      codeOf(() => compareRecordings([older()], [allocating(1, 1)], { metric: 'alloc' })),
      'METRIC_UNKNOWN',
    );
    const by: Normalization = 'cpu';
    assert.equal(compareRecordings([older()], [older()], { by }).unit, 'share', 'CPU time is its own measure');
  });

  it('puts several recordings of one program together, of other frequencies, too', () => {
    const parts = [100, 300].map((count) =>
      madeRecording([
        [[main, at('parse', 12, 10)], count],
        [[main], count],
      ]),
    );
    const { a, functions } = compareRecordings(parts, [older()], {});
    assert.deepEqual([a.recordings, a.total], [2, 800]);
    assert.equal(one(functions, 'parse').shareA, 0.5);
  });

  it('makes a recording of it, with a section that its readers check', () => {
    const after = madeRecording([
      [[main, at('parse', 12, 10)], 600],
      [[main, at('added', 72, 70)], 100],
    ]);
    const made = changesRecording(compareRecordings([older()], [after], {}), [after]);
    const read = parseRecording(JSON.stringify(made), 'x');
    const section = changesOf(read.ebpfTracer);
    assert.equal(read.ebpfTracer?.title, 'program → program');
    assert.deepEqual(
      section?.rows.map(({ name, verdict, change, high }) => [name, verdict, change === null, high === null]),
      [
        ['parse', 'more', false, false],
        ['lookup', 'gone', false, false],
        ['render', 'gone', false, false],
        ['added', 'new', true, true],
        ['main', 'noise', false, false],
      ],
    );
    for (const wrong of [{ verdict: 'better' }, { low: null }, { name: 1 }, { before: {} }, { line: -1 }]) {
      const hostile = structuredClone(read);
      Object.assign((hostile.ebpfTracer!.sections!.changes as { rows: object[] }).rows[0], wrong);
      assert.equal(changesOf(hostile.ebpfTracer), null, JSON.stringify(wrong));
    }
    assert.equal(changesOf(after.ebpfTracer), null);
  });

  it('fails by the rule: whole interval above, 0.5 % or named, new ones count', () => {
    const after = madeRecording([
      [[main, at('parse', 12, 10)], 330],
      [[main, at('lookup', 32, 30)], 500],
      [[main, at('render', 52, 50)], 200],
      [[main, at('tiny', 62, 60)], 4],
      [[main, at('added', 72, 70)], 40],
    ]);
    const comparison = compareRecordings([older()], [after], {});
    const names = (rows: FunctionChange[]) => rows.map(({ name }) => name).sort();
    assert.deepEqual(names(functionsAbove(comparison, 0.05)), ['added']);
    assert.deepEqual(names(functionsAbove(comparison, 0.05, ['parse'])), [], 'more, but perhaps by chance');
    assert.deepEqual(names(functionsAbove(comparison, 0.05, ['added', 'parse'])), ['added']);
    assert.equal(
      codeOf(() => functionsAbove(comparison, 0.05, ['nothing'])),
      'FUNCTION_UNKNOWN',
    );
    const much = madeRecording([
      [[main, at('lookup', 32, 30)], 100_000],
      [[main, at('small', 62, 60)], 450],
    ]);
    const less = madeRecording([
      [[main, at('lookup', 32, 30)], 100_000],
      [[main, at('small', 62, 60)], 50],
    ]);
    const small = compareRecordings([less], [much], {});
    assert.ok(one(small.functions, 'small').total.change.low > 4);
    assert.deepEqual(functionsAbove(small, 0.05), [], 'less than 0.5 % on both sides');
    assert.deepEqual(names(functionsAbove(small, 0.05, ['small'])), ['small']);
  });
});
