// Shares, their sampling error, and numbers as text.
import { strictEqual } from 'node:assert';
import { describeShare, formatMs, formatShare, formatWeight } from '../../src/shares';

describe('shares', () => {
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
