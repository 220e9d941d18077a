// What goes into the kernel's unwind pages, looked up again as bpf/lib/unwind_pages.bpf.h does it.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChunkMaps } from '../../src/bpf/chunkMaps';
import { CODE_RANGES, type CodeMapping, placeCode } from '../../src/unwind/load/code';
import { CHUNK_BYTES, CHUNK_PAGES, CHUNKS_MAX, PagePool } from '../../src/unwind/load/pages';
import { TablePlacer } from '../../src/unwind/load/tables';
import { UNWIND_NONE, UNWIND_PAGE_BYTES, UNWIND_SP, UNWIND_WIDE } from '../../src/unwind/rows';
import type { UnwindTable } from '../../src/unwind/table';

const HEADER = [__dirname, join(__dirname, '../../../../..')]
  .flatMap((folder) => [join(folder, 'bpf/events.h'), join(folder, '../../../bpf/events.h')])
  .find((path) => existsSync(path))!;

/** The kernel's memory, as bytes. */
class Memory {
  readonly chunks = new Map<number, Buffer>();
  /** Chunks shown to the kernel's programs, by call. */
  readonly links: number[][] = [];
  create(number: number): void {
    assert.ok(!this.chunks.has(number));
    this.chunks.set(number, Buffer.alloc(CHUNK_BYTES, 0xee));
  }
  link(): void {
    this.links.push([...this.chunks.keys()].filter((number) => !this.links.flat().includes(number)));
  }
  write(number: number, offsetBytes: number, bytes: Uint8Array): void {
    this.chunks.get(number)!.set(bytes, offsetBytes);
  }
  remove(number: number): void {
    assert.ok(this.chunks.delete(number));
  }
  close(): void {
    this.chunks.clear();
  }
  page(number: number): Buffer {
    const at = (number % CHUNK_PAGES) * UNWIND_PAGE_BYTES;
    return this.chunks.get(Math.floor(number / CHUNK_PAGES))!.subarray(at, at + UNWIND_PAGE_BYTES);
  }
}

function poolOf(ceilingBytes = CHUNKS_MAX * CHUNK_BYTES): { memory: Memory; pool: PagePool } {
  const memory = new Memory();
  return { memory, pool: new PagePool(memory as unknown as ChunkMaps, ceilingBytes) };
}

/** Rows at pcs 16, 32, … with rules that tell them apart. */
function tableOf(count: number): UnwindTable {
  const rows = new Uint32Array(count * 2);
  for (let i = 0; i < count; i++) {
    rows[2 * i] = 16 + 16 * i;
    rows[2 * i + 1] = i === count - 1 ? UNWIND_NONE : (UNWIND_SP | (i << 8)) >>> 0;
  }
  const segments = [{ fileOffset: 0x1000, address: 0x40_1000, sizeBytes: 16 * count + 64 }];
  const rest = { wideRules: new Uint32Array(0), unexpressible: [], problems: [], isGo: false };
  return { buildId: null, arch: 'x86-64', baseAddress: 0x40_1000, rows, segments, ...rest };
}

/** Last index below `count` whose word is not above the key, by halving, as in the kernel. */
function search(count: number, key: number, at: (index: number) => number): number {
  let [found, left] = [0, count];
  while (left > 1) {
    const half = left >>> 1;
    if (at(found + half) <= key) found += half;
    left -= half;
  }
  return found;
}

function ruleAt(memory: Memory, codePage: number, address: number): number | null {
  let page = codePage & 0x7fff_ffff;
  const starts = (bytes: Buffer) => (i: number) => Number(bytes.readBigUInt64LE(i * 8));
  if (codePage >= 0x8000_0000) page += 1 + search(512, address, starts(memory.page(page)));
  const code = memory.page(page);
  const ranges = code.readUInt32LE(CODE_RANGES * 8 + 20);
  const i = search(ranges, address, starts(code));
  if (starts(code)(i) > address) return null;
  const range = code.subarray(CODE_RANGES * 8 + i * 24);
  const [count, levels, indexCount] = [range.readUInt16LE(14), range.readUInt8(16), range.readUInt16LE(18)];
  if (count === 0) return null;
  const pc = Number(BigInt.asUintN(64, BigInt(address) - range.readBigUInt64LE(0)));
  const root = range.readUInt32LE(8);
  let rows = root;
  const pcs = (number: number) => (index: number) => memory.page(number).readUInt32LE(index * 4);
  if (levels > 0) {
    const above = search(indexCount, pc, pcs(root));
    rows = root + 1 + above;
    if (levels === 2) rows = root + 1 + indexCount + above * 1024 + search(1024, pc, pcs(rows));
  }
  const bytes = memory.page(rows);
  const row =
    range.readUInt16LE(12) + search(count, pc, (index) => bytes.readUInt32LE((range.readUInt16LE(12) + index) * 8));
  return bytes.readUInt32LE(row * 8) <= pc ? bytes.readUInt32LE(row * 8 + 4) : UNWIND_NONE;
}

