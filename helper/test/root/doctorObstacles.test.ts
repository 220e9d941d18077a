// Machines that lack something, made from this one by mount namespaces and filters: a recording says what is in the way,
// and the machine check shows the same.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { createSocketFolder, removeSocketFolder } from '../../src/client/socketFolder';
import type { CheckItem, ErrorCode, RecordOptions } from '../../src/protocol';
import { TracerError } from '../../src/protocol';
import { serve } from './helperProcess';
import { PUBLIC_ROOT } from './publicCopy';
import { SLOWNESS } from './slowness';

describe('machines that lack something', function () {
  this.timeout(180_000 * SLOWNESS);

  before(function () {
    if (process.getuid!() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    try {
      execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    } catch {
      console.log('      skipped: needs mount namespaces (unshare)');
      this.skip();
    }
  });

  /** Runs `script` in mounts of its own before the helper. */
  const mounted = (script: string) => ['unshare', '--mount', 'sh', '-c', `set -e; ${script}; exec "$@"`, 'sh'];
  const hidden = (file: string) => `mount --bind /dev/null '${file}'`;

  async function recordingOn(
    prefix: string[],
  ): Promise<{ code: ErrorCode; fix: string; items: Map<string, CheckItem> }> {
    const helper = await serve({ prefix, lingerMs: 0 });
    const connection = await helper.connect();
    try {
      const { items } = await connection.request('check/run', {});
      const options: RecordOptions = {
        target: { pids: [process.pid], children: false, startAtExec: false },
        tracers: { cpu: { frequencyHz: 99, kernel: true } },
        durationMs: 1,
        output: join(helper.folder.dir, 'never.speedscope.json'),
        title: 'never',
        anyUser: false,
        without: [],
      };
      const error = await connection.request('record/start', options).then(
        () => null,
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof TracerError, 'a recording must not start');
      return { ...error.report, items: new Map(items.map((entry) => [entry.id, entry])) };
    } finally {
      connection.dispose();
      await helper.exited;
      removeSocketFolder(helper.folder.dir);
    }
  }

  it('no type information', async () => {
    const { code, items } = await recordingOn(mounted('mount -t tmpfs none /sys/kernel/btf'));
    assert.equal(code, 'KERNEL_NO_BTF');
    assert.equal(items.get('btf')?.status, 'missing');
    assert.equal(items.get('trial')?.status, 'missing');
  });

  it('lockdown in confidentiality mode', async () => {
    const fake =
      'mount -t tmpfs none /sys/kernel/security; echo "none integrity [confidentiality]" >/sys/kernel/security/lockdown';
    const { code, items } = await recordingOn(mounted(fake));
    assert.equal(code, 'LOCKDOWN');
    assert.equal(items.get('lockdown')?.status, 'missing');
  });

  it('a filter that refuses bpf()', async () => {
    const prefix = [process.execPath, join(__dirname, 'withoutBpfCall.js')];
    const { code, fix, items } = await recordingOn(prefix);
    assert.equal(code, 'CONTAINER_NO_RIGHTS');
    assert.match(fix, /--security-opt=seccomp=unconfined/);
    assert.equal(items.get('bpf')?.status, 'missing');
    assert.equal(items.get('seccomp')?.status, 'degraded');
  });

  it('no libbpf', async function () {
    const system = /=> (\/\S*libbpf\.so\.1)|(\/\S*libbpf\.so\.1)$/m.exec(
      execFileSync('sh', ['-c', '/sbin/ldconfig -p || true'], { encoding: 'utf8' }),
    )?.[1];
    const shipped = join(PUBLIC_ROOT, 'dist/native/libbpf.so.1');
    const all = [system, shipped].filter((file): file is string => file !== undefined && existsSync(file));
    if (!system) {
      console.log('        skipped: cannot tell where the system keeps libbpf');
      this.skip();
    }
    const { code, items } = await recordingOn(mounted(all.map((file) => hidden(realpathSync(file))).join('; ')));
    assert.equal(code, 'LIBBPF_MISSING');
    assert.equal(items.get('libbpf')?.status, 'missing');
  });

  it('no koffi for this system', async () => {
    const folder = createSocketFolder();
    const packages = join(PUBLIC_ROOT, 'node_modules/@koromix');
    const files = readdirSync(packages, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.node'));
    assert.ok(files.length > 0);
    const prefix = mounted(files.map((name) => hidden(join(packages, name))).join('; '));
    await assert.rejects(serve({ prefix, folder }), { code: 'NATIVE_MISSING' });
    removeSocketFolder(folder.dir);
  });

  it('a user namespace: root of a rootless container', async function () {
    const folder = createSocketFolder();
    try {
      execFileSync('unshare', ['--user', '--map-root-user', 'true'], { stdio: 'ignore' });
    } catch {
      console.log('        skipped: no user namespaces here');
      this.skip();
    }
    const error = await serve({ prefix: ['unshare', '--user', '--map-root-user'], folder }).then(
      () => assert.fail('it started'),
      (report) => report,
    );
    removeSocketFolder(folder.dir);
    assert.equal(error.code, 'CONTAINER_NO_RIGHTS');
    assert.match(error.message, /user namespace/);
    assert.match(error.fix, /--userns=host/);
  });
});
