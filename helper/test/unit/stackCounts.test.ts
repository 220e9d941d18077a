// Counting: by function, by line, by thread, recursion once, names that come late, bounded time order.
import assert from 'node:assert/strict';
import { functionCounts } from '../../src/export/speedscope';
import type { Metric, TruncationReason } from '../../src/protocol';
import type { Frame } from '../../src/runtimes/frame';
import { NO_NODE, PrefixTree } from '../../src/stack/prefixTree';
import { StackCounts } from '../../src/stack/stackCounts';
import type { StackSnapshot } from '../../src/stack/stackSnapshot';
import { Timeline } from '../../src/stack/timeline';
import { cpuSample, frame } from './fakes/stacks';

const PERIOD_NS = 1e7;
const CPU: Metric = { id: 'cpu', unit: 'nanoseconds', period: PERIOD_NS };

function program() {
  const profile = new StackCounts([CPU]);
  let timeNs = 1e9;
  let nextId = 1n;
  const stack = (frames: Frame[][] | null, truncated: TruncationReason | null = null) => {
    const stackId = nextId++;
    const slot = profile.addStack({ stackId, pid: 1, generation: 0, kernel: [], user: [], exact: [], truncated });
    assert.ok(slot);
    if (frames) profile.resolved(slot, frames);
    return { stackId, slot };
  };
  const hit = (stackId: bigint, count = 1, tid = 1, threadName = 'main') => {
    for (let i = 0; i < count; i++) {
      timeNs += PERIOD_NS;
      profile.addSample(cpuSample({ stackId, timeNs, pid: 1, tid, threadName }));
    }
  };
  return { profile, stack, hit };
}

/** A snapshot and its only metric in one. */
function flat(snapshot: StackSnapshot) {
  return { ...snapshot, ...snapshot.metrics[0] };
}

function countsOf(profile: StackCounts) {
  const snapshot = flat(profile.snapshot());
  profile.release();
  return {
    snapshot,
    functions: Object.fromEntries(functionCounts(snapshot).map(({ name, self, total }) => [name, [self, total]])),
    lines: Object.fromEntries(
      snapshot.lines.map(({ line }, i) => [line, [snapshot.lineSelf[i], snapshot.lineTotal[i]]]),
    ),
  };
}

