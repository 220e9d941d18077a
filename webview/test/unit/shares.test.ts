// Shares, their sampling error, and numbers as text.
import { ok, strictEqual } from 'node:assert';
import { describeShare, formatMs, formatShare, formatWeight, shareInterval } from '../../src/shares';

describe('shares', () => {
  it('gives the Wilson interval (values from the formula, computed by hand)', () => {
    const { low, high } = shareInterval(10, 100);
    ok(Math.abs(low - 0.05523) < 1e-4 && Math.abs(high - 0.17437) < 1e-4, `${low} ${high}`);
  });

  it('stays inside 0 to 1 and open where nothing or everything was hit', () => {
    const none = shareInterval(0, 50);
    const all = shareInterval(50, 50);
    strictEqual(none.low, 0);
    strictEqual(all.high, 1);
    ok(none.high > 0.05 && all.low < 0.95);
    strictEqual(shareInterval(0, 0).high, 1);
  });

  it('covers the true share in 95 of 100 recordings', () => {
    // 2,000 recordings of 400 samples of a function with 12 %: a fixed sequence of uniform numbers.
    let state = 1;
    const uniform = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    let covered = 0;
    for (let recording = 0; recording < 2000; recording++) {
      let hits = 0;
      for (let sample = 0; sample < 400; sample++) if (uniform() < 0.12) hits++;
      const { low, high } = shareInterval(hits, 400);
      if (low <= 0.12 && 0.12 <= high) covered++;
    }
    ok(covered > 1870 && covered < 1930, `${covered} of 2000`);
  });

  it('tells samples, time and interval in the hover', () => {
    const share = describeShare(2e9, 10e9, { unit: 'nanoseconds', samplesPerWeight: 99e-9 });
    strictEqual(share.text, '20.0\u00a0%');
    strictEqual(share.error, '±\u00a02.5');
    strictEqual(
      share.title,
      '198 of 990 samples (2.00\u00a0s)\nWith 95 % confidence between 17.6\u00a0% and 22.6\u00a0%',
    );
  });

  it('claims no error where weights are not samples', () => {
    const share = describeShare(1, 4, { unit: 'seconds', samplesPerWeight: null });
    strictEqual(share.error, '');
    strictEqual(share.title, '1.00\u00a0s of 4.00\u00a0s');
  });

  it('writes numbers with their unit', () => {
    strictEqual(formatShare(0), '0\u00a0%');
    strictEqual(formatShare(0.0004), '0.04\u00a0%');
    strictEqual(formatShare(1), '100\u00a0%');
    strictEqual(formatMs(12), '12\u00a0ms');
    strictEqual(formatMs(61_234), '61.2\u00a0s');
    strictEqual(formatMs(125_000), '2\u00a0min 5\u00a0s');
    strictEqual(formatMs(3_900_000), '1\u00a0h 5\u00a0min');
    strictEqual(formatWeight(1_500_000, 'bytes'), '1.5\u00a0MB');
    strictEqual(formatWeight(1204, 'samples'), '1,204 samples');
  });
});
