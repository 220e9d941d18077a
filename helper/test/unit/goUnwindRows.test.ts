// Go's own tables as rows: what damaged ones may cost. Sound ones are held against oracles in golden/unwindTable.test.ts.

import assert from 'node:assert/strict';
import { FormatError } from '../../src/bytes/cursor';
import { BufferSource } from '../../src/bytes/source';
import type { Pclntab } from '../../src/runtimes/go/pclntab/types';
import { addGoRows } from '../../src/runtimes/go/unwindRows';
import { RowCollector } from '../../src/unwind/rowCollector';
import { UNWIND_CFA_SHIFT, UNWIND_GO } from '../../src/unwind/rows';

const PCSP_AT = 65_536;
const PCSP_BYTES = 65_536;
const FUNCTION_BYTES = 44;

/** Go 1.20's layout: functions from `entries[i]` to `entries[i + 1]`, all with one table of (delta, step) pairs. */
function tableOf(entries: number[], pairs: [number, number]): Pclntab {
  const index = Buffer.alloc(entries.length * 8);
  entries.forEach((entry, i) => {
    index.writeUInt32LE(entry, i * 8);
  });
  const functions = Buffer.alloc(FUNCTION_BYTES);
  functions.writeUInt32LE(PCSP_AT, 16);
  const values = Buffer.alloc(PCSP_AT + PCSP_BYTES);
  for (let at = PCSP_AT; at < values.length; at += 2) values.set(pairs, at);
  const none = new BufferSource(Buffer.alloc(0));
  return {
    version: '1.20',
    pointerBytes: 8,
    quantum: 1,
    functionCount: entries.length - 1,
    textStart: 0,
    functionTable: new BufferSource(index),
    functions: new BufferSource(functions),
    names: none,
    unitFiles: null,
    files: none,
    pcValues: new BufferSource(values),
    inlines: null,
    goFunc: null,
    bytesAt: () => null,
  };
}

describe('Go’s tables, damaged', () => {
  it('end a function where a pair stands for no code', () => {
    const rows = new RowCollector();
    addGoRows(tableOf([0x1000, 0x2000], [18, 0]), { baseAddress: 0, endAddress: 0x10000 }, rows, false);
    const [pc, rule] = rows.finish();
    assert.equal(pc, 0x1000);
    // sp has moved by 8 with the first pair, from -1, and the CFA lies 16 above; not where all of the table's pairs would lead.
    assert.equal(rule, (UNWIND_GO | (2 << UNWIND_CFA_SHIFT)) >>> 0);
  });

  it('are given up where functions that lie over one another ask for more than any program has', () => {
    const entries = Array.from({ length: 2_001 }, (_, i) => (i % 2 === 0 ? 0x1000 + i : 0x9_0000 + i));
    assert.throws(
      () => addGoRows(tableOf(entries, [2, 1]), { baseAddress: 0, endAddress: 0x100_0000 }, new RowCollector(), false),
      FormatError,
    );
  });
});
