// What ran while requests were answered, as a part of a recording: exactly the samples of their threads and their time.
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { timesMs } from '../../../helper/src/protocol';
import { parseRecording } from '../../src/load';
import type { Moment } from '../../src/moments';
import { samplesWithin, showPart, wholeOf } from '../../src/part';
import { fixtureRecording } from '../fixtureRecording';

describe('stretches of threads', () => {
  const file = fixtureRecording({ times: true });
  const recording = parseRecording(JSON.stringify(file), 'x');
  const { threads, metrics } = recording.extra!;
  const { thread } = metrics[0].timeline!;
  const times = timesMs(metrics[0].timeline!);
  const moment = (index: number, fromMs: number, toMs: number): Moment => ({
    pid: threads[index].pid,
    tid: threads[index].tid,
    range: { fromMs, toMs },
  });
  const shown = (of: Moment[]) =>
    Math.round(showPart(recording, { ...wholeOf(0), moments: { title: 'x', of } }).profile.totalWeight);
  const weight = (isIn: (index: number, atMs: number) => boolean) =>
    Math.round(recording.profiles[0].weights.reduce((sum, one, i) => sum + (isIn(thread[i], times[i]) ? one : 0), 0));

  it('hold the samples of their threads and their time, each once', () => {
    const whole = recording.profiles[0].totalWeight;
    const [half, most] = [times[times.length >> 1], times[times.length - 1]];
    const first = weight((index, at) => index === 0 && at < half);
    ok(first > 0 && first < whole);
    strictEqual(shown([moment(0, 0, half)]), first);
    strictEqual(shown([moment(0, 0, half), moment(0, 0, half / 2), moment(0, half / 3, half)]), first);
    const two = weight((index, at) => (index === 0 && at < half) || (index === 1 && at >= half && at < most));
    strictEqual(shown([moment(1, half, most), moment(0, 0, half)]), two);
    const apart = weight((index, at) => index === 0 && ((at >= 0 && at < half / 4) || (at >= half / 2 && at < half)));
    strictEqual(shown([moment(0, half / 2, half), moment(0, 0, half / 4)]), apart);
  });

  it('of a thread that is not there, or of no time, hold nothing', () => {
    const nobody = { pid: 1, tid: 1, range: { fromMs: 0, toMs: 1e9 } };
    for (const of of [[], [nobody], [moment(0, 5, 5)], [moment(0, 1e9, 2e9)]])
      deepStrictEqual([shown(of), samplesWithin(recording, 0, { title: 'x', of })], [0, 0]);
  });
});
