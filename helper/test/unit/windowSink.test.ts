// A recording without an end: each window whole, every sample in exactly one of them, memory as much as two windows need.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { RecordingFile } from '../../src/protocol';
import { parseRecording } from '../../src/protocol';
import { WindowSink } from '../../src/recording/sinks/windowSink';
import { StackCounts } from '../../src/stack/stackCounts';
import { HEAD } from './fakes/recordingHead';
import { cpuSample, frame } from './fakes/stacks';

const WINDOW_MS = 40;

/** A kernel that tells of a stack once for each generation, as BPF does. */
function program() {
  const stacks = new StackCounts([{ id: 'cpu', unit: 'nanoseconds', period: 1e7 }]);
  let generation = 0n;
  const told = new Set<bigint>();
  let timeNs = 0;
  const hit = (name: string, number: bigint) => {
    const stackId = (generation << 32n) | number;
    if (!told.has(stackId)) {
      told.add(stackId);
      const slot = stacks.addStack({
        stackId,
        pid: 1,
        generation: 0,
        kernel: [],
        user: [],
        exact: [],
        truncated: null,
      });
      if (slot) stacks.resolved(slot, [[frame(name, 11)], [frame('main', 21)]]);
    }
    timeNs += 1e7;
    stacks.addSample(cpuSample({ stackId, timeNs, pid: 1, tid: 1, threadName: 'main' }));
  };
  return { stacks, hit, next: () => generation++ };
}

const figures = ({ ebpfTracer, shared }: RecordingFile) =>
  Object.fromEntries(shared.frames.map(({ name }, i) => [name, ebpfTracer!.metrics[0].functionLines[i][0]?.[1] ?? 0]));

describe('windows of a recording without an end', () => {
  it('are whole recordings, and each sample is in one of them', async () => {
    const { stacks, hit, next } = program();
    const windows: RecordingFile[] = [];
    const times: { fromMs: number; untilMs: number }[] = [];
    const take = async (text: Iterable<string>, window: { fromMs: number; untilMs: number }) => {
      windows.push(parseRecording([...text].join(''), 'window'));
      times.push(window);
    };
    const events = { written: () => {}, failed: (error: unknown) => assert.fail(String(error)) };
    const sink = new WindowSink(stacks, () => HEAD, { windowMs: WINDOW_MS, take, onReset: next }, events);
    sink.start();
    for (let i = 0; i < 30; i++) hit('first', 1n);
    await delay(WINDOW_MS * 2);
    for (let i = 0; i < 20; i++) hit('second', 2n);
    for (let i = 0; i < 10; i++) hit('first', 1n);
    await sink.finish('stopped');
    const samples = windows.map(({ ebpfTracer }) => ebpfTracer!.metrics[0].samples);
    assert.equal(
      samples.reduce((sum, count) => sum + count, 0),
      60,
    );
    assert.deepEqual(figures(windows[0]), { first: 30, main: 0 });
    assert.deepEqual(figures(windows.at(-1)!), { second: 20, first: 10, main: 0 });
    for (const [i, { fromMs }] of times.entries()) if (i > 0) assert.equal(fromMs, times[i - 1].untilMs);
  });

  it('name a stack that was met before the kernel told of it again', () => {
    const { stacks, hit } = program();
    hit('known', 1n);
    stacks.reset();
    // The generation is the old one still: the record of the stack is not sent again.
    hit('known', 1n);
    const { functions, metrics } = stacks.snapshot();
    stacks.release();
    assert.deepEqual(
      functions.map(({ name }) => name),
      ['main', 'known'],
    );
    assert.equal(metrics[0].samples, 1);
    assert.equal(stacks.samplesWithoutStack, 0);
  });

  it('take no more memory after a thousand windows than after two', () => {
    const { stacks, hit, next } = program();
    const sizes: number[] = [];
    let held = 0;
    for (let window = 0; window < 1_000; window++) {
      for (let i = 0; i < 20; i++) hit(`f${window}-${i}`, BigInt(window * 20 + i));
      sizes.push(stacks.index.lineTree.size + stacks.index.frames.functions.length);
      stacks.snapshot();
      stacks.release();
      stacks.reset();
      next();
      if (window === 1) held = sizes[1];
    }
    assert.equal(Math.max(...sizes), held);
  });
});
