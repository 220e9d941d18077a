// The page makes a part of a recording by the nodes of its tree, editors and exports from the file: they must say the same.
import { deepStrictEqual, strictEqual } from 'node:assert';
import {
  cutRecording,
  type FoldRule,
  foldRecording,
  MY_CODE_ORIGINS,
  type RecordingFile,
  type TimeRange,
} from '../../../helper/src/protocol';
import { parseRecording } from '../../src/load';
import { busiestThread, foldedInto, originShares, showPart, wholeOf } from '../../src/part';
import { groupThreads, threadsOfKeys } from '../../src/threadGroups';
import { axisSteps, stripOf } from '../../src/timeStrip';
import { F, fixtureRecording } from '../fixtureRecording';

const file = fixtureRecording({ times: true });
const recording = parseRecording(JSON.stringify(file), 'x');
const RULE: FoldRule = { origins: MY_CODE_ORIGINS, shownModules: [], hiddenModules: [], folders: [], workspace: [] };
const RANGE: TimeRange = { fromMs: 700, toMs: 2_345 };

/** Stacks by name with their weights, in order. */
const said = (
  frames: readonly { name: string }[],
  stacks: readonly (readonly number[])[],
  weights: readonly number[],
) => stacks.map((stack, i) => `${stack.map((frame) => frames[frame].name).join(';')} ${weights[i]}`);
const ofFile = ({ shared, profiles }: RecordingFile, profile = 0) =>
  said(shared.frames, profiles[profile].samples, profiles[profile].weights);
const ofPage = (change: Parameters<typeof showPart>[1]) => {
  const shown = showPart(recording, change);
  return said(shown.recording.frames, shown.profile.stacks, shown.profile.weights);
};

describe('what is shown of a recording', () => {
  it('is the recording itself where nothing is left out', () => {
    strictEqual(showPart(recording, wholeOf(0)).recording, recording);
    deepStrictEqual(ofPage(wholeOf(0)), ofFile(file));
  });

  it('says of a range what the file says of it', () =>
    deepStrictEqual(ofPage({ ...wholeOf(0), range: RANGE }), ofFile(cutRecording(file, RANGE))));

  it('says of the user’s code what the file says of it', () =>
    deepStrictEqual(ofPage({ ...wholeOf(0), rule: RULE }), ofFile(foldRecording(file, RULE))));

  it('says the same of both at once', () =>
    deepStrictEqual(
      ofPage({ ...wholeOf(0), range: RANGE, rule: RULE }),
      ofFile(foldRecording(cutRecording(file, RANGE), RULE)),
    ));

  it('says of a thread what its own profile says', () =>
    deepStrictEqual(ofPage({ ...wholeOf(0), threads: new Set([1]) }), ofFile(file, 2)));

  it('begins at the function that is focused', () => {
    const { tree } = showPart(recording, { ...wholeOf(0), focus: F.parse });
    const whole = file.profiles[0].samples.filter((stack) => stack.includes(F.parse)).length;
    strictEqual(Math.round(tree.totalWeight / file.profiles[0].weights[0]), whole);
    strictEqual(tree.frame[tree.firstChild[0]], F.parse);
  });

  it('knows whose the time is, and what is folded into a function', () => {
    const shares = originShares(recording, wholeOf(0), RULE);
    strictEqual(Math.round(Object.values(shares).reduce((sum, one) => sum + one, 0) * 1e6), 1e6);
    const kernel = file.profiles[0].samples.filter((stack) => [14, 15].includes(stack.at(-1)!)).length;
    strictEqual(Math.round(shares.kernel! * file.profiles[0].samples.length), kernel);
    const [first] = foldedInto(recording, { ...wholeOf(0), rule: RULE }, F.handle);
    deepStrictEqual([first.module, Math.round(first.weight / file.profiles[0].weights[0])], ['[kernel]', kernel]);
  });
});

describe('threads and time', () => {
  it('stand by process and name, with sums', () => {
    const [process, ...more] = groupThreads(recording, 0);
    deepStrictEqual(
      [process.name, process.names.map(({ name }) => name), more.length],
      ['shopd', ['shopd', 'worker-1', 'worker-2'], 0],
    );
    strictEqual(process.figure, file.ebpfTracer.metrics[0].samples);
  });

  it('are found again by their ids', () => {
    deepStrictEqual(threadsOfKeys(recording, ['4711/4712', '9/9']), new Set([1]));
    strictEqual(threadsOfKeys(recording, ['9/9']), null);
    strictEqual(busiestThread(recording, wholeOf(0), F.price), 0);
  });

  it('make a strip in which each thread’s CPU time is whole', () => {
    const strip = stripOf(recording, 0, { fromMs: 0, toMs: file.ebpfTracer.durationMs + 20 }, 40)!;
    const binMs = (strip.toMs - strip.fromMs) / 40;
    for (const [row, thread] of [0, 1, 2].entries()) {
      const cpuMs = strip.rows[row].load.reduce((sum, one) => sum + one * binMs, 0);
      strictEqual(Math.round(cpuMs), Math.round((file.ebpfTracer.metrics[0].threads[thread] / 99) * 1000));
    }
    strictEqual(stripOf(parseRecording(JSON.stringify(fixtureRecording()), 'old'), 0, RANGE, 10), null);
  });

  it('have an axis of round steps', () => {
    deepStrictEqual(axisSteps(0, 10_000, 5), [0, 2_000, 4_000, 6_000, 8_000, 10_000].slice(0, 6));
    deepStrictEqual(axisSteps(0, 0, 5), []);
    deepStrictEqual(axisSteps(950, 1_250, 3), [1_000, 1_100, 1_200]);
  });
});
