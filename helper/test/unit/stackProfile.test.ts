// Counting: by function, by line, by thread, recursion once, names that come late, bounded time order.
import assert from 'node:assert/strict';
import { functionCounts } from '../../src/export/speedscope';
import type { TruncationReason } from '../../src/protocol';
import { StackProfile } from '../../src/stack/stackProfile';
import type { Frame } from '../../src/symbolize/types';
import { frame } from './fakes/stacks';

const PERIOD_NS = 1e7;

function program() {
  const profile = new StackProfile(PERIOD_NS);
  let timeNs = 1e9;
  let nextId = 1n;
  const stack = (frames: Frame[][] | null, truncated: TruncationReason | null = null) => {
    const stackId = nextId++;
    const slot = profile.addStack({ stackId, pid: 1, generation: 0, kernel: [], user: [], truncated });
    assert.ok(slot);
    if (frames) profile.resolved(slot, frames);
    return { stackId, slot };
  };
  const hit = (stackId: bigint, count = 1, tid = 1, threadName = 'main') => {
    for (let i = 0; i < count; i++) {
      timeNs += PERIOD_NS;
      profile.addSample({ stackId, timeNs, pid: 1, tid, cpu: 0, threadName });
    }
  };
  return { profile, stack, hit };
}

function countsOf(profile: StackProfile) {
  const snapshot = profile.snapshot();
  profile.release();
  return {
    snapshot,
    functions: Object.fromEntries(functionCounts(snapshot).map(({ name, self, total }) => [name, [self, total]])),
    lines: Object.fromEntries(
      snapshot.lines.map(({ line }, i) => [line, [snapshot.lineSelf[i], snapshot.lineTotal[i]]]),
    ),
  };
}

describe('stack profile', () => {
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
    const { functions, snapshot } = countsOf(profile);
    assert.deepEqual(functions, { inner: [3, 3], outer: [2, 5] });
    assert.equal(snapshot.functions.length, 2);
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
    assert.equal(profile.addStack({ stackId, pid: 1, generation: 0, kernel: [], user: [], truncated: null }), null);
  });

  it('keeps threads apart, with their latest names', () => {
    const { profile, stack, hit } = program();
    const { stackId } = stack([[frame('f', 11)]]);
    hit(stackId, 2, 1, 'main');
    hit(stackId, 3, 2, 'sh');
    hit(stackId, 1, 2, 'worker');
    assert.deepEqual(profile.threads, [
      { pid: 1, tid: 1, name: 'main', samples: 2 },
      { pid: 1, tid: 2, name: 'worker', samples: 4 },
    ]);
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
    for (let i = 0; i < snapshot.timelineSize; i++) byThread[snapshot.threadAt(i)] += snapshot.samplesAt(i);
    assert.deepEqual(
      byThread,
      snapshot.threads.map((thread) => thread.samples),
    );
  });

  it('sorts samples that arrive CPU by CPU', () => {
    const profile = new StackProfile(PERIOD_NS);
    const ids = [1n, 2n].map((stackId) => {
      const slot = profile.addStack({ stackId, pid: 1, generation: 0, kernel: [], user: [], truncated: null })!;
      profile.resolved(slot, [[frame(`f${stackId}`, 11)]]);
      return stackId;
    });
    for (const [i, times] of [
      [1, 3, 5],
      [2, 4, 6],
    ].entries())
      for (const timeNs of times)
        profile.addSample({ stackId: ids[i], timeNs, pid: 1, tid: 1, cpu: i, threadName: 't' });
    const { snapshot } = countsOf(profile);
    const names = Array.from(
      { length: 6 },
      (_, i) => snapshot.functions[snapshot.pathOf(snapshot.functionNodeAt(i))[0]].name,
    );
    assert.deepEqual(names, ['f1', 'f2', 'f1', 'f2', 'f1', 'f2']);
  });
});
