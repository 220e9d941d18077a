// How the fields of an unwind row are put together and taken apart.

import assert from 'node:assert/strict';
import * as rows from '../../src/unwind/rows';

describe('unwind rows', () => {
  it('keep each field apart', () => {
    const rule = (cfa: number, place: number, ra: number) =>
      (rows.UNWIND_SP |
        rows.UNWIND_EXACT |
        (ra << rows.UNWIND_RA_SHIFT) |
        (((cfa / 8) & ((1 << rows.UNWIND_CFA_BITS) - 1)) << rows.UNWIND_CFA_SHIFT) |
        ((place / 8) << rows.UNWIND_FP_SHIFT)) >>>
      0;
    for (const cfa of [0, 8, -8, 16, 65_528, -65_536])
      for (const place of [0, 8, 16, 8_184])
        for (const ra of [0, 1, 2, 3]) {
          const word = rule(cfa, place, ra);
          assert.equal(rows.kindOf(word), rows.UNWIND_SP);
          assert.equal(rows.cfaOffsetOf(word), cfa);
          assert.equal(rows.fpPlaceOf(word), place);
          assert.equal(rows.raPlaceOf(word), ra);
        }
    assert.equal(rows.wideIndexOf(((4095 << rows.UNWIND_WIDE_SHIFT) | rows.UNWIND_WIDE) >>> 0), 4095);
  });
});