function mappingOf(table: UnwindTable, placer: TablePlacer, start = 0x7f00_0000_0000): CodeMapping {
  const placed = placer.place(table)!;
  const end = start + 0x1000 * Math.ceil((table.segments[0].sizeBytes + 0x1000) / 0x1000);
  return { start, end, fileOffset: 0x1000, isGo: false, goroutines: null, table: { ...table, placed } };
}

describe('loading unwind tables', () => {
  it('agrees with bpf/events.h on sizes', () => {
    const text = readFileSync(HEADER, 'utf8');
    const value = (name: string) => Number(new RegExp(`#define ${name}\\s+(\\w+)`).exec(text)?.[1]);
    assert.equal(CHUNK_PAGES, value('UNWIND_CHUNK_PAGES'));
    assert.equal(CHUNKS_MAX, value('UNWIND_CHUNKS_MAX'));
    assert.equal(CODE_RANGES, value('CODE_RANGES'));
  });

  for (const count of [1, 2, 100, 256, 257, 512, 513, 30_000, 524_288, 524_289, 1_200_000])
    it(`finds every rule of a table of ${count} rows`, () => {
      const { memory, pool } = poolOf();
      const placer = new TablePlacer(pool);
      const table = tableOf(count);
      const mapping = mappingOf(table, placer);
      const { codePage } = placeCode(pool, [mapping])!;
      assert.equal(ruleAt(memory, codePage, mapping.start + 15), UNWIND_NONE, 'before the first row');
      for (let i = 0; i < count; i += count > 5_000 ? 611 : 1) {
        const rule = table.rows[2 * i + 1];
        for (const within of [0, 15])
          assert.equal(ruleAt(memory, codePage, mapping.start + 16 + 16 * i + within), rule);
      }
      if (count >= 30_000) assert.ok(pool.heldBytes <= 16 * count, `${pool.heldBytes / count} bytes a row`);
    });

  it('keeps small tables apart in one page, and many mappings in several', () => {
    const { memory, pool } = poolOf();
    const placer = new TablePlacer(pool);
    const tables = Array.from({ length: 300 }, (_, i) => tableOf(2 + (i % 40)));
    const mappings = tables.map((table, i) => mappingOf(table, placer, 0x7f00_0000_0000 + i * 0x10_0000));
    const { codePage } = placeCode(pool, mappings)!;
    assert.ok(codePage >= 0x8000_0000, 'an index over several pages');
    mappings.forEach(({ start, end }, i) => {
      assert.equal(ruleAt(memory, codePage, start + 16), tables[i].rows[1]);
      assert.equal(ruleAt(memory, codePage, end), null, 'a gap');
    });
  });

  it('names wide rules by their place in the pages', () => {
    const { memory, pool } = poolOf();
    const table = { ...tableOf(2), wideRules: Uint32Array.from([1, 2, 3, 4, 5, 6, 7, 8]) };
    table.rows[1] = UNWIND_WIDE | 0x20 | (1 << 8);
    const mapping = mappingOf(table, new TablePlacer(pool));
    const rule = ruleAt(memory, placeCode(pool, [mapping])!.codePage, mapping.start + 16)!;
    assert.equal(rule & 0xff, UNWIND_WIDE | 0x20);
    const index = rule >>> 8;
    assert.equal(memory.page(Math.floor(index / 256)).readUInt32LE((index % 256) * 16), 5);
  });

  it('shows all its memory at once, where the kernel waits with each change', () => {
    const { memory, pool } = poolOf();
    const placer = new TablePlacer(pool);
    const mappings = [60_000, 100].map((count, i) =>
      mappingOf(tableOf(count), placer, 0x7f00_0000_0000 + i * 0x1000_0000),
    );
    placeCode(pool, mappings);
    assert.ok(memory.chunks.size > 3);
    assert.ok(pool.commit());
    assert.deepEqual(memory.links, [[...memory.chunks.keys()]]);
  });

  it('stays below its ceiling, and gives memory back', () => {
    const { memory, pool } = poolOf(3 * CHUNK_BYTES);
    const taken = pool.take(3 * CHUNK_PAGES);
    assert.equal(taken, 0);
    assert.equal(pool.take(1), null);
    assert.equal(memory.chunks.size, 3);
    pool.release(0, 3 * CHUNK_PAGES);
    assert.equal(pool.take(1), null, 'it rests, for who may still hold it');
    const { now } = performance;
    performance.now = () => now.call(performance) + 60_000;
    try {
      pool.trim();
    } finally {
      performance.now = now;
    }
    assert.equal(memory.chunks.size, 0);
    assert.equal(pool.heldBytes, 0);
    assert.equal(pool.take(2 * CHUNK_PAGES), 0);
  });
});
