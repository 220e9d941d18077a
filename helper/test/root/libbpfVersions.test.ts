// Recordings with the oldest and the newest libbpf that Debian packages, whichever this machine has: both take their own way
// through maps of maps, also where their arrays cannot be mapped (kernels before 5.5).

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findInPath } from '../../src/client/findInPath';
import { buildTarget, removeTargets } from './captureHarness';
import { missingForEbpf } from './helperProcess';
import type { LibbpfProbe } from './libbpfProbe';
import { SLOWNESS } from './slowness';

const ROOTS = process.env.EBPF_TRACER_ROOTS ?? '/var/tmp/ebpf-tracer-roots';
/** The newest is another one from time to time. */
const KEPT_MS = 30 * 86_400_000;
const SUITES = [
  { suite: 'bookworm', version: /^1\.1/ },
  { suite: 'sid', version: /^1\.([5-9]|\d\d)/ },
];

describe('libbpf', function () {
  this.timeout(180_000 * SLOWNESS);
  let program: string;
  let folder: string;

  before(function () {
    const missing = missingForEbpf() ?? (findInPath('mmdebstrap') ? null : 'needs mmdebstrap');
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    program = buildTarget(false);
    folder = mkdtempSync(join(tmpdir(), 'libbpf-'));
  });
  after(() => {
    removeTargets();
    if (folder) rmSync(folder, { recursive: true });
  });

  for (const { suite, version } of SUITES)
    it(`of Debian's ${suite} loads the programs and walks by tables, in arrays that can be mapped or not`, function () {
      const root = unpackedRoot(suite);
      if ('why' in root) {
        console.log(`        skipped: ${root.why}`);
        return this.skip();
      }
      const probe = runWith(root.libraries, root.loader);
      assert.match(probe.version, version);
      assert.ok(probe.path.startsWith(ROOTS), probe.path);
      assert.deepEqual(
        probe.runs.map(({ without }) => without),
        [[], ['mmaparrays']],
      );
      for (const { without, whole, byTable } of probe.runs)
        assert.ok(byTable > 0 && whole >= 0.98, `without ${without}: ${whole} whole, ${byTable} frames by table`);
      // Such as "Retrying without BTF".
      assert.deepEqual(probe.warnings, []);
    });

  /** libbpf1 of a suite and what it needs, unpacked once. */
  function unpackedRoot(suite: string): { libraries: string; loader: string } | { why: string } {
    const root = join(ROOTS, `${suite}-libbpf1`);
    const done = join(root, 'complete');
    if (!existsSync(done) || Date.now() - statSync(done).mtimeMs > KEPT_MS) {
      rmSync(root, { recursive: true, force: true });
      mkdirSync(ROOTS, { recursive: true });
      const made = spawnSync('helper/test/tools/getRoot.sh', [suite, root, 'libbpf1'], { encoding: 'utf8' });
      if (made.status !== 0)
        return { why: `no packages of ${suite} to be had: ${made.stderr.trim().split('\n').at(-1)}` };
      writeFileSync(done, '');
    }
    const triplet = readdirSync(join(root, 'usr/lib')).find((name) => name.endsWith('-linux-gnu'));
    const libraries = join(root, 'usr/lib', triplet!);
    return { libraries, loader: join(libraries, readdirSync(libraries).find((name) => /^ld-linux.*\.so/.test(name))!) };
  }

  /**
   * A library that is older than this machine's C library is put before this machine's own; a newer one runs on the C
   * library that came with it.
   */
  function runWith(libraries: string, loader: string): LibbpfProbe {
    const theirs = Number(/version \d+\.(\d+)/.exec(execFileSync(loader, ['--version'], { encoding: 'utf8' }))?.[1]);
    const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime: string } };
    const ours = Number(header.glibcVersionRuntime.split('.')[1]);
    const script = [join(__dirname, 'libbpfProbe.js'), program];
    const env = { ...process.env };
    let command = [loader, '--library-path', libraries, process.execPath, ...script];
    if (theirs <= ours) {
      const alone = mkdtempSync(join(folder, 'alone-'));
      symlinkSync(join(libraries, 'libbpf.so.1'), join(alone, 'libbpf.so.1'));
      env.LD_LIBRARY_PATH = alone;
      command = [process.execPath, ...script];
    }
    const run = spawnSync(command[0], command.slice(1), { encoding: 'utf8', env, timeout: 120_000 * SLOWNESS });
    assert.equal(run.status, 0, `${run.signal} ${run.stderr}`);
    return JSON.parse(run.stdout);
  }
});
