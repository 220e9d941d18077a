// Unwind tables of every program and library of this system, and of Debian's arm64 packages, against `readelf -wF`: no row
// may be wrong, fewer than one in a thousand without a compact form, and those are listed. Runs with MATRIX=1 (some ten
// minutes); the fixed subset of unwindTable.test.ts always does.

import assert from 'node:assert/strict';
import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from '../../src/bytes/cursor';
import { ROW_WORDS } from '../../src/unwind/rows';
import { arm64Packages } from './unwind/arm64Packages';
import { has, tableOf } from './unwind/build';
import { compareWithReadelf } from './unwind/readelfOracle';

const MAX_UNEXPRESSIBLE = 0.001;
const ELF_HEAD = 0x7f454c46;
const ET_EXEC = 2;
const ET_DYN = 3;
/** Debug files have no unwind information of their own; the rest is as it should be: not for 64-bit Linux here. */
const SKIPPED_FOLDERS = ['/usr/lib/debug'];
const REFUSED = /32-bit|big-endian|for machine|no executable code|not an ELF file|too small/;

/** Programs and shared libraries, each once whatever its names; objects that are still to be linked are none. */
function* programsIn(folder: string, seen = new Set<string>()): Generator<string> {
  if (SKIPPED_FOLDERS.includes(folder)) return;
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return;
  }
  for (const name of names) {
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) yield* programsIn(path, seen);
    if (!stat?.isFile() || stat.size < 64 || seen.has(`${stat.dev}:${stat.ino}`)) continue;
    seen.add(`${stat.dev}:${stat.ino}`);
    if (isProgram(path)) yield path;
  }
}

function isProgram(path: string): boolean {
  const head = Buffer.alloc(18);
  try {
    const fd = openSync(path, 'r');
    readSync(fd, head, 0, head.length, 0);
    closeSync(fd);
  } catch {
    return false;
  }
  return head.readUInt32BE(0) === ELF_HEAD && [ET_EXEC, ET_DYN].includes(head.readUInt16LE(16));
}

async function compareAll(folders: string[]): Promise<void> {
  const sum = { files: 0, functions: 0, readelfRows: 0, rows: 0, unexpressible: 0, compileMs: 0 };
  const wrong: string[] = [];
  const unexpressible: string[] = [];
  for (const folder of folders)
    for (const path of programsIn(folder)) {
      try {
        const { table, arch, elapsedMs, isLinkers } = await tableOf(path);
        const found = await compareWithReadelf(path, table, arch, '.eh_frame', isLinkers);
        sum.files++;
        sum.functions += found.functions;
        sum.readelfRows += found.rows;
        sum.rows += table.rows.length / ROW_WORDS;
        sum.compileMs += elapsedMs;
        for (const { count, why } of table.unexpressible) {
          sum.unexpressible += count;
          unexpressible.push(`${path}: ${count}, ${why}`);
        }
        if (found.wrong > 0) wrong.push(`${path}: ${found.wrong} wrong: ${found.examples[0]}`);
        for (const problem of table.problems) wrong.push(`${path}: ${problem}`);
      } catch (error) {
        if (!(error instanceof FormatError && REFUSED.test(error.message))) wrong.push(`${path}: ${error}`);
      }
    }
  console.log(`      ${JSON.stringify({ ...sum, compileMs: Math.round(sum.compileMs) })}`);
  for (const line of unexpressible) console.log(`      no compact form: ${line}`);
  assert.deepEqual(wrong, []);
  assert.ok(sum.files > 10);
  assert.ok(sum.unexpressible < sum.rows * MAX_UNEXPRESSIBLE);
}

describe('unwind tables of whole systems against readelf', function () {
  this.timeout(60 * 60_000);
  before(function () {
    const why = !process.env.MATRIX ? 'takes ten minutes: MATRIX=1' : has('readelf') ? null : 'there is no readelf';
    if (why === null) return;
    console.log(`      skipped: ${why}`);
    this.skip();
  });

  for (const folder of ['/usr/bin', '/usr/sbin', '/usr/lib'])
    it(`agree on ${folder}`, async () => {
      await compareAll([folder]);
    });

  it("agree on Debian's arm64 packages", async function () {
    const packages = arm64Packages();
    if ('why' in packages) {
      console.log(`      skipped: ${packages.why}`);
      this.skip();
    }
    await compareAll([packages.folder]);
  });
});
