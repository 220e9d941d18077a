// The tab of changes: what a change is written as, and in which order rows stand.
import { deepStrictEqual, strictEqual } from 'node:assert';
import type { ChangeRow } from '../../../helper/src/protocol';
import { COMPARE_CHANGES, formatChange } from '../../src/views/changesTable';

const row = (name: string, a: number, b: number, verdict: ChangeRow['verdict']): ChangeRow => ({
  ...{ name, file: null, line: null, before: null, a, b, verdict },
  change: a === 0 ? null : b / a - 1,
  low: 0,
  high: null,
});

describe('changes', () => {
  it('are written with their sign, and without an end where there is none', () => {
    strictEqual(formatChange(0.123), '+12.3\u00a0%');
    strictEqual(formatChange(-0.25), '−25.0\u00a0%');
    strictEqual(formatChange(0), '0\u00a0%');
    strictEqual(formatChange(24.14), '+2,414\u00a0%');
    strictEqual(formatChange(null), '∞');
  });

  it('stand by their size, noise last, whatever its size', () => {
    const rows = [row('small', 0.1, 0.12, 'more'), row('noise', 0.1, 0.3, 'noise'), row('new', 0, 0.2, 'new')];
    const names = (column: string) => [...rows].sort((x, y) => -COMPARE_CHANGES[column](x, y)).map(({ name }) => name);
    deepStrictEqual(names('effect'), ['new', 'small', 'noise']);
    deepStrictEqual(names('change'), ['new', 'noise', 'small']);
    deepStrictEqual(names('b'), ['noise', 'new', 'small']);
  });
});
