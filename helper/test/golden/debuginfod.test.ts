// Debug files from a real debuginfod, in a network namespace that has nothing but loopback.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isServerUrl } from '../../src/symbolize/debuginfod/downloads';
import { build, has, run } from './symbolize/build';
import type { DebuginfodRun } from './symbolize/debuginfodRun';

const NAMESPACE = ['--user', '--map-root-user', '--net', '--kill-child'];

describe('debug files from debuginfod', function () {
  this.timeout(120_000);
  let folder: string;
  let result: DebuginfodRun;

  before(function () {
    const program = build('waiter', ['gcc', '-g', '-O1', '-gdwarf-5', 'waiter.c', '-o', 'OUT'], ['waiter.c']);
    const missing = ['debuginfod', 'objcopy', 'ip'].filter((tool) => !has(tool));
    if (program === null) missing.push('gcc');
    if (spawnSync('unshare', [...NAMESPACE, 'true']).status !== 0) missing.push('a network namespace');
    if (missing.length > 0) {
      console.log(`      skipped: needs ${missing.join(', ')}`);
      return this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-debuginfod-'));
    const [stripped, served] = [join(folder, 'waiter'), join(folder, 'served')];
    mkdirSync(served);
    run('objcopy', '--only-keep-debug', program!, join(served, 'waiter.debug'));
    run('objcopy', '--strip-all', program!, stripped);
    const script = join(__dirname, 'symbolize', 'debuginfodRun.js');
    const child = spawnSync('unshare', [...NAMESPACE, process.execPath, script, stripped, served, folder], {
      encoding: 'utf8',
      timeout: 110_000,
      // Not asked for, so not to be followed.
      env: { ...process.env, DEBUGINFOD_URLS: 'http://127.0.0.1:8002' },
    });
    assert.equal(child.status, 0, child.stderr);
    result = JSON.parse(child.stdout);
  });
  after(() => folder && rmSync(folder, { recursive: true }));

  it('are not asked for unless the user named a server', () => {
    assert.equal(result.before.line, null);
    assert.match(result.before.name, /^waiter\+0x/);
  });

  it('give functions and lines once a server is named, also to files that were looked at before', () => {
    assert.equal(result.after.name, 'work');
    assert.equal(basename(result.after.file ?? ''), 'waiter.c');
    assert.ok(result.after.line);
  });

  it('lie in the cache, for the user alone, and are asked for once', () => {
    assert.equal(result.files.length, 1);
    assert.match(result.files[0].name, /^[0-9a-f]{40}\.debug$/);
    assert.equal(result.files[0].mode, 0o600);
    assert.deepEqual(result.again, result.after);
  });

  it('come by a process without capabilities', () => assert.equal(Number(`0x${result.downloaderCapabilities}`), 0));

  it('come from the next server where one is not there, knows nothing, fails, stops half-way or has too much', () => {
    assert.equal(result.afterFailures.line, result.after.line);
    const asked = new Set(result.requests.map((path) => path.split('/')[1]));
    assert.deepEqual([...asked], ['missing', 'broken', 'partial', 'huge', 'other']);
    assert.ok(result.requests.every((path) => /^\/\w+\/buildid\/[0-9a-f]{40}\/debuginfo$/.test(path)));
  });

  it('cost nothing but themselves where none comes or it is of another build, and that is said', () => {
    const { frame, badFiles } = result.unknown;
    assert.match(frame.name, /^waiter\+0x/);
    assert.equal(badFiles.length, 1);
    assert.match(badFiles[0], /waiter: .*debug file/);
  });

  it('are told of in the log', () => {
    assert.ok(
      result.log.some((line) => /^info debuginfod: waiter, [\d.]+ MB in [\d.]+ s$/.test(line)),
      result.log.join('\n'),
    );
  });

  it('servers are http or https addresses', () => {
    for (const url of ['http://a', 'https://a.b/c/', 'http://[::1]:8002']) assert.ok(isServerUrl(url), url);
    for (const url of ['', 'a', 'file:///etc', 'ftp://a', 'http://user@a', 'http://a/?x', 'http://a/#x'])
      assert.ok(!isServerUrl(url), url);
  });
});
