// The unwind row stands in two places, bpf/unwind_rows.h and unwind/rows.ts: they must say the same.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as rows from '../../src/unwind/rows';

const header = readFileSync(join(process.cwd(), 'bpf/unwind_rows.h'), 'utf8');

describe('unwind rows', () => {
  it('have the same numbers in bpf/unwind_rows.h and rows.ts', () => {
    const inHeader = new Map<string, number>();
    for (const [, body] of header.matchAll(/^enum \w+ \{\n([^}]+)\};/gm))
      for (const [, name, value] of body.replace(/\/\*.*?\*\//gs, '').matchAll(/(UNWIND_\w+) = (\w+),/g))
        inHeader.set(name, Number(value));
    const inTypeScript = Object.entries(rows).filter(([name]) => name.startsWith('UNWIND_'));
    assert.ok(inHeader.size > 35);
    assert.deepEqual(Object.fromEntries(inTypeScript), Object.fromEntries(inHeader));
  });

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
