// The memory that unwind pages are kept in: taken, shown to the kernel, given back. What is found in the pages is
// ../golden/unwindPages.test.ts's, with the kernel's own search.

import assert from 'node:assert/strict';
import type { ChunkMaps } from '../../src/bpf/chunkMaps';
import { type CodeMapping, placeCode } from '../../src/unwind/load/code';
import { CHUNK_BYTES, CHUNK_PAGES, CHUNKS_MAX, PagePool } from '../../src/unwind/load/pages';
import { TablePlacer } from '../../src/unwind/load/tables';
import type { UnwindTable } from '../../src/unwind/table';
import { tableOfRows } from './unwind/tableOfRows';

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
}

function poolOf(ceilingBytes = CHUNKS_MAX * CHUNK_BYTES): { memory: Memory; pool: PagePool } {
  const memory = new Memory();
  return { memory, pool: new PagePool(memory as unknown as ChunkMaps, ceilingBytes) };
}

function mappingOf(table: UnwindTable, placer: TablePlacer, start = 0x7f00_0000_0000): CodeMapping {
  const placed = placer.place(table)!;
  const end = start + 0x1000 * Math.ceil((table.segments[0].sizeBytes + 0x1000) / 0x1000);
  return { start, end, fileOffset: 0x1000, keepsFramePointers: false, table: { ...table, placed } };
}

describe('loading unwind tables', () => {
  it('shows all its memory at once, where the kernel waits with each change', () => {
    const { memory, pool } = poolOf();
    const placer = new TablePlacer(pool);
    const mappings = [60_000, 100].map((count, i) =>
      mappingOf(tableOfRows(count), placer, 0x7f00_0000_0000 + i * 0x1000_0000),
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
