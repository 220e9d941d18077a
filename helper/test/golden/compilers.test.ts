// Every eBPF object compiles with each clang of this machine, not only with the one that `make` takes: compilers differ in what they
// unroll and warn of, and a user's distribution has another one. `make test-matrix` fetches the oldest and the newest.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../../../..');

/** Names of all clangs with a version that are found by PATH. */
function compilersHere(): string[] {
  const folders = (process.env.PATH ?? '').split(':').filter((folder) => existsSync(folder));
  const names = folders.flatMap((folder) => readdirSync(folder)).filter((name) => /^clang-\d+$/.test(name));
  return [...new Set(names)].sort();
}

describe('eBPF objects', function () {
  this.timeout(300_000);
  const compilers = compilersHere();
  let folder: string;
  let flags: string[];

  before(function () {
    if (compilers.length === 0) {
      console.log('      skipped: no clang but the one that make takes');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'compilers-'));
    const told = execFileSync('make', ['--no-print-directory', '-C', ROOT, 'print-bpf-cflags'], { encoding: 'utf8' });
    flags = told.trim().split(/\s+/);
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  for (const compiler of compilers)
    it(`compile with ${compiler}`, () => {
      const objects = readdirSync(join(ROOT, 'bpf')).filter((name) => name.endsWith('.bpf.c'));
      assert.ok(objects.length >= 3);
      for (const name of objects) {
        const args = [...flags, '-c', join('bpf', name), '-o', join(folder, 'object.o')];
        const { status, stderr } = spawnSync(compiler, args, { cwd: ROOT, encoding: 'utf8' });
        assert.equal(status, 0, `${name}: ${stderr}`);
      }
    });
});
