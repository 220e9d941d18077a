// Parts of a recording: a range of time, and the user's own code. What they say is compared with what the helper itself counts when it
// is given those samples, or those frames, alone.
import assert from 'node:assert/strict';
import { speedscopeText } from '../../src/export/speedscope';
import {
  cutRecording,
  type FoldRule,
  foldRecording,
  hasTimes,
  MY_CODE_ORIGINS,
  originOf,
  parseRecording,
  type RecordingFile,
} from '../../src/protocol';
import type { Frame } from '../../src/runtimes/frame';
import { StackCounts } from '../../src/stack/stackCounts';
import { HEAD } from './fakes/recordingHead';
import { cpuSample, frame } from './fakes/stacks';

const BEGAN_NS = 5e9;
const STEP_NS = 1e7;

const inFile = (file: string) => ({ file, functionFile: file });
const main = (line: number) => frame('main', line, inFile('/home/me/app/main.c'));
const work = (line: number) => frame('work', line, inFile('/home/me/app/work.c'));
const library = (name: string, module: string) => frame(name, 7, { ...inFile(`/usr/src/${module}.c`), module });
const kernel = (name: string) => frame(name, null, { file: null, kind: 'kernel', module: '[kernel]' });

/** Innermost first. */
const STACKS: Frame[][] = [
  [work(21), main(12)],
  [library('malloc', 'libc.so.6'), work(22), main(12)],
  [kernel('page_fault'), library('malloc', 'libc.so.6'), work(22), main(12)],
  [work(23), library('qsort', 'libc.so.6'), main(13)],
  [work(21), work(24), main(12)],
  [kernel('wait'), library('run', 'libuv.so.1'), library('start_thread', 'libc.so.6')],
];

function recording(samples: readonly number[], stacks = STACKS): RecordingFile {
  const counts = new StackCounts([{ id: 'cpu', unit: 'nanoseconds', period: STEP_NS }]);
  for (const i of samples) {
    const which = i % stacks.length;
    const stackId = BigInt(which + 1);
    const slot = counts.addStack({ stackId, pid: 1, generation: 0, kernel: [], user: [], exact: [], truncated: null });
    const byAddress = stacks[which].map((one) => [one]);
    if (slot) counts.resolved(slot, byAddress);
    const tid = 1 + (i % 3);
    counts.addSample(cpuSample({ stackId, timeNs: BEGAN_NS + i * STEP_NS, pid: 1, tid, threadName: `t${tid}` }));
  }
  const text = [...speedscopeText(counts.snapshot(), { ...HEAD, beganNs: BEGAN_NS, durationMs: 1_000 })].join('');
  return parseRecording(text, 'test');
}

