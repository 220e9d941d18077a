// Functions of programs without symbols: their bounds are those that readelf reads from the unwind information.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, realpathSync, statSync } from 'node:fs';
import { BufferSource, FileSource } from '../../src/bytes/source';
import { FrameHeader } from '../../src/elf/frameHeader';
import { ElfFile } from '../../src/elf/parser';
import { has } from './symbolize/build';

const FILES = ['liblzma.so.5', 'libz.so.1', 'libstdc++.so.6', 'libc.so.6'].map(
  (name) => `/usr/lib/x86_64-linux-gnu/${name}`,
);
const MOST_ENTRIES = 3_000;
/** No other test's: pages are kept by file. */
let nextFileId = 917_000;

/** Bounds of functions as readelf has them. */
function entriesOf(path: string): [start: number, end: number][] {
  const found: [number, number][] = [];
  // It fails where a further file with debug information is missing, and prints the frames all the same.
  const { stdout } = spawnSync('readelf', ['--debug-dump=frames', path], { encoding: 'utf8', maxBuffer: 1 << 28 });
  for (const [, start, end] of stdout.matchAll(/ FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+)/g))
    if (start !== end) found.push([Number.parseInt(start, 16), Number.parseInt(end, 16)]);
  return found;
}

function openElf(path: string): { elf: ElfFile; fd: number } {
  const fd = openSync(realpathSync(path), 'r');
  return { elf: ElfFile.parse(new FileSource(nextFileId++, fd, statSync(path).size)), fd };
}

describe('bounds of functions without symbols', function () {
  this.timeout(60_000);
  const files = FILES.filter((path) => existsSync(path));

  for (const path of files)
    it(`of ${path} are those of readelf`, function () {
      if (!has('readelf')) {
        console.log('      skipped: there is no readelf');
        return this.skip();
      }
      const { elf, fd } = openElf(path);
      try {
        const frames = FrameHeader.of(elf);
        assert.ok(frames);
        const entries = entriesOf(path);
        assert.ok(entries.length > 50, `${entries.length} entries`);
        const covered = new Set(entries.map(([start]) => start));
        const step = Math.ceil(entries.length / MOST_ENTRIES);
        for (let i = 0; i < entries.length; i += step) {
          const [start, end] = entries[i];
          for (const address of [start, Math.floor((start + end) / 2), end - 1])
            assert.equal(frames.startOf(address), start, `0x${address.toString(16)}`);
          // What lies behind is the next function's, or nobody's.
          const behind = frames.startOf(end);
          assert.ok(behind === null || (behind === end && covered.has(end)), `0x${end.toString(16)}`);
        }
      } finally {
        closeSync(fd);
      }
    });

  it('of a damaged table are nobody’s, whatever it says', () => {
    const { elf, fd } = openElf(files[0]);
    try {
      const segment = elf.segments.find(({ type }) => type === 0x6474e550)!;
      const whole = Buffer.from(elf.source.read(0, elf.source.sizeBytes));
      const sound = FrameHeader.of(elf)!.startOf(entriesOf(files[0])[0][0]);
      assert.ok(sound !== null);
      let different = 0;
      for (let seed = 1; seed <= 300; seed++) {
        const bytes = Buffer.from(whole);
        for (let i = 0; i < 24; i++)
          bytes[segment.fileOffset + ((seed * 7919 + i * 104_729) % segment.fileSizeBytes)] =
            (seed * 31 + i * 17) & 0xff;
        const damaged = ElfFile.parse(new BufferSource(bytes));
        try {
          const found: number | null = FrameHeader.of(damaged)?.startOf(sound) ?? null;
          if (found !== sound) different++;
        } catch (error) {
          assert.equal((error as Error).constructor.name, 'FormatError');
          different++;
        }
      }
      assert.ok(different > 0, 'the damage was never met');
    } finally {
      closeSync(fd);
    }
  });
});
