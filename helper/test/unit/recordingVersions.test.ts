// Recordings of older versions open as today's: files that version 1 of the product wrote, with what it exported from them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convert } from '../../src/export/formats';
import { parseRecording, RECORDING_FORMAT_VERSION, type RecordingExtraV1 } from '../../src/protocol';

const FOLDER = join(process.cwd(), 'helper/test/unit/fixtures');
const read = (name: string) => readFileSync(join(FOLDER, `v1-${name}`), 'utf8');
const text = async (file: ReturnType<typeof parseRecording>, format: 'folded' | 'json') =>
  [...(await convert(file, format))].join('');

describe('recordings of version 1', () => {
  for (const name of ['threads', 'hot-go']) {
    const old = JSON.parse(read(`${name}.speedscope.json`)) as {
      ebpfTracer: RecordingExtraV1;
      profiles: { name: string }[];
    };
    const file = parseRecording(read(`${name}.speedscope.json`), name);
    const extra = file.ebpfTracer!;

    it(`${name}: has its counts as figures of one metric`, () => {
      const [cpu, ...more] = extra.metrics;
      assert.equal(extra.formatVersion, RECORDING_FORMAT_VERSION);
      assert.equal(more.length, 0);
      assert.deepEqual([cpu.id, cpu.unit, cpu.period], ['cpu', 'nanoseconds', 1e9 / old.ebpfTracer.frequencyHz]);
      assert.deepEqual(
        [cpu.samples, cpu.total, cpu.wholeStacks],
        [old.ebpfTracer.samples, old.ebpfTracer.samples, old.ebpfTracer.wholeStacks],
      );
      assert.deepEqual(cpu.lines, old.ebpfTracer.lines);
      assert.deepEqual(cpu.treeSelf, old.ebpfTracer.lineTree?.self);
      assert.deepEqual(
        cpu.functionLines,
        old.ebpfTracer.frameDetails.map(({ lines }) => lines),
      );
    });

    it(`${name}: knows the thread of each profile`, () => {
      assert.equal(extra.profiles.length, old.profiles.length);
      assert.equal(extra.profiles[0].thread, null);
      for (const [index, { thread }] of extra.profiles.entries()) {
        if (index === 0) continue;
        const { tid, name: threadName } = extra.threads[thread!];
        assert.equal(old.profiles[index].name, `${threadName} (${tid})`);
      }
    });

    it(`${name}: exports to what version 1 exported`, async () => {
      const sorted = (folded: string) => folded.trim().split('\n').sort();
      assert.deepEqual(sorted(await text(file, 'folded')), sorted(read(`${name}.folded`)));
      const { metrics, ...plain } = JSON.parse(await text(file, 'json'));
      assert.deepEqual(plain, JSON.parse(read(`${name}.json`)));
      assert.equal(metrics.length, 1);
    });
  }

  it('keeps goroutines as execution contexts', () => {
    const raw = JSON.parse(read('hot-go.speedscope.json')).ebpfTracer.goroutines;
    const [contexts] = parseRecording(read('hot-go.speedscope.json'), 'go').ebpfTracer!.metrics[0].contexts;
    assert.equal(contexts.kind, 'goroutine');
    assert.equal(contexts.seen, raw.seen);
    assert.deepEqual(
      contexts.top.map(({ id, figure }) => [id, figure]),
      raw.top.map(({ id, samples }: { id: number; samples: number }) => [id, samples]),
    );
  });
});