/** What it says, whatever its indexes are. */
function said(file: RecordingFile) {
  const { frames } = file.shared;
  const extra = file.ebpfTracer!;
  const [metric] = extra.metrics;
  const sorted = <T>(list: T[]) => list.map((one) => JSON.stringify(one)).sort();
  return {
    samples: metric.samples,
    total: metric.total,
    profiles: file.profiles
      .map(({ name, samples, weights, endValue }) => ({
        name,
        endValue,
        stacks: samples.map((stack, i) => `${stack.map((one) => frames[one].name).join(';')} ${weights[i]}`),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    lines: sorted(metric.lines),
    functionLines: sorted(
      metric.functionLines.flatMap((lines, i) => lines.map((line) => [frames[i].name, ...line] as unknown)),
    ),
    threads: sorted(extra.threads.map(({ name }, i) => [name, metric.threads[i]]).filter(([, figure]) => figure !== 0)),
  };
}

const everything = Array.from({ length: 100 }, (_, i) => i);
const RULE: FoldRule = { origins: MY_CODE_ORIGINS, shownModules: [], hiddenModules: [], folders: [], workspace: [] };

describe('a range of a recording', () => {
  it('says what the helper counts of its samples alone', () => {
    const cut = cutRecording(recording(everything), { fromMs: 200, toMs: 550 });
    const alone = recording(everything.slice(20, 55));
    assert.deepEqual(said(cut), said(alone));
    assert.equal(cut.ebpfTracer?.durationMs, 350);
    assert.equal(cut.ebpfTracer?.startedAt, '2026-01-01T00:00:00.200Z');
  });

  it('is a recording that can be read, and cut again', () => {
    const cut = cutRecording(recording(everything), { fromMs: 200, toMs: 550 });
    const again = parseRecording(JSON.stringify(cut), 'cut');
    assert.deepEqual(said(cutRecording(again, { fromMs: 100, toMs: 200 })), said(recording(everything.slice(30, 40))));
  });

  it('may hold nothing', () => {
    const [{ samples, total, lines }] = cutRecording(recording(everything), { fromMs: 2_000, toMs: 3_000 }).ebpfTracer!
      .metrics;
    assert.deepEqual([samples, total, lines], [0, 0, []]);
  });

  it('needs the times of samples, which old files do not have', () => {
    const old = recording(everything);
    delete old.ebpfTracer!.metrics[0].timeline;
    assert.equal(hasTimes(old), false);
    assert.equal(hasTimes(recording(everything)), true);
  });
});

describe("a recording as its user's own code", () => {
  it('says what the helper counts where nothing else is in the stacks', () => {
    const own = STACKS.slice(0, 5).map((stack) => stack.filter(({ file }) => file?.startsWith('/home/me/')));
    const samples = everything.filter((i) => i % STACKS.length < 5);
    const whole = recording(samples);
    const expected = recording(samples, [...own, STACKS[5]]);
    assert.deepEqual(said(foldRecording(whole, RULE)), said(expected));
  });

  it('shows a stack without any of it as the module that it led into', () => {
    const folded = foldRecording(recording([5, 11]), RULE);
    const [{ samples }] = folded.profiles;
    assert.deepEqual(
      samples.map((stack) => stack.map((one) => folded.shared.frames[one].name)),
      [['libuv.so.1 ▸'], ['libuv.so.1 ▸']],
    );
    assert.doesNotThrow(() => parseRecording(JSON.stringify(folded), 'folded'));
  });

  it('shows a module on demand, and hides another', () => {
    const names = (rule: FoldRule) => {
      const folded = foldRecording(recording([2]), rule);
      return folded.profiles[0].samples[0].map((one) => folded.shared.frames[one].name);
    };
    assert.deepEqual(names({ ...RULE, shownModules: ['libc.so.6'] }), ['main', 'work', 'malloc']);
    assert.deepEqual(names({ ...RULE, origins: [], hiddenModules: ['libc.so.6'] }), ['main', 'work', 'page_fault']);
  });

  it('is the recording itself where nothing is folded', () => {
    const whole = recording(everything);
    assert.equal(foldRecording(whole, { ...RULE, origins: [] }), whole);
  });

  it('lets folders of the user win, but not the packages in a workspace', () => {
    const of = (file: string, rule: Partial<FoldRule>) =>
      originOf({ file }, { module: 'libx.so', kind: 'user', origin: 'library' }, { ...RULE, ...rule });
    assert.equal(of('/opt/mine/a.c', {}), 'library');
    assert.equal(of('/opt/mine/a.c', { folders: ['/opt/mine'] }), 'user');
    assert.equal(of('/opt/mine2/a.c', { folders: ['/opt/mine'] }), 'library');
    assert.equal(of('/ws/src/a.js', { workspace: ['/ws/'] }), 'user');
    assert.equal(of('/ws/node_modules/b/a.js', { workspace: ['/ws'] }), 'library');
  });

  it('goes by the kind and the file of a frame in recordings that say no more', () => {
    const of = (module: string, kind: 'user' | 'kernel' | 'unknown') => originOf({}, { module, kind }, RULE);
    assert.equal(of('libm.so.6', 'user'), 'library');
    assert.equal(of('[kernel]', 'kernel'), 'kernel');
    assert.equal(of('shopd', 'user'), null);
  });
});
