// The process table: who lives, who is kept for a while after the end, whose code has changed, and which files stay open.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { FileStore } from '../../src/process/fileStore';
import { ProcessTable } from '../../src/process/table';
import type { MappedCode, ProcessRecord } from '../../src/process/types';

/** Numbers that no process has (pid_max is at most 2^22). */
const PID = 2 ** 22 + 1;
const CHILD = PID + 1;

const fork = (pid: number, parentPid: number): ProcessRecord => ({ kind: 'fork', timeNs: 0, pid, parentPid });
const exec = (pid: number): ProcessRecord => ({ kind: 'exec', timeNs: 0, pid, name: 'x' });
const exit = (pid: number): ProcessRecord => ({ kind: 'exit', timeNs: 0, pid });
const mmap = (pid: number, mapping: Partial<MappedCode> = {}): ProcessRecord => ({
  kind: 'mmap',
  timeNs: 0,
  pid,
  mapping: {
    start: 0x10000,
    end: 0x20000,
    fileOffset: 0,
    path: '/no/such/library.so',
    buildId: null,
    deviceMajor: 0,
    deviceMinor: 0,
    inode: 0n,
    ...mapping,
  },
});

describe('process table', () => {
  let files: FileStore;
  let table: ProcessTable;

  beforeEach(() => {
    files = new FileStore();
    table = new ProcessTable(files);
  });
  afterEach(async () => {
    table.close();
    await files.close();
  });

  it('knows who lives, and keeps who ended for a while', async () => {
    const forgotten: number[] = [];
    table.onForgotten((pid) => forgotten.push(pid));
    table.announce(PID);
    table.record(fork(CHILD, PID));
    assert.deepEqual([...table.alive()], [PID, CHILD]);
    table.record(exit(CHILD));
    assert.equal(table.isAlive(CHILD), false);
    assert.equal(table.isKnown(CHILD), true);
    await until(() => !table.isKnown(CHILD));
    assert.deepEqual(forgotten, [CHILD]);
    assert.equal(table.isAlive(PID), true);
  });

  it('keeps who ended as long as stacks of it wait for their names', async () => {
    table.announce(PID);
    table.announce(CHILD);
    const letGo = table.hold(PID);
    table.record(exit(PID));
    table.record(exit(CHILD));
    await until(() => !table.isKnown(CHILD));
    assert.equal(table.isKnown(PID), true);
    letGo();
    await until(() => !table.isKnown(PID));
  });

  it('gives a pid that comes again a life of its own', () => {
    table.announce(PID);
    table.record(mmap(PID));
    assert.equal(table.codeOf(PID).length, 1);
    table.record(exit(PID));
    table.record(fork(PID, CHILD));
    assert.equal(table.isAlive(PID), true);
    assert.equal(table.codeOf(PID).length, 0);
  });

  it('hands a parent’s mappings down at a fork, and drops them at an exec', () => {
    table.announce(PID);
    table.record(mmap(PID));
    table.record(fork(CHILD, PID));
    assert.equal(table.codeOf(CHILD).length, 1);
    table.record(exec(CHILD));
    assert.equal(table.codeOf(CHILD).length, 0);
    assert.equal(table.codeOf(PID).length, 1);
  });

  it('says whether a mapping takes the place of other code', () => {
    table.announce(PID);
    table.record(mmap(PID));
    const of = (mapping: Partial<MappedCode>) => {
      const record = mmap(PID, mapping);
      return record.kind === 'mmap' && table.replacesCode(PID, record.mapping);
    };
    assert.equal(of({}), false, 'told twice');
    assert.equal(of({ start: 0x18000, fileOffset: 0x8000 }), false, 'a part of it');
    assert.equal(of({ start: 0x20000, end: 0x30000, path: '/other' }), false, 'beside it');
    assert.equal(of({ path: '/other' }), true);
    assert.equal(of({ fileOffset: 0x1000 }), true, 'another place of the file');
    assert.equal(of({ start: 0x1f000, end: 0x30000, path: '/other' }), true);
  });

  it('says whose code changed since the last time, but not by an exec, and of nobody who ended', () => {
    for (const pid of [PID, CHILD, CHILD + 1]) {
      table.announce(pid);
      table.record(mmap(pid));
    }
    table.record(exec(CHILD));
    table.record(exit(CHILD + 1));
    assert.deepEqual(table.takeRemapped(), [PID]);
    assert.deepEqual(table.takeRemapped(), []);
  });

  it('opens a file once for all recordings, and closes it when the last has ended', async () => {
    const { pid } = process;
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    table.add(pid);
    const opened = descriptors() - before;
    assert.ok(opened > 0);
    const other = new ProcessTable(files);
    other.add(pid);
    assert.equal(descriptors() - before, opened);
    table.close();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const file = other.codeOf(pid).find((code) => 'file' in code)!;
    assert.ok('file' in file && file.file.fd !== null, 'the other recording still has it');
    other.close();
    await until(() => descriptors() <= before);
  });

  it('leaves a file open for whoever still reads it, and tells them before it is closed', async () => {
    const { pid } = process;
    table.add(pid);
    const file = table.codeOf(pid).flatMap((code) => ('file' in code ? [code.file] : []))[0];
    let reading = true;
    const told: number[] = [];
    files.addReader({
      needs: (id) => reading && id === file.id,
      forget: async (some) => {
        for (const { id, fd } of some) if (fd !== null) told.push(id);
      },
    });
    table.close();
    await until(() => told.length > 0);
    assert.ok(file.fd !== null && !told.includes(file.id));
    reading = false;
    await until(() => file.fd === null);
    assert.ok(told.includes(file.id));
  });
});

async function until(condition: () => unknown): Promise<void> {
  for (const end = Date.now() + 20_000; !condition(); ) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
