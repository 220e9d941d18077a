// Samples by goroutine: counted, bounded, and carried into the recording and pprof.
import assert from 'node:assert/strict';
import { Profile } from 'pprof-format';
import { encodePprof } from '../../src/export/pprof';
import { speedscopeText } from '../../src/export/speedscope';
import { parseRecording } from '../../src/protocol';
import { ContextCounts } from '../../src/stack/contextCounts';
import type { StackSlot } from '../../src/stack/slots';
import { StackCounts } from '../../src/stack/stackCounts';
import { HEAD } from './fakes/recordingHead';
import { cpuSample, frame, ofGoroutine } from './fakes/stacks';

function slot(lineNode: number): StackSlot {
  return { id: lineNode, truncated: null, missing: false, lineNode, functionNode: lineNode, provisional: false };
}

describe('goroutines of a recording', () => {
  it('are counted by process and by where their stacks ended', () => {
    const counts = new ContextCounts();
    const [a, b] = [slot(3), slot(4)];
    for (const at of [a, a, b]) counts.add(1, 7, at, 1);
    counts.add(2, 7, a, 1);
    assert.deepEqual(counts.figures('goroutine'), {
      kind: 'goroutine',
      top: [
        { pid: 1, id: 7, figure: 3, nodes: [3, 2, 4, 1] },
        { pid: 2, id: 7, figure: 1, nodes: [3, 1] },
      ],
      otherFigure: 0,
      seen: 2,
    });
  });

  it('are called as their runtime calls them, which is asked once', () => {
    const asked: string[] = [];
    const counts = new ContextCounts((pid, id) => {
      asked.push(`${pid}/${id}`);
      return id === 7 ? 'price feed' : null;
    });
    const at = slot(3);
    for (const id of [7, 8, 7, 7]) counts.add(42, id, at, 1);
    assert.deepEqual(
      counts.figures('task').top.map(({ id, name, figure }) => [id, name, figure]),
      [
        [7, 'price feed', 3],
        [8, undefined, 1],
      ],
    );
    assert.deepEqual(asked, ['42/7', '42/8']);
  });

  it('stay within their bound, and lose no sample', () => {
    const counts = new ContextCounts(() => null, 100);
    const busy = slot(0);
    for (let id = 2; id <= 5_000; id++) {
      counts.add(1, 1, busy, 1);
      counts.add(1, id, slot(id), 1);
    }
    const rows = counts.figures('goroutine');
    assert.deepEqual(rows.top[0], { pid: 1, id: 1, figure: 4_999, nodes: [0, 4_999] });
    assert.ok(rows.top.length <= 51, `${rows.top.length} rows`);
    assert.equal(rows.seen, 5_000);
    assert.equal(
      rows.top.reduce((sum, { figure }) => sum + figure, rows.otherFigure),
      2 * 4_999,
    );
  });

  it('are labels in pprof, also of stacks that got their names later', () => {
    const profile = new StackCounts([{ id: 'cpu', unit: 'nanoseconds', period: 1e7 }]);
    const stack = (stackId: bigint) =>
      profile.addStack({ stackId, pid: 42, generation: 0, kernel: [], user: [], exact: [], truncated: null })!;
    const hit = (stackId: bigint, goroutine: number, count: number) => {
      for (let timeNs = 0; timeNs < count; timeNs++)
        profile.addSample(
          cpuSample({ stackId, timeNs, pid: 42, tid: 42, label: ofGoroutine(goroutine), threadName: 'main' }),
        );
    };
    const late = stack(1n);
    hit(1n, 18, 5);
    hit(1n, 0, 2);
    profile.resolved(late, [[frame('work', 20)], [frame('main', 12)]]);
    hit(1n, 21, 3);
    const snapshot = profile.snapshot();
    const text = [...speedscopeText(snapshot, HEAD)].join('');
    profile.release();
    const recording = parseRecording(text, 'test');
    assert.equal(recording.ebpfTracer?.metrics[0].contexts[0].seen, 2);
    const { sample, stringTable } = Profile.decode(encodePprof(recording));
    assert.deepEqual(
      sample.map(({ value, label }) => [
        Number(value[0]),
        label.map(({ key, num }) => `${stringTable.strings[Number(key)]} ${num}`).join(),
      ]),
      [
        [5, 'goroutine 18'],
        [3, 'goroutine 21'],
        [2, ''],
      ],
    );
  });
});
