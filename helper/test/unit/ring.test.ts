// The consumers of kernel buffers on buffers of our own making: files laid out as the kernel lays its memory out, mapped
// as the real ones are, looked at and copied (the way Electron needs).

import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCpuList } from '../../src/bpf/cpus';
import { native } from '../../src/bpf/libbpf';
import { PerfBuffer } from '../../src/bpf/perfBuffer';
import { RingBuffer } from '../../src/bpf/ringBuffer';

const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;

for (const zeroCopy of [true, false])
  describe(`buffers of the kernel, ${zeroCopy ? 'mapped' : 'copied'}`, () => {
    let folder: string;
    let page = 4096;

    before(function () {
      try {
        page = native().system.pageBytes;
      } catch (error) {
        console.log(`      skipped: ${(error as Error).message}`);
        this.skip();
      }
      folder = mkdtempSync(join(tmpdir(), 'ring-'));
    });
    after(() => folder && rmSync(folder, { recursive: true }));

    function emptyFile(bytes: number): number {
      const fd = openSync(join(folder, 'memory'), 'w+');
      ftruncateSync(fd, bytes);
      return fd;
    }
    const put64 = (fd: number, at: number, value: number) => {
      const word = Buffer.alloc(8);
      word.writeBigUInt64LE(BigInt(value));
      writeSync(fd, word, 0, 8, at);
    };
    const get64 = (fd: number, at: number): number => {
      const word = Buffer.alloc(8);
      readSync(fd, word, 0, 8, at);
      return Number(word.readBigUInt64LE());
    };

    /** A BPF ring buffer: its data is there twice in a row. */
    class FakeRing {
      readonly size = 64 * page;
      readonly fd = emptyFile(2 * page + 2 * this.size);
      private produced: number;
      constructor(start = 0) {
        this.produced = start;
        put64(this.fd, 0, start);
        put64(this.fd, page, start);
      }
      add(value: number, bodyBytes: number, flags = 0): number {
        const at = this.produced % this.size;
        const body = Buffer.alloc(8 + bodyBytes);
        body.writeUInt32LE((bodyBytes | flags) >>> 0, 0);
        body.writeUInt32LE(value, 8);
        // Twice, and what goes past the end again at the beginning.
        for (const place of [at, at + this.size, at - this.size]) {
          const skipped = Math.max(0, -place);
          if (skipped < body.length)
            writeSync(this.fd, body, skipped, body.length - skipped, 2 * page + place + skipped);
        }
        this.produced += (8 + bodyBytes + 7) & ~7;
        put64(this.fd, page, this.produced);
        return at;
      }
      finish(at: number, bodyBytes: number): void {
        const header = Buffer.alloc(4);
        header.writeUInt32LE(bodyBytes);
        for (const copy of [0, this.size]) writeSync(this.fd, header, 0, 4, 2 * page + copy + at);
      }
      get consumed(): number {
        return get64(this.fd, 0);
      }
      get total(): number {
        return this.produced;
      }
    }

    function drained(ring: RingBuffer): number[] {
      const values: number[] = [];
      ring.drain(ring.producerPosition(), (words, at) => values.push(words.u32[at]));
      return values;
    }

    it('hands out records in order and gives their room back', () => {
      const fake = new FakeRing();
      const ring = new RingBuffer(fake.fd, fake.size, zeroCopy);
      assert.deepEqual(drained(ring), []);
      for (let i = 1; i <= 50; i++) fake.add(i, 16 + i);
      assert.equal(ring.pendingBytes(), fake.total);
      assert.deepEqual(
        drained(ring),
        Array.from({ length: 50 }, (_, i) => i + 1),
      );
      assert.equal(fake.consumed, fake.total);
      assert.equal(ring.pendingBytes(), 0);
      ring.close();
      closeSync(fake.fd);
    });

    it('goes round, past 4 GiB too, without splitting a record', () => {
      const start = 2 ** 32 - 64;
      const fake = new FakeRing(start);
      const ring = new RingBuffer(fake.fd, fake.size, zeroCopy);
      const seen: number[] = [];
      for (let i = 0; i < 300; i++) {
        fake.add(i, 2072);
        if (i % 7 === 0) seen.push(...drained(ring));
      }
      seen.push(...drained(ring));
      assert.deepEqual(
        seen,
        Array.from({ length: 300 }, (_, i) => i),
      );
      assert.equal(fake.consumed, fake.total);
      ring.close();
      closeSync(fake.fd);
    });

    it('skips discarded records and waits for one that is still being written', () => {
      const fake = new FakeRing();
      const ring = new RingBuffer(fake.fd, fake.size, zeroCopy);
      fake.add(1, 48);
      fake.add(2, 48, DISCARDED);
      const unfinished = fake.add(3, 48, BUSY);
      fake.add(4, 48);
      assert.deepEqual(drained(ring), [1]);
      assert.deepEqual(drained(ring), []);
      fake.finish(unfinished, 48);
      assert.deepEqual(drained(ring), [3, 4]);
      assert.equal(fake.consumed, fake.total);
      ring.close();
      closeSync(fake.fd);
    });

    it('stops at the end that it was given', () => {
      const fake = new FakeRing();
      const ring = new RingBuffer(fake.fd, fake.size, zeroCopy);
      fake.add(1, 48);
      const end = ring.producerPosition();
      fake.add(2, 48);
      const values: number[] = [];
      ring.drain(end, (words, at) => values.push(words.u32[at]));
      assert.deepEqual(values, [1]);
      assert.deepEqual(drained(ring), [2]);
      ring.close();
      closeSync(fake.fd);
    });

    it('puts together a perf record that is split at the end of its buffer', () => {
      const dataBytes = page;
      const fd = emptyFile(page + dataBytes);
      const buffer = new PerfBuffer(fd, dataBytes, zeroCopy);
      let head = 0;
      const add = (type: number, values: number[]) => {
        const bytes = Buffer.alloc(8 + values.length * 4);
        bytes.writeUInt32LE(type, 0);
        bytes.writeUInt16LE(7, 4);
        bytes.writeUInt16LE(bytes.length, 6);
        for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, 8 + 4 * i);
        const whole = Math.min(bytes.length, dataBytes - (head % dataBytes));
        writeSync(fd, bytes, 0, whole, page + (head % dataBytes));
        writeSync(fd, bytes, whole, bytes.length - whole, page);
        head += bytes.length;
        put64(fd, 1024, head);
      };
      const seen: number[][] = [];
      const drain = () =>
        buffer.drain(({ type, misc, sizeBytes }, words, at) => {
          assert.equal(misc, 7);
          seen.push([type, ...words.u32.subarray(at, at + (sizeBytes - 8) / 4)]);
        });
      const expected: number[][] = [];
      // 104 bytes each: every 40th or so lies across the end.
      for (let i = 0; i < 200; i++) {
        const values = Array.from({ length: 24 }, (_, k) => i * 100 + k);
        add(i, values);
        expected.push([i, ...values]);
        if (i % 5 === 0) drain();
      }
      drain();
      assert.deepEqual(seen, expected);
      assert.equal(get64(fd, 1032), head);
      buffer.close();
    });
  });

describe('lists of CPUs', () => {
  it('are read as the kernel writes them', () => {
    assert.deepEqual(parseCpuList('0\n'), [0]);
    assert.deepEqual(parseCpuList('0-3,5,8-9\n'), [0, 1, 2, 3, 5, 8, 9]);
    assert.deepEqual(parseCpuList('\n'), []);
  });
});
