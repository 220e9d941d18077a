// How far a sampled share may be off, the same for report, page and hovers.

import { ok, strictEqual } from 'node:assert';
import { samplingError95, shareInterval95 } from '../../src/protocol';
import { randomFrom } from '../tools/mutate';

describe('the sampling error of a share', () => {
  it('gives the Wilson interval (values from the formula, computed by hand)', () => {
    const { low, high } = shareInterval95(0.1, 100);
    ok(Math.abs(low - 0.05523) < 1e-4 && Math.abs(high - 0.17437) < 1e-4, `${low} ${high}`);
  });

  it('stays inside 0 to 1 and open where nothing or everything was hit', () => {
    const none = shareInterval95(0, 50);
    const all = shareInterval95(1, 50);
    strictEqual(none.low, 0);
    strictEqual(all.high, 1);
    ok(none.high > 0.05 && all.low < 0.95);
    strictEqual(shareInterval95(0, 0).high, 1);
  });

  it('covers the true share in 95 of 100 recordings', () => {
    // 2,000 recordings of 400 samples of a function with 12 %: a fixed sequence of uniform numbers.
    const uniform = randomFrom(1);
    let covered = 0;
    for (let recording = 0; recording < 2000; recording++) {
      let hits = 0;
      for (let sample = 0; sample < 400; sample++) if (uniform() < 0.12) hits++;
      const { low, high } = shareInterval95(hits / 400, 400);
      if (low <= 0.12 && 0.12 <= high) covered++;
    }
    ok(covered > 1870 && covered < 1930, `${covered} of 2000`);
  });

  it('is four points for 600 samples at one half, and shrinks with the root', () => {
    // Brown, Cai, DasGupta (2001): for p = 0.5 and n = 600 half the width is 0.0399.
    ok(Math.abs(samplingError95(0.5, 600) - 0.0399) < 5e-4);
    ok(Math.abs(samplingError95(0.5, 60_000) - 0.004) < 1e-4);
    for (const share of [0, 1]) ok(samplingError95(share, 10) > 0.1);
    strictEqual(samplingError95(0.5, 0), 1);
  });
});
