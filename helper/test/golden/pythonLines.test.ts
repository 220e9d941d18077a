// Line tables of CPython's own standard library, decoded here and by the interpreter that made them (PyCode_Addr2Line): every
// instruction of every function.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type LineTableFormat, lineOf } from '../../src/runtimes/python/lines';
import { interpreters } from './python/interpreters';

const PROGRAM = join(__dirname, '../../../../../helper/test/golden/python/lines.py');
const MATRIX = process.env.MATRIX === '1';
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

describe('line tables of Python code, against the interpreter', function () {
  this.timeout(120_000);
  for (const interpreter of interpreters(MATRIX))
    it(interpreter.name, function () {
      const missing = interpreter.missing();
      if (missing !== null) {
        console.log(`      skipped: ${missing}`);
        this.skip();
      }
      const [program, ...rest] = interpreter.command(PROGRAM);
      const run = spawnSync(program, [...rest, MATRIX ? '1' : '0'], { maxBuffer: MAX_OUTPUT_BYTES });
      assert.equal(run.status, 0, run.stderr.toString());
      const [first, ...rows] = run.stdout.toString('latin1').trimEnd().split('\n');
      const minor = (Number(first) >>> 16) & 0xff;
      const format: LineTableFormat = minor < 10 ? 'lnotab' : minor === 10 ? 'ranges' : 'locations';
      let withoutLine = 0;
      for (const row of rows) {
        const [firstLine, hex, lines] = JSON.parse(row) as [number, string, number[]];
        const table = Buffer.from(hex, 'hex');
        lines.forEach((line, unit) => {
          const found = lineOf(format, table, firstLine, unit * 2);
          if (found === null) withoutLine++;
          // Some versions say 0 and some -1 where there is none.
          assert.equal(found ?? -1, line > 0 ? line : -1, `byte ${unit * 2} of a function at line ${firstLine}`);
        });
      }
      assert.ok(rows.length > 100);
      if (minor >= 10) assert.ok(withoutLine > 0, 'instructions without a line are among them');
    });
});
