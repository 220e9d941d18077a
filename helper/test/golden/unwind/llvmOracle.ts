// Which return addresses are signed, by llvm-dwarfdump, which prints the state that readelf keeps to itself: `reg34=1`.

import { spawnSync } from 'node:child_process';
import { rowAt, UNWIND_RA_SIGNED } from '../../../src/unwind/rows';
import type { UnwindTable } from '../../../src/unwind/table';

export function compareSignedWithLlvm(
  path: string,
  table: UnwindTable,
): { signed: number; unsigned: number; wrong: string[] } {
  const run = spawnSync('llvm-dwarfdump', ['--eh-frame', path], { encoding: 'utf8', maxBuffer: 1 << 30 });
  if (run.status !== 0) throw new Error(run.stderr);
  const found = { signed: 0, unsigned: 0, wrong: [] as string[] };
  // `  0x10414: CFA=W29+32: W29=[CFA-32], reg34=1`
  for (const [line, pcText] of run.stdout.matchAll(/^ {2}0x([0-9a-f]+): CFA=.*$/gm)) {
    const isSigned = /\b(reg34|RA_SIGN_STATE)=1\b/.test(line);
    if (isSigned) found.signed++;
    else found.unsigned++;
    const ours = table.rows[rowAt(table.rows, Number.parseInt(pcText, 16) - table.baseAddress) + 1] & UNWIND_RA_SIGNED;
    if ((ours !== 0) !== isSigned) found.wrong.push(line.trim());
  }
  return found;
}
