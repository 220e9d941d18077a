// Which package would name a file's functions, by lists of files as dpkg writes them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debugSourcesOf } from '../../src/process/debugPackages';

const LATER = Number.POSITIVE_INFINITY;

describe('debug packages', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'debug-packages-'));
    mkdirSync(join(root, 'etc'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const release = (text: string) => writeFileSync(join(root, 'etc/os-release'), text);
  const lists = (packages: Record<string, string[]>) => {
    mkdirSync(join(root, 'var/lib/dpkg/info'), { recursive: true });
    for (const [name, files] of Object.entries(packages))
      writeFileSync(join(root, `var/lib/dpkg/info/${name}.list`), `${files.join('\n')}\n`);
  };
  const DEBIAN = 'https://debuginfod.debian.net';

  it('are named after the package that owns the file, whatever its architecture and wherever /usr was merged', async () => {
    release('ID=debian\n');
    lists({
      'liblzma5:amd64': ['/.', '/lib', '/lib/x86_64-linux-gnu/liblzma.so.5.4.1'],
      redis: ['/usr/bin/redis-check-rdb'],
      'libc6:amd64': ['/lib/x86_64-linux-gnu/libc.so.6'],
      other: ['/usr/bin/redis-check-rdb-more'],
    });
    const paths = [
      '/usr/lib/x86_64-linux-gnu/liblzma.so.5.4.1',
      '/usr/bin/redis-check-rdb',
      '/lib/x86_64-linux-gnu/libc.so.6',
    ];
    assert.deepEqual(await debugSourcesOf([...paths, '/home/me/program', '/usr/bin/redis-check'], LATER, root), [
      { package: 'liblzma5-dbgsym', server: DEBIAN },
      { package: 'redis-dbgsym', server: DEBIAN },
      { package: 'libc6-dbg', server: DEBIAN },
      null,
      null,
    ]);
  });

  it('are those of the family, the nearest first', async () => {
    release('ID=pop\nID_LIKE="ubuntu debian"\n');
    lists({ a: ['/usr/bin/a'] });
    assert.deepEqual(await debugSourcesOf(['/usr/bin/a'], LATER, root), [
      { package: 'a-dbgsym', server: 'https://debuginfod.ubuntu.com' },
    ]);
  });

  it('are left to a server where packages are listed otherwise', async () => {
    for (const [text, server] of [
      ['ID=fedora\n', 'https://debuginfod.fedoraproject.org'],
      ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'https://debuginfod.fedoraproject.org'],
      ['ID=arch\n', 'https://debuginfod.archlinux.org'],
    ]) {
      release(text);
      assert.deepEqual(await debugSourcesOf(['/usr/bin/a'], LATER, root), [{ package: null, server }]);
    }
    release('ID=unheard-of\n');
    assert.deepEqual(await debugSourcesOf(['/usr/bin/a'], LATER, root), [null]);
  });

  it('are not looked for in links and pipes, nor for ever', async () => {
    release('ID=debian\n');
    lists({ a: ['/usr/bin/a'] });
    const folder = join(root, 'var/lib/dpkg/info');
    symlinkSync('/dev/zero', join(folder, 'endless.list'));
    assert.equal(spawnSync('mkfifo', [join(folder, 'pipe.list')]).status, 0);
    assert.deepEqual(await debugSourcesOf(['/usr/bin/b'], LATER, root), [null]);
    assert.deepEqual(await debugSourcesOf(['/usr/bin/a'], Number.NEGATIVE_INFINITY, root), [null]);
  });
});
