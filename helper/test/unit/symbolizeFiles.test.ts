// What symbolization does with the file system: its cache, and names inside of another root.

import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskCache, spillEntry } from '../../src/bytes/diskCache';
import { MAX_CACHE_BYTES } from '../../src/bytes/limits';
import { openRegular, pathInRoot } from '../../src/process/roots';

describe('symbolize: disk cache', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'symbolize-cache-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const inside = () => join(folder, 'a/b/symbols-v1');

  function store(cache: DiskCache, key: string | null, text: string): void {
    const entry = cache.entry(key, text.length);
    assert.equal(entry.complete, false);
    writeSync(entry.fd, text, 0);
    entry.keep();
    closeSync(entry.fd);
  }

  it('gives back what was kept, in a folder and files of the user alone', () => {
    const cache = DiskCache.open(join(folder, 'a/b'))!;
    store(cache, 'key', 'contents');
    const found = DiskCache.open(join(folder, 'a/b'))!.entry('key', 8);
    assert.equal(found.complete, true);
    const bytes = Buffer.alloc(8);
    readSync(found.fd, bytes, 0, 8, 0);
    closeSync(found.fd);
    assert.equal(bytes.toString(), 'contents');
    assert.equal(statSync(inside()).mode & 0o777, 0o700);
    assert.equal(statSync(join(inside(), 'key')).mode & 0o777, 0o600);
  });

  it('makes an entry anew that was cut, is of another size, or is no file', () => {
    const cache = DiskCache.open(join(folder, 'a/b'))!;
    store(cache, 'key', 'contents');
    truncateSync(join(inside(), 'key'), 3);
    store(cache, 'key', 'contents');
    store(cache, 'key', 'other size');
    rmSync(inside(), { recursive: true });
    mkdirSync(inside());
    mkdirSync(join(inside(), 'folder'));
    const entry = cache.entry('folder', 4);
    assert.equal(entry.complete, false);
    closeSync(entry.fd);
  });

  it('may be deleted while it is in use', () => {
    const cache = DiskCache.open(join(folder, 'a/b'))!;
    rmSync(join(folder, 'a'), { recursive: true });
    store(cache, 'key', 'contents');
    assert.deepEqual(readdirSync(inside()), ['key']);
  });

  it('shows nothing of what was not finished, and nothing without a key', () => {
    const cache = DiskCache.open(join(folder, 'a/b'))!;
    const unfinished = cache.entry('key', 100);
    unfinished.discard();
    closeSync(unfinished.fd);
    assert.deepEqual(readdirSync(inside()), []);
    const again = cache.entry('key', 100);
    assert.equal(again.complete, false);
    closeSync(again.fd);
    store(cache, null, 'nameless');
    assert.deepEqual(
      readdirSync(inside()).filter((name) => !name.endsWith('.new')),
      [],
    );
  });

  it('deletes what was used longest ago when it grows too large, and leftovers of killed runs', () => {
    const cache = DiskCache.open(join(folder, 'a/b'))!;
    const sparse = (name: string, sizeBytes: number, ageSeconds: number) => {
      writeFileSync(join(inside(), name), '');
      truncateSync(join(inside(), name), sizeBytes);
      const then = Date.now() / 1000 - ageSeconds;
      utimesSync(join(inside(), name), then, then);
    };
    sparse('oldest', MAX_CACHE_BYTES / 2, 300);
    sparse('younger', MAX_CACHE_BYTES / 2, 200);
    sparse('left-behind.new', 10, 7_200);
    sparse('being-written.new', 10, 1);
    store(cache, 'newest', 'x'.repeat(100));
    assert.deepEqual(readdirSync(inside()).sort(), ['being-written.new', 'newest', 'younger']);
  });

  it('is done without where there is no place for it', () => {
    writeFileSync(join(folder, 'file'), '');
    assert.equal(DiskCache.open(join(folder, 'file/cache')), null);
    assert.equal(DiskCache.open('/proc/nowhere/cache'), null);
    const entry = spillEntry(null, 'key', 10);
    assert.equal(entry.complete, false);
    entry.keep();
    closeSync(entry.fd);
  });
});

describe('symbolize: names inside of another root', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'symbolize-root-'));
    mkdirSync(join(folder, 'usr/lib/debug'), { recursive: true });
    writeFileSync(join(folder, 'usr/lib/debug/x.debug'), 'x');
    symlinkSync('/usr/lib', join(folder, 'lib'));
    symlinkSync('../../../../../../etc/passwd', join(folder, 'usr/lib/escape'));
    symlinkSync('loop', join(folder, 'loop'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const find = (path: string) => pathInRoot({ prefix: folder, fd: null }, path);

  it('follows absolute links within the root, and never out of it', () => {
    assert.equal(find('/lib/debug/x.debug'), join(folder, 'usr/lib/debug/x.debug'));
    assert.equal(find('/../../lib/debug/../debug/x.debug'), join(folder, 'usr/lib/debug/x.debug'));
    assert.equal(find('/usr/lib/escape'), null, 'there is no etc/passwd in the root');
    assert.equal(find('/loop'), null);
    assert.equal(find('/none/such'), null);
  });

  it('opens regular files only, never waits and never follows a link at the end', () => {
    assert.equal(openRegular(folder), null);
    assert.equal(openRegular(join(folder, 'lib')), null);
    assert.equal(openRegular('/dev/null'), null);
    const opened = openRegular(join(folder, 'usr/lib/debug/x.debug'))!;
    closeSync(opened.fd);
    assert.equal(opened.sizeBytes, 1);
  });
});
