// How clients start a helper: its command line, its environment, the line for which they wait, where programs and the cache are.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { userCacheFolder } from '../../src/client/cacheFolder';
import { findInPath } from '../../src/client/findInPath';
import { cleanEnvironment, helperCommand } from '../../src/client/helperCommand';
import { parseReadyLine, startProcess } from '../../src/client/startProcess';
import { errorReport } from '../../src/protocol';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const program = { node: '/opt/node/bin/node', isElectron: false, script: '/ext/dist/helper.js' };

describe("the helper's command line", () => {
  const request = {
    program,
    socketFolder: '/run/x',
    uid: 1000,
    gid: 100,
    lingerMs: 20_000,
    cacheDir: '/c',
    tracers: ['cpu'],
    anyUser: false,
  };

  it('is the same everywhere', () => {
    assert.equal(
      helperCommand(request).join(' '),
      '/opt/node/bin/node /ext/dist/helper.js serve --socket-dir /run/x --uid 1000 --gid 100 --linger 20000 --cache-dir /c --for cpu',
    );
  });

  it('has what not every client wants', () => {
    const least = helperCommand({ ...request, cacheDir: null, tracers: undefined, without: ['ringbuf', 'x'] });
    assert.equal(least.slice(-4).join(' '), '--linger 20000 --without ringbuf,x');
  });

  it("says before root's rights are there whether other users' processes may be recorded", () => {
    assert.ok(!helperCommand(request).includes('--any-user'));
    assert.equal(helperCommand({ ...request, anyUser: true }).at(-1), '--any-user');
  });

  it('passes the switch that makes Electron a Node through sudo', () => {
    const [first, second] = helperCommand({ ...request, program: { ...program, isElectron: true } });
    assert.deepEqual([first, second], ['env', 'ELECTRON_RUN_AS_NODE=1']);
  });

  it("leaves VS Code's own variables behind", () => {
    const clean = cleanEnvironment({
      PATH: '/bin',
      NODE_OPTIONS: '-r x',
      NODE_PATH: '/y',
      VSCODE_IPC: '1',
      ELECTRON_RUN_AS_NODE: '1',
    });
    assert.deepEqual(clean, { PATH: '/bin' });
    assert.equal(cleanEnvironment({}, { LC_ALL: 'C' }).LC_ALL, 'C');
  });
});

describe('starting it', () => {
  const sh = (script: string, timeoutMs: number | null = 10_000) =>
    startProcess(['/bin/sh', '-c', script], { env: process.env, timeoutMs, log: silent, detached: true });

  it('waits for the ready line among other output', async () => {
    const result = await sh(`echo Welcome; echo '{"ready":true,"pid":7,"socket":"/s"}'`);
    assert.deepEqual(result, { kind: 'ready', ready: { ready: true, pid: 7, socket: '/s' } });
  });

  it("hands on the helper's own error", () => {
    const report = errorReport('LIBBPF_MISSING', 'x');
    assert.deepEqual(parseReadyLine(JSON.stringify({ error: report })), { kind: 'report', report });
    assert.equal(parseReadyLine('{"ready":'), null);
    assert.equal(parseReadyLine('[]'), null);
    assert.equal(parseReadyLine('null'), null);
    assert.equal(parseReadyLine('{"error":{"code":"NONE","message":"m","fix":"f"}}'), null, 'somebody else said it');
  });

  it('tells how it ended otherwise', async () => {
    assert.deepEqual(await sh('echo no >&2; exit 3'), { kind: 'exited', code: 3, stderr: 'no\n', why: null });
    const absent = await startProcess(['/nowhere/sudo'], { env: {}, timeoutMs: 1000, log: silent, detached: false });
    assert.ok(absent.kind === 'exited' && absent.why?.includes('ENOENT'), JSON.stringify(absent));
    const killed = await sh('kill -9 $$');
    assert.ok(killed.kind === 'exited' && killed.why?.includes('SIGKILL'), JSON.stringify(killed));
  });

  it('ends what does not answer in time', async () => {
    assert.deepEqual(await sh('exec sleep 60', 200), { kind: 'timeout' });
  });
});

describe('what clients look for', () => {
  it('is a program that can be run, in the folders of PATH, never in the current one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-path-'));
    const [first, second] = ['first', 'second'].map((name) => join(folder, name));
    for (const one of [first, second]) mkdirSync(one);
    // A folder may be entered and a file be there without being a program.
    mkdirSync(join(first, 'tool'));
    writeFileSync(join(first, 'other'), '');
    for (const name of ['tool', 'other', 'here']) writeFileSync(join(second, name), '#!/bin/sh\n', { mode: 0o755 });
    const before = process.cwd();
    process.chdir(second);
    try {
      assert.equal(findInPath('tool', `${first}:${second}`), join(second, 'tool'));
      assert.equal(findInPath('other', `${first}:${second}`), join(second, 'other'));
      for (const path of ['', ':', '.', `${first}:`, `:${first}`]) assert.equal(findInPath('here', path), null, path);
      chmodSync(join(second, 'here'), 0o644);
      assert.equal(findInPath('here', second), null);
    } finally {
      process.chdir(before);
      rmSync(folder, { recursive: true });
    }
  });

  it('is one cache for all clients, by absolute paths alone', () => {
    assert.equal(userCacheFolder({ XDG_CACHE_HOME: '/c', HOME: '/h' }), '/c/ebpf-tracer');
    for (const XDG_CACHE_HOME of ['relative', '', undefined])
      assert.equal(userCacheFolder({ XDG_CACHE_HOME, HOME: '/h' }), '/h/.cache/ebpf-tracer');
    assert.equal(userCacheFolder({}), join(homedir(), '.cache', 'ebpf-tracer'));
    assert.equal(userCacheFolder({ HOME: 'h' }), null);
  });
});