describe('stack counts', () => {
  it('counts self on top and total anywhere, for functions and lines', () => {
    const { profile, stack, hit } = program();
    const main = [frame('main', 12)];
    hit(stack([[frame('sixty', 21)], main]).stackId, 60);
    hit(stack([[frame('thirty', 31)], main]).stackId, 30);
    hit(stack([[frame('main', 15)]]).stackId, 10);
    const { functions, lines, snapshot } = countsOf(profile);
    assert.deepEqual(functions, { sixty: [60, 60], thirty: [30, 30], main: [10, 100] });
    assert.deepEqual(lines, { 12: [0, 90], 21: [60, 60], 31: [30, 30], 15: [10, 10] });
    assert.equal(snapshot.samples, 100);
    assert.equal(snapshot.wholeStacks, 100);
    assert.equal(snapshot.frames, 190);
    assert.equal(snapshot.symbolizedFrames, 190);
  });

  it('counts recursion once in totals, also where other functions lie between', () => {
    const { profile, stack, hit } = program();
    const walk = [frame('walk', 41)];
    hit(stack([walk, [frame('visit', 51)], walk, walk, [frame('main', 12)]]).stackId, 7);
    const { functions, lines } = countsOf(profile);
    assert.deepEqual(functions, { walk: [7, 7], visit: [0, 7], main: [0, 7] });
    assert.deepEqual(lines[41], [7, 7]);
  });

  it('shows inlined functions as frames of their own and keeps one frame per function', () => {
    const { profile, stack, hit } = program();
    hit(stack([[frame('inner', 61, { inlined: true }), frame('outer', 71)]]).stackId, 3);
    hit(stack([[frame('outer', 72)]]).stackId, 2);
    hit(stack([[frame('inner', 62)], [frame('outer', 73)]]).stackId, 4);
    const { functions, snapshot } = countsOf(profile);
    assert.deepEqual(functions, { 'inner (inlined)': [3, 3], outer: [2, 9], inner: [4, 4] });
    assert.equal(snapshot.functions.length, 3);
    assert.deepEqual(
      snapshot.functions.map(({ inlined }) => inlined),
      [true, false, false],
    );
  });

  it('counts an inlined line in the file it came from, once a sample', () => {
    const { profile, stack, hit } = program();
    const header = { file: '/usr/include/fast.h', functionFile: '/usr/include/fast.h', inlined: true };
    const square = frame('square', 61, header);
    // The same line at two places of one stack, in a caller that was itself inlined.
    hit(
      stack([
        [square, frame('twice', 67, header), frame('work', 21)],
        [square, frame('main', 12)],
      ]).stackId,
      5,
    );
    hit(stack([[frame('main', 12)]]).stackId, 1);
    const { snapshot, lines } = countsOf(profile);
    assert.deepEqual(lines, { 61: [5, 5], 67: [0, 5], 21: [0, 5], 12: [1, 6] });
    assert.deepEqual(
      snapshot.lines.filter(({ line }) => line > 60).map(({ file }) => file),
      ['/usr/include/fast.h', '/usr/include/fast.h'],
    );
  });

  it('keeps the full names of a function, the first few instances of a template', () => {
    const { profile, stack, hit } = program();
    for (let i = 0; i < 6; i++) hit(stack([[frame('push', 61, { fullName: `push<${i % 5}>(int)` })]]).stackId);
    const { snapshot } = countsOf(profile);
    assert.deepEqual(snapshot.functions[0].fullNames, ['push<0>(int)', 'push<1>(int)', 'push<2>(int)', 'push<3>(int)']);
  });

  it('a stack that got its names while somebody reads is where it belongs in the next view', () => {
    const { profile, stack, hit } = program();
    const late = stack(null);
    hit(late.stackId, 3);
    const first = flat(profile.snapshot());
    profile.resolved(late.slot, [[frame('late', 20)]]);
    const second = flat(profile.snapshot());
    for (let i = 0; i < 3; i++) {
      assert.equal(
        first.functions[first.locations[first.lineTree.item[first.lineNodeAt(i)]].functionIndex].name,
        '[not symbolized yet]',
      );
      assert.equal(second.lineNodeAt(i), late.slot.lineNode);
    }
    profile.release();
    profile.release();
  });

  it('counts samples whose names come later', () => {
    const { profile, stack, hit } = program();
    const late = stack(null);
    hit(late.stackId, 4);
    assert.deepEqual(countsOf(profile).functions, { '[not symbolized yet]': [4, 4] });
    profile.resolved(late.slot, [[frame('late', 81)]]);
    hit(late.stackId, 1);
    const { functions, snapshot } = countsOf(profile);
    assert.deepEqual(functions, { late: [5, 5] });
    for (let i = 0; i < snapshot.timelineSize; i++)
      assert.equal(snapshot.functions[snapshot.pathOf(snapshot.functionNodeAt(i))[0]].name, 'late');
  });

  it('ends truncated stacks with a frame that says why, and drops none', () => {
    const { profile, stack, hit } = program();
    hit(stack([[frame('leaf', 91)]], 'noFramePointer').stackId, 2);
    hit(99n, 3);
    const { functions, snapshot } = countsOf(profile);
    assert.deepEqual(functions, {
      leaf: [2, 2],
      '[truncated: no frame pointer]': [0, 2],
      '[stack not received]': [3, 3],
    });
    assert.deepEqual(snapshot.truncated, { noFramePointer: 2, unknown: 3 });
    assert.equal(snapshot.wholeStacks, 0);
    assert.equal(snapshot.frames, 2);
    const path = snapshot.pathOf(snapshot.functionNodeAt(0)).map((i) => snapshot.functions[i].name);
    assert.deepEqual(path, ['[truncated: no frame pointer]', 'leaf']);
  });

  it('knows a stack that the kernel sends again', () => {
    const { profile, stack, hit } = program();
    const { stackId } = stack([[frame('f', 11)]]);
    hit(stackId);
    assert.equal(
      profile.addStack({ stackId, pid: 1, generation: 0, kernel: [], user: [], exact: [], truncated: null }),
      null,
    );
  });

  it('keeps threads apart, with their latest names', () => {
    const { profile, stack, hit } = program();
    const { stackId } = stack([[frame('f', 11)]]);
    hit(stackId, 2, 1, 'main');
    hit(stackId, 3, 2, 'sh');
    hit(stackId, 1, 2, 'worker');
    assert.deepEqual(profile.threads.rows, [
      { pid: 1, tid: 1, name: 'main' },
      { pid: 1, tid: 2, name: 'worker' },
    ]);
    assert.deepEqual(countsOf(profile).snapshot.threadFigures, [2, 4]);
  });

  it('counts several metrics over the same stacks and threads, each by itself', () => {
    const waits: Metric = { id: 'off-cpu', unit: 'nanoseconds', period: null };
    const stacks = new StackCounts([CPU, waits]);
    const slot = stacks.addStack({
      stackId: 1n,
      pid: 1,
      generation: 0,
      kernel: [],
      user: [],
      exact: [],
      truncated: null,
    })!;
    const at = (timeNs: number, tid: number) => cpuSample({ stackId: 1n, timeNs, pid: 1, tid, threadName: 'main' });
    const waited = (timeNs: number, tid: number, value: number) => ({ ...at(timeNs, tid), metric: 'off-cpu', value });
    for (let i = 0; i < 3; i++) stacks.addSample(at(i, 1));
    stacks.addSample(waited(5, 2, 250_000));
    stacks.addSample({ ...at(5, 1), metric: 'unasked' });
    stacks.resolved(slot, [[frame('f', 11)]]);
    stacks.addSample(waited(6, 1, 750_000));
    const { metrics, functions } = stacks.snapshot();
    stacks.release();
    assert.equal(functions.length, 1);
    assert.deepEqual(
      metrics.map(({ metric, samples, total, threadFigures, functionSelf }) => [
        metric.id,
        samples,
        total,
        threadFigures,
        [...functionSelf],
      ]),
      [
        ['cpu', 3, 3, [3, 0], [3]],
        ['off-cpu', 2, 1_000_000, [750_000, 250_000], [1_000_000]],
      ],
    );
  });

  it('gives up time order within buckets, never a count, when a recording grows long', () => {
    const { profile, stack, hit } = program();
    const ids = Array.from({ length: 50 }, (_, i) => stack([[frame(`f${i}`, i * 10 + 1)]]).stackId);
    for (let round = 0; round < 1_000; round++) for (const id of ids) hit(id, 4, 1 + (round % 3));
    assert.equal(profile.samples, 200_000);
    const { functions, snapshot } = countsOf(profile);
    assert.ok(snapshot.timelineSize <= 150_000, `${snapshot.timelineSize} entries`);
    assert.ok(snapshot.bucketNs > 0);
    assert.deepEqual(functions.f7, [4_000, 4_000]);
    const byThread = [0, 0, 0];
    for (let i = 0; i < snapshot.timelineSize; i++) byThread[snapshot.threadAt(i)] += snapshot.figureAt(i);
    assert.deepEqual(byThread, snapshot.threadFigures);
  });

  it('sorts samples that arrive CPU by CPU', () => {
    const profile = new StackCounts([CPU]);
    const ids = [1n, 2n].map((stackId) => {
      const slot = profile.addStack({
        stackId,
        pid: 1,
        generation: 0,
        kernel: [],
        user: [],
        exact: [],
        truncated: null,
      })!;
      profile.resolved(slot, [[frame(`f${stackId}`, 11)]]);
      return stackId;
    });
    for (const [i, times] of [
      [1, 3, 5],
      [2, 4, 6],
    ].entries())
      for (const timeNs of times)
        profile.addSample(cpuSample({ stackId: ids[i], timeNs, pid: 1, tid: 1, cpu: i, threadName: 't' }));
    const { snapshot } = countsOf(profile);
    const names = Array.from(
      { length: 6 },
      (_, i) => snapshot.functions[snapshot.pathOf(snapshot.functionNodeAt(i))[0]].name,
    );
    assert.deepEqual(names, ['f1', 'f2', 'f1', 'f2', 'f1', 'f2']);
  });
});

