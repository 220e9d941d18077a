// jit-PID.dump: names and lines of generated code, as it is written, moved and written anew; and what damaged or hostile ones cost.
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JitDump } from '../../src/symbolize/jitdump/resolver';
import { DumpWriter, exampleDump } from './symbolize/dumpWriter';

describe('jitdumps', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jitdump-'));
  const path = join(folder, 'jit-1.dump');
  const open: number[] = [];
  afterEach(() => {
    for (const fd of open.splice(0)) closeSync(fd);
  });
  after(() => rmSync(folder, { recursive: true }));

  function opened(bytes: Buffer): { dump: JitDump; write: (bytes: Buffer) => void } {
    writeFileSync(path, bytes);
    const fd = openSync(path, 'r');
    open.push(fd);
    const dump = new JitDump(fd);
    dump.update(bytes.length);
    const write = (more: Buffer) => {
      writeFileSync(path, more);
      dump.update(more.length);
    };
    return { dump, write };
  }
  const at = (dump: JitDump, address: number) => {
    const [place] = dump.placesAt(address);
    if (!place) return null;
    const { name, file, line, column } = place;
    return line === null ? name : `${name} ${file}:${line}:${column}`;
  };

  it('name functions with their lines; a file that is named once counts for the lines after it', () => {
    const { dump } = opened(exampleDump());
    assert.equal(at(dump, 0x10040), 'with lines /src/a.js:7:3');
    assert.equal(at(dump, 0x1004f), 'with lines /src/a.js:7:3');
    assert.equal(at(dump, 0x1007f), 'with lines /src/a.js:8:5');
    assert.equal(at(dump, 0x10080), null);
    assert.equal(dump.problem, null);
  });

  it('say where code was moved to, and that nothing is left', () => {
    const writer = new DumpWriter()
      .lines(0x1000, [[0x1010, 4, 1, 'a.c']])
      .load(0x1000, 0x40, 'moved')
      .move(0, 0x1000, 0x3000, 0x40)
      // Over its own old place.
      .move(0, 0x3000, 0x3020, 0x40);
    const { dump } = opened(writer.bytes);
    assert.deepEqual([at(dump, 0x1010), at(dump, 0x3010), at(dump, 0x3024)], [null, null, 'moved']);
    assert.equal(at(dump, 0x3030), 'moved a.c:4:1');
  });

  it('believe the later of two functions at one address', () => {
    const writer = new DumpWriter().load(0x1000, 0x40, 'old').load(0x1020, 0x40, 'new');
    const { dump } = opened(writer.bytes);
    assert.deepEqual([at(dump, 0x1000), at(dump, 0x1020)], [null, 'new']);
  });

  it('are read on as they grow, record by record, and anew where they were written anew', () => {
    const whole = new DumpWriter().load(0x1000, 0x40, 'first').load(0x2000, 0x40, 'second').bytes;
    const { dump, write } = opened(whole.subarray(0, 20));
    for (let end = 21; end <= whole.length; end++) write(whole.subarray(0, end));
    assert.deepEqual([at(dump, 0x1000), at(dump, 0x2000)], ['first', 'second']);
    write(new DumpWriter().load(0x3000, 0x40, 'third').load(0x2000, 0x400, 'second').bytes);
    assert.deepEqual([at(dump, 0x1000), at(dump, 0x3000)], [null, 'third']);
  });

  it('may have a longer header, but no other version or byte order', () => {
    assert.equal(at(opened(new DumpWriter(64).load(0x1000, 0x40, 'f').bytes).dump, 0x1000), 'f');
    assert.throws(() => opened(new DumpWriter(40, 0x4454694a).bytes), /the other byte order/);
    assert.throws(() => opened(new DumpWriter(40, 0x12345678).bytes), /is no jitdump/);
    assert.throws(() => opened(new DumpWriter(40, 0x4a695444, 2).bytes), /of version 2/);
  });

  it("take V8's lines from behind the header that perf puts there, and read those whose file is no text", () => {
    const lines = (file: string): Buffer =>
      new DumpWriter()
        .lines(0x1000, [
          [0x1040, 2, 1, file],
          [0x1060, 3, 7, file],
        ])
        .load(0x1000, 0x40, 'JS:*spin file:///home/me/a.js:1:14').bytes;
    for (const file of ['/home/me/a.js', 'D\x83\0\0\0\x15\x8c\x86\xb9']) {
      const { dump } = opened(lines(file));
      assert.equal(dump.placesAt(0x1000)[0].line, 2);
      assert.equal(at(dump, 0x1020), 'JS:*spin file:///home/me/a.js:1:14 /home/me/a.js:3:7');
      const [{ functionFile, functionLine }] = dump.placesAt(0x1020);
      assert.deepEqual([functionFile, functionLine], ['/home/me/a.js', 1]);
    }
  });

  it('cost lines, names or themselves where they are damaged, never more', () => {
    const outside = new DumpWriter().lines(0x1000, [[0x9000, 7, 3, 'a']]).load(0x1000, 0x40, 'f').bytes;
    assert.equal(at(opened(outside).dump, 0x1000), 'f');
    const short = new DumpWriter().load(0x1000, 0x40, 'f').bytes;
    const { dump } = opened(Buffer.concat([short, Buffer.alloc(32), new DumpWriter().load(0x2000, 0x40, 'g').bytes]));
    assert.deepEqual([at(dump, 0x1000), at(dump, 0x2000)], ['f', null]);
    assert.match(dump.problem ?? '', /a record at byte \d+ is damaged/);
    // Counts and sizes that nothing stands behind.
    const huge = new DumpWriter().lines(0x1000, [[0x1000, 1, 1, 'a']]).load(0x1000, 0x40, 'f').bytes;
    huge.writeBigUInt64LE(2n ** 63n, 40 + 16 + 8);
    assert.equal(at(opened(huge).dump, 0x1000), 'f');
    const endless = new DumpWriter().load(0x1000, 0x40, 'f').bytes;
    endless.writeBigUInt64LE(2n ** 62n, 40 + 16 + 24);
    assert.equal(at(opened(endless).dump, 0x1000), null);
  });
});
