// Inlined functions level by level against llvm-symbolizer, with addr2line where the two differ. A small subset in every
// run; MATRIX=1 takes every variant with 20,000 addresses.

import assert from 'node:assert/strict';
import { aliasesOf, askAddr2line, askLlvmLevels, compareLevels, levelsOf } from './inline/compare';
import { buildVariant, SMALL_SET, VARIANTS } from './inline/variants';
import { newestLlvm } from './llvmTools';
import { has } from './symbolize/build';
import { openForTest, sampleAddresses } from './symbolize/oracle';

const MATRIX = process.env.MATRIX === '1';
const ADDRESSES = MATRIX ? 20_000 : 1_500;
/** Of all addresses. That addr2line says the same as we do excuses nothing here: both might have it wrong. */
const MAX_DIFFERENT = 0.005;

const LLVM = newestLlvm('llvm-symbolizer');

describe('inlined functions against llvm-symbolizer and addr2line', function () {
  this.timeout(MATRIX ? 600_000 : 120_000);
  before(function () {
    if (LLVM && has('addr2line')) return;
    console.log('      skipped: llvm-symbolizer or addr2line is not installed');
    this.skip();
  });

  for (const variant of MATRIX ? VARIANTS : SMALL_SET)
    it(variant.name, async function () {
      if (LLVM!.major < (variant.llvmSince ?? 0)) {
        console.log(`      skipped: llvm-symbolizer ${LLVM!.major} is wrong about it, ${variant.llvmSince} is right`);
        return this.skip();
      }
      const built = buildVariant(variant);
      if (typeof built === 'string') {
        console.log(`      skipped: ${variant.name} did not build (${built})`);
        return this.skip();
      }
      const { program, oracle } = built;
      const opened = await openForTest(program);
      try {
        const addresses = sampleAddresses(opened.elf, ADDRESSES);
        assert.ok(addresses.length >= ADDRESSES, `only ${addresses.length} addresses`);
        const ours = addresses.map((address) => levelsOf(opened.symbols.placesAt(address)));
        const llvm = askLlvmLevels(LLVM!.command, oracle, addresses);
        const isAlias = aliasesOf(oracle);
        const { kinds, examples } = compareLevels(addresses, ours, llvm, (few) => askAddr2line(oracle, few), isAlias);
        const levels = ours.reduce((sum, { length }) => sum + length, 0) / ours.length;
        if (MATRIX) {
          const counts = [...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ');
          console.log(
            `      ${variant.name}: ${addresses.length} addresses, ${levels.toFixed(2)} levels each: ${counts}`,
          );
        }
        const different = (kinds.get('different') ?? 0) + (kinds.get('addr2line agrees with us') ?? 0);
        assert.ok(
          different <= addresses.length * MAX_DIFFERENT,
          `${different} of ${addresses.length}\n${[...examples.values()].flat().join('\n')}`,
        );
        // At -O0 nothing is inlined but what asks for it; elsewhere the test would be idle without.
        assert.ok(/-O0/.test(variant.name) || levels > 1.3, `${levels} levels an address`);
        assert.deepEqual([...opened.symbols.problems], []);
      } finally {
        opened.close();
      }
    });
});
