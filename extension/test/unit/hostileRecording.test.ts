// Recording files that mean harm: what they name is looked at, and never waited for.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSourceFile, MAX_SOURCE_BYTES, sourceMd5 } from '../../src/profile/sourceFiles';
import { isNewerThanBinary } from '../../src/profile/staleness';

describe('a hostile recording file', function () {
  this.timeout(5_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-hostile-'));
    execFileSync('mkfifo', [join(folder, 'pipe.c')]);
    symlinkSync('/dev/zero', join(folder, 'endless.c'));
    symlinkSync('pipe.c', join(folder, 'waits.c'));
    writeFileSync(join(folder, 'huge.c'), '');
    truncateSync(join(folder, 'huge.c'), MAX_SOURCE_BYTES + 1);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const md5 = '0'.repeat(32);
  const odd = () => [
    '/dev/zero',
    '/dev/tty',
    join(folder, 'pipe.c'),
    join(folder, 'endless.c'),
    join(folder, 'waits.c'),
    join(folder, 'huge.c'),
    folder,
    `${folder}\0/a.c`,
  ];

  it('names devices, pipes, folders and huge files as sources: none is opened, read or called outdated', async () => {
    for (const path of odd()) {
      assert.equal(await isSourceFile(path), false, path);
      assert.equal(await sourceMd5(path), null, path);
      assert.equal(await isNewerThanBinary({ file: path, md5, binaryMtimeMs: 0 }, path), false, path);
    }
  });

  it('names files of /proc without a size: read no further than that', async () => {
    const empty = 'd41d8cd98f00b204e9800998ecf8427e';
    assert.equal(await sourceMd5('/proc/self/pagemap'), empty);
  });
});
