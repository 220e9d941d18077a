// Where the tables of all files find no room, the one that no stack was in for the longest time makes way, and it is counted: real
// files, real tables, room for two of them.

import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { MappedFile } from '../../src/process/files';
import { OWN_ROOT } from '../../src/process/roots';
import { FileTables, type Table } from '../../src/unwind/load/fileTables';
import type { TablePlacer } from '../../src/unwind/load/tables';

const LIBRARIES = ['libc.so.6', 'libm.so.6', 'libz.so.1', 'libstdc++.so.6', 'libgcc_s.so.1', 'libdl.so.2'].flatMap(
  (name) =>
    ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/lib64', '/lib']
      .map((folder) => `${folder}/${name}`)
      .filter((path) => existsSync(path))
      .slice(0, 1),
);
const ROOM = 2;
const LONG_AFTER_MS = 60_000;

describe('unwind tables without room', function () {
  this.timeout(60_000);
  let files: MappedFile[];
  let tables: FileTables;
  /** What happened, in order. */
  let events: string[];
  let settled: (table: Table) => void;

  beforeEach(() => {
    files = LIBRARIES.slice(0, ROOM + 1).map((path, i) => ({
      id: 919_000 + i,
      path,
      baseName: basename(path),
      root: OWN_ROOT,
      fd: openSync(realpathSync(path), 'r'),
      sizeBytes: statSync(path).size,
      mtimeMs: 0,
      expectedBuildId: null,
      why: null,
    }));
    events = [];
    settled = () => {};
    const parts = { cacheDir: null, debugFolders: [], reserveId: () => 919_900, refuse: assert.fail, log: () => {} };
    const user = {
      settled: (table: Table) => settled(table),
      unloaded: (table: Table) => void events.push(`unloaded ${table.name}`),
    };
    tables = new FileTables({ ...parts, recognized: () => {} }, user);
    let free = ROOM;
    const placer: Pick<TablePlacer, 'place'> = {
      place: ({ rows }) => {
        if (free === 0) return null;
        const number = ROOM - free--;
        const release = () => {
          events.push(`released ${number}`);
          free++;
        };
        return { page: 0, first: 0, count: 0, levels: 0, indexCount: 0, rowCount: rows.length, sizeBytes: 0, release };
      },
    };
    tables.attach(placer as TablePlacer);
  });
  afterEach(() => {
    tables.close();
    for (const { fd } of files) closeSync(fd!);
  });

  const load = (file: MappedFile) =>
    new Promise<Table>((resolve) => {
      settled = resolve;
      tables.want(file);
      tables.loadMore();
    });

  it('take the place of the one that was on stacks the longest ago, which nobody names any more by then', async () => {
    const [oldest, newer, last] = files;
    const first = await load(oldest);
    const second = await load(newer);
    assert.deepEqual([first.state, second.state, tables.evicted], ['loaded', 'loaded', 0]);
    // The first one was on a stack just now.
    first.lastUsedMs = second.lastUsedMs + 1;
    const third = await load(last);
    assert.deepEqual([first.state, second.state, third.state], ['loaded', 'evicted', 'loaded']);
    assert.equal(tables.evicted, 1);
    assert.deepEqual(events, [`unloaded ${newer.path}`, 'released 1']);
    assert.equal(tables.counts().tables, ROOM);
  });

  it('come again after a rest, where their file is still in use', async () => {
    const [oldest, newer, last] = files;
    const first = await load(oldest);
    await load(newer);
    await load(last);
    assert.equal(first.state, 'evicted');
    tables.tidy(new Set(files), first.lastUsedMs + 1);
    assert.equal(first.state, 'evicted');
    tables.tidy(new Set(files), first.lastUsedMs + LONG_AFTER_MS);
    assert.equal(first.state, 'waiting');
  });
});
