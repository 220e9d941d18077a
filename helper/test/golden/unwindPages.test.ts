// What the helper writes into the kernel's unwind pages, looked up again by the kernel's own search (unwind/pageSearch.c).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import type { ChunkMaps } from '../../src/bpf/chunkMaps';
import { type CodeMapping, placeCode } from '../../src/unwind/load/code';
import { CHUNK_BYTES, CHUNKS_MAX, PagePool } from '../../src/unwind/load/pages';
import { TablePlacer } from '../../src/unwind/load/tables';
import { UNWIND_EXACT, UNWIND_NONE, UNWIND_WIDE } from '../../src/unwind/rows';
import type { UnwindTable } from '../../src/unwind/table';
import { tableOfRows } from '../unit/unwind/tableOfRows';
import { build } from './unwind/build';

/** CODE_MAPPED and CODE_GO of bpf/events.h. */
const [MAPPED, GO] = [1, 2];

interface Search {
  write(chunk: number, offsetBytes: number, bytes: Uint8Array, sizeBytes: number): void;
  removeAll(): void;
  ruleAt(codePage: number, address: bigint): bigint;
  wideRuleAt(index: number, rule: Buffer): void;
}

function loadSearch(): Search | null {
  // Another text of the headers is another command, so that it is built anew.
  const headers = ['lib/unwind_pages.bpf.h', 'events.h', 'unwind_rows.h'].map((name) =>
    readFileSync(join('bpf', name)),
  );
  const version = `-DHEADERS=${createHash('sha1').update(Buffer.concat(headers)).digest('hex')}`;
  const command = ['cc', version, '-shared', '-fPIC', '-O1', '-Wall', '-o', 'OUT', '../pageSearch.c'];
  const path = build('page-search', [command], '../pageSearch.c');
  if (path === null) return null;
  const library = koffi.load(path);
  return {
    write: library.func('void write_chunk(uint32_t, uint32_t, const void *, uint32_t)'),
    removeAll: library.func('void remove_chunks()'),
    ruleAt: library.func('uint64_t rule_at(uint32_t, uint64_t)'),
    wideRuleAt: library.func('void wide_rule_at(uint32_t, void *)'),
  };
}

describe("unwind pages, by the kernel's own search", () => {
  let search: Search;
  let pool: PagePool;

  before(function () {
    const loaded = loadSearch();
    if (loaded === null) {
      console.log('      skipped: there is no C compiler');
      return this.skip();
    }
    search = loaded;
  });
  beforeEach(() => {
    const chunks = {
      // What the helper did not write is not zero by chance.
      create: (number: number) => search.write(number, 0, Buffer.alloc(CHUNK_BYTES, 0xee), CHUNK_BYTES),
      write: (number: number, offsetBytes: number, bytes: Uint8Array) =>
        search.write(number, offsetBytes, bytes, bytes.length),
    };
    pool = new PagePool(chunks as unknown as ChunkMaps, CHUNKS_MAX * CHUNK_BYTES);
  });
  afterEach(() => search.removeAll());

  /** Null: no range holds the address. */
  function find(codePage: number, address: number): { rule: number; flags: number } | null {
    const found = BigInt(search.ruleAt(codePage, BigInt(address)));
    return found === 2n ** 64n - 1n ? null : { rule: Number(found & 0xffff_ffffn), flags: Number(found >> 32n) };
  }

  function mappingOf(table: UnwindTable, placer: TablePlacer, start = 0x7f00_0000_0000): CodeMapping {
    const placed = placer.place(table)!;
    const end = start + 0x1000 * Math.ceil((table.segments[0].sizeBytes + 0x1000) / 0x1000);
    return { start, end, fileOffset: 0x1000, keepsFramePointers: false, table: { ...table, placed } };
  }

  for (const count of [1, 2, 100, 256, 257, 512, 513, 30_000, 524_288, 524_289, 1_200_000])
    it(`finds every rule of a table of ${count} rows`, () => {
      const table = tableOfRows(count);
      const mapping = mappingOf(table, new TablePlacer(pool));
      const { codePage } = placeCode(pool, [mapping])!;
      assert.equal(find(codePage, mapping.start - 1), null);
      assert.deepEqual(
        find(codePage, mapping.start + 15),
        { rule: UNWIND_NONE, flags: MAPPED },
        'before the first row',
      );
      for (let i = 0; i < count; i += count > 5_000 ? 611 : 1) {
        const rule = table.rows[2 * i + 1];
        for (const within of [0, 15])
          assert.deepEqual(find(codePage, mapping.start + 16 + 16 * i + within), { rule, flags: MAPPED });
      }
      assert.deepEqual(find(codePage, mapping.end), { rule: UNWIND_NONE, flags: 0 }, 'behind it');
      if (count >= 30_000) assert.ok(pool.heldBytes <= 16 * count, `${pool.heldBytes / count} bytes per row`);
    });

  it('keeps small tables apart in one page, and many mappings in several', () => {
    const placer = new TablePlacer(pool);
    const tables = Array.from({ length: 300 }, (_, i) => tableOfRows(2 + (i % 40)));
    const mappings = tables.map((table, i) => ({
      ...mappingOf(table, placer, 0x7f00_0000_0000 + i * 0x10_0000),
      keepsFramePointers: i % 3 === 0,
    }));
    const { codePage } = placeCode(pool, mappings)!;
    assert.ok(codePage >= 0x8000_0000, 'an index over several pages');
    mappings.forEach(({ start, end, keepsFramePointers }, i) => {
      assert.deepEqual(find(codePage, start + 16), {
        rule: tables[i].rows[1],
        flags: keepsFramePointers ? MAPPED | GO : MAPPED,
      });
      assert.deepEqual(find(codePage, end), { rule: UNWIND_NONE, flags: 0 }, 'a gap');
    });
  });

  it('names wide rules by their place in the pages', () => {
    const words = [1, 2, 3, 4, 5, 6, 7, 8];
    const table = { ...tableOfRows(2), wideRules: Uint32Array.from(words) };
    table.rows[1] = UNWIND_WIDE | UNWIND_EXACT | (1 << 8);
    const mapping = mappingOf(table, new TablePlacer(pool));
    const { rule } = find(placeCode(pool, [mapping])!.codePage, mapping.start + 16)!;
    assert.equal(rule & 0xff, UNWIND_WIDE | UNWIND_EXACT);
    const wide = Buffer.alloc(16);
    search.wideRuleAt(rule >>> 8, wide);
    assert.deepEqual(
      [0, 4, 8, 12].map((at) => wide.readUInt32LE(at)),
      words.slice(4),
    );
  });
});
