// Inlined functions of Debian's own programs against llvm-symbolizer and addr2line, with the debug packages laid in a folder of
// the user's: names, files and lines at each level of 20,000 addresses a program. Runs with MATRIX=1 (it downloads 600 MB).

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { openDebugFiles } from '../../src/elf/debugFiles';
import { OWN_ROOT } from '../../src/process/roots';
import { aliasesOf, askAddr2line, askLlvmLevels, compareLevels, levelsOf } from './inline/compare';
import { PROGRAMS, unpackedPackages } from './inline/debianPackages';
import { newestLlvm } from './llvmTools';
import { has } from './symbolize/build';
import { type Opened, openForTest, sampleAddresses } from './symbolize/oracle';

const ADDRESSES = 20_000;
const MAX_DIFFERENT = 0.005;
const LLVM = newestLlvm('llvm-symbolizer');

/** As a recording finds it, with `folder` as the user's. */
function debugFileOf(program: string, { elf }: Opened, folder: string): string | null {
  const description = { buildId: elf.buildId, debugLink: elf.debugLink(), wantsDebugFile: true };
  const found = openDebugFiles({ path: program, root: OWN_ROOT }, description, () => 0, [folder]);
  for (const { fd } of found) closeSync(fd);
  return found.at(0)?.path ?? null;
}

/** Of the debug file's own table, because programs are stripped. */
async function addressesOf({ elf }: Opened, debugPath: string): Promise<number[]> {
  const debug = await openForTest(debugPath);
  const addresses = sampleAddresses(debug.elf, ADDRESSES).filter((address) => elf.isCode(address));
  debug.close();
  return addresses;
}

describe("Debian's programs with their debug packages, against llvm-symbolizer and addr2line", function () {
  this.timeout(30 * 60_000);
  before(function () {
    const missing = ['apt-get', 'dpkg-deb', 'addr2line'].find((tool) => !has(tool));
    const why = !process.env.MATRIX
      ? 'downloads 600 MB: MATRIX=1'
      : !LLVM
        ? 'there is no llvm-symbolizer'
        : missing && `there is no ${missing}`;
    if (!why) return;
    console.log(`      skipped: ${why}`);
    this.skip();
  });

  for (const debian of PROGRAMS)
    it(debian.name, async function () {
      const unpacked = unpackedPackages(debian);
      if ('why' in unpacked) {
        console.log(`      skipped: ${unpacked.why}`);
        return this.skip();
      }
      const program = join(unpacked.folder, debian.program);
      const stripped = await openForTest(program);
      const debugPath = debugFileOf(program, stripped, unpacked.folder);
      assert.ok(debugPath !== null, 'no debug file');
      assert.ok(debugPath.startsWith(unpacked.folder), debugPath);
      const addresses = await addressesOf(stripped, debugPath);
      stripped.close();
      const opened = await openForTest(program, debugPath);
      try {
        assert.ok(addresses.length >= ADDRESSES * 0.9, `only ${addresses.length} addresses`);
        const ours = addresses.map((address) => levelsOf(opened.symbols.placesAt(address)));
        const llvm = askLlvmLevels(LLVM!.command, debugPath, addresses);
        const { kinds, examples } = compareLevels(
          addresses,
          ours,
          llvm,
          (few) => askAddr2line(debugPath, few),
          aliasesOf(debugPath),
        );
        const levels = ours.reduce((sum, { length }) => sum + length, 0) / ours.length;
        const counts = [...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ');
        console.log(`      ${debian.name}: ${addresses.length} addresses, ${levels.toFixed(2)} levels each: ${counts}`);
        // The rest, explained by kind.
        for (const [kind, [example]] of examples) console.log(`      ${kind}: ${example}`);
        const different = (kinds.get('different') ?? 0) + (kinds.get('addr2line agrees with us') ?? 0);
        assert.ok(
          different <= addresses.length * MAX_DIFFERENT,
          `${different} of ${addresses.length}\n${[...examples.values()].flat().join('\n')}`,
        );
        assert.deepEqual([...opened.symbols.problems], []);
      } finally {
        opened.close();
      }
    });
});