describe('prefix tree', () => {
  it('finds what it holds, however it grew', () => {
    const tree = new PrefixTree();
    const known = new Map<string, number>();
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let i = 0; i < 20_000; i++) {
      const parent = tree.size === 0 ? NO_NODE : random(tree.size + 1) - 1;
      const item = random(50);
      const key = `${parent}:${item}`;
      assert.equal(tree.find(parent, item), known.get(key) ?? NO_NODE);
      const node = tree.child(parent, item);
      assert.equal(node, known.get(key) ?? node);
      assert.equal(tree.depth[node], tree.path(node).length);
      known.set(key, node);
    }
    assert.equal(tree.size, known.size);
    assert.ok(tree.size > 4_000);
  });
});

describe('timeline', () => {
  const entries = (timeline: Timeline) =>
    Array.from({ length: timeline.size }, (_, i) => [
      timeline.timeNs[i],
      timeline.thread[i],
      timeline.stack[i],
      timeline.figure[i],
    ]);

  it('merges equal stacks of a thread within a bucket only, until half the budget is free', () => {
    const timeline = new Timeline(10, () => 1, { entries: 8, frames: 1_000 });
    for (let i = 0; i < 9; i++) timeline.add(i, i % 2, 7, 1);
    assert.ok(timeline.overBudget);
    timeline.coarsen((stack) => stack);
    assert.deepEqual(entries(timeline), [
      [0, 0, 7, 5],
      [1, 1, 7, 4],
    ]);
    assert.equal(timeline.bucketNs, 10);
  });

  it('shortens stacks where time alone does not help', () => {
    const timeline = new Timeline(10, (stack) => stack % 100, { entries: 100, frames: 500 });
    for (let i = 0; i < 8; i++) timeline.add(i, 0, i * 100 + 90, 1);
    timeline.coarsen((stack, depth) => Math.min(stack % 100, depth));
    assert.ok(!timeline.overBudget);
    assert.deepEqual(entries(timeline), [[0, 0, 64, 8]]);
  });

  it('takes more room rather than merging again and again', () => {
    const timeline = new Timeline(10, () => 1, { entries: 4, frames: 1_000 });
    for (let i = 0; i < 5; i++) timeline.add(i, i, 7, 1);
    timeline.coarsen((stack) => stack);
    assert.equal(timeline.size, 5);
    assert.ok(!timeline.overBudget);
  });
});
