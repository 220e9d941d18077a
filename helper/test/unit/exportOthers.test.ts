// What is written for other people's tools beside speedscope, folded stacks and pprof: .cpuprofile by the rules of its readers, Firefox
// Profiler's format by a validator after its types; stretches of time and several recordings together, in every format.
import assert from 'node:assert/strict';
import { convert, FORMAT_NAMES, type Format, looksLike } from '../../src/export/formats';
import { figuresOf } from '../../src/figures/figures';
import { mergeRecordings } from '../../src/import/merge';
import { RecordingBuilder } from '../../src/import/recordingBuilder';
import { cutRecording, hasTimes, type Metric, type RecordingFile, TracerError } from '../../src/protocol';
import { wrongInFirefoxProfile } from '../shared/firefoxProfile';
import { CPU, madeRecording } from './fakes/programs';

const SRC = '/src/orders.cpp';
const text = async (file: RecordingFile, format: Format) => [...(await convert(file, format))].map(String).join('');

/** A sample each 10 ms, by turns of two threads: 60 of parse on two lines, then 40 of render. */
function timed(metrics: Metric[] = [CPU]): RecordingFile {
  const builder = new RecordingBuilder(metrics);
  const main = builder.frame({ name: 'main', file: SRC, line: 90, functionLine: 80, module: 'orders' });
  const parse = [12, 14].map((line) =>
    builder.frame({ name: 'parse', file: SRC, line, functionLine: 10, module: 'orders' }),
  );
  const render = builder.frame({
    name: 'render',
    file: SRC,
    line: 52,
    functionLine: 50,
    module: 'orders',
    inlined: true,
  });
  for (let i = 0; i < 100; i++) {
    const thread = { pid: 7, tid: 7 + (i % 2), name: i % 2 ? 'worker' : 'main' };
    const figures = metrics.map(({ period }) => (period === null ? 2_500_000 : 1));
    builder.sample(i < 60 ? [parse[i % 3 ? 0 : 1], main] : [render, main], thread, i * 1e7, figures);
  }
  return builder.finish({ title: 'orders', command: '/src/orders', startedAtMs: 1.7e12, durationMs: 1000 }, 'test');
}

const totals = (file: RecordingFile) =>
  Object.fromEntries(
    figuresOf(file)
      .functions.filter(({ total }) => total > 0)
      .map(({ name, total }) => [name, total]),
  );

describe('export for other tools', () => {
  it('writes .cpuprofile files in which each sample lasts until the next, and the last one to the end', async () => {
    const profile = JSON.parse(await text(timed(), 'cpuprofile'));
    const { nodes, samples, timeDeltas, startTime, endTime } = profile;
    assert.deepEqual([samples.length, timeDeltas.length, timeDeltas[0], startTime], [100, 100, 0, 1.7e15]);
    assert.deepEqual(nodes[0].callFrame.functionName, '(root)');
    assert.equal(new Set(nodes.map(({ id }: { id: number }) => id)).size, nodes.length);
    const name = new Map(
      nodes.map((node: { id: number; callFrame: { functionName: string } }) => [node.id, node.callFrame.functionName]),
    );
    // As VS Code's table and Chrome's count them.
    const self: Record<string, number> = {};
    let left = endTime - startTime;
    for (const [i, id] of samples.entries()) {
      const last = i === samples.length - 1;
      const us = last ? left : timeDeltas[i + 1];
      left -= us;
      self[name.get(id) as string] = (self[name.get(id) as string] ?? 0) + us;
    }
    assert.deepEqual(self, { parse: 600_000, render: 400_000 });
    const parse = nodes.find(
      (node: { callFrame: { functionName: string } }) => node.callFrame.functionName === 'parse',
    );
    assert.deepEqual([parse.callFrame.url, parse.callFrame.lineNumber, parse.hitCount], [`file://${SRC}`, 9, 60]);
    assert.deepEqual(parse.positionTicks, [
      { line: 14, ticks: 20 },
      { line: 12, ticks: 40 },
    ]);
  });

  it('writes what Firefox Profiler asks for, a thread each, other metrics too', async () => {
    const metrics: Metric[] = [CPU, { id: 'off-cpu', unit: 'nanoseconds', period: null }];
    const profile = JSON.parse(await text(timed(metrics), 'firefox'));
    assert.deepEqual(wrongInFirefoxProfile(profile), []);
    const threads = profile.threads.map((one: { name: string; samples: { weight: number[]; weightType: string } }) => [
      one.name,
      one.samples.weightType,
      one.samples.weight.reduce((sum, weight) => sum + weight, 0),
    ]);
    assert.deepEqual(threads, [
      ['main', 'samples', 50],
      ['worker', 'samples', 50],
      ['off-cpu: main', 'tracing-ms', 125],
      ['off-cpu: worker', 'tracing-ms', 125],
    ]);
    assert.deepEqual(profile.threads[1].samples.time.slice(0, 3), [10, 30, 50]);
    assert.ok(profile.shared.frameTable.inlineDepth.includes(1), 'what was inlined is said');
    // The validator can refuse.
    const broken = structuredClone(profile);
    broken.shared.stackTable.prefix[1] = 99;
    broken.threads[0].samples.weight.pop();
    assert.equal(wrongInFirefoxProfile(broken).length, 3);
  });

  it('knows the files of each format again, so that they may be written anew', async () => {
    for (const format of FORMAT_NAMES) {
      // Recordings that came from elsewhere begin otherwise than ours do.
      if (format === 'speedscope') continue;
      const whole = Buffer.concat([...(await convert(timed(), format))].map((piece) => Buffer.from(piece)));
      assert.ok(looksLike(format)(whole.subarray(0, 256)), format);
      assert.ok(!looksLike(format)(Buffer.from('#!/bin/sh\nrm -rf x\n')), format);
    }
  });

  it('writes a stretch of time alone, in every format', async () => {
    assert.ok(hasTimes(timed()));
    const cut = cutRecording(timed(), { fromMs: 500, toMs: 700 });
    assert.deepEqual(totals(cut), { main: 20, parse: 10, render: 10 });
    for (const format of FORMAT_NAMES) assert.ok((await text(cut, format)).length > 50, format);
    assert.match(await text(cut, 'folded'), /^main;main;parse 5$/m);
    assert.deepEqual(wrongInFirefoxProfile(JSON.parse(await text(cut, 'firefox'))), []);
  });

  it('puts recordings of one program together: figures, lines, threads, one time after the other', () => {
    const merged = mergeRecordings([timed(), timed()]);
    assert.deepEqual(totals(merged), { main: 200, parse: 120, render: 80 });
    const { threads, metrics, durationMs } = merged.ebpfTracer!;
    assert.deepEqual([threads.length, metrics[0].samples, durationMs], [2, 200, 2000]);
    assert.deepEqual(
      metrics[0].lines.find(({ line }) => line === 14),
      { file: SRC, line: 14, self: 40, total: 40 },
    );
    assert.deepEqual(totals(cutRecording(merged, { fromMs: 1000, toMs: 2000 })), { main: 100, parse: 60, render: 40 });
    const other = madeRecording([[[{ name: 'main' }], 5]], { metrics: [{ ...CPU, period: 1e6 }] });
    assert.throws(
      () => mergeRecordings([timed(), other]),
      (error) => error instanceof TracerError && error.report.code === 'NOT_COMPARABLE',
    );
  });
});
