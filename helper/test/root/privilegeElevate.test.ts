// The command line's way to its rights, as a user without any: through the real sudo, with a temporary user and rule that
// are removed again. Terminals are made by script(1).

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findInPath } from '../../src/client/findInPath';
import { mayHideFromRoot } from '../../src/client/startFailure';
import type { ErrorReport } from '../../src/protocol';
import { descendantsOf, HELPER_JS, isAlive, until } from './helperProcess';
import { PUBLIC_NODE, publicFile } from './publicCopy';

const USER = `tracer${process.pid % 100_000}`;
const PASSWORD = 'correct-horse-7';
const RULE = `/etc/sudoers.d/${USER}`;

interface Answer {
  uid?: number;
  capabilities?: string[];
  command?: string[];
  processes?: number;
  error?: ErrorReport;
}

describe('rights for the command line', function () {
  this.timeout(180_000);
  let uid: number;
  let folder: string;

  before(function () {
    const absent = ['sudo', 'useradd', 'userdel', 'chpasswd', 'setpriv', 'script'].filter((name) => !findInPath(name));
    const why = process.getuid!() !== 0 ? 'needs root' : absent.length > 0 ? `needs ${absent.join(', ')}` : null;
    if (why) {
      console.log(`      skipped: ${why}`);
      this.skip();
    }
    execFileSync('useradd', ['--no-create-home', '--shell', '/bin/sh', USER]);
    execFileSync('chpasswd', { input: `${USER}:${PASSWORD}\n` });
    uid = Number(execFileSync('id', ['-u', USER], { encoding: 'utf8' }));
    folder = mkdtempSync(join(tmpdir(), 'elevate-'));
    chmodSync(folder, 0o755);
  });
  let foldersBefore: string[];
  const socketFolders = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`ebpf-tracer-${uid}-`));
  beforeEach(() => {
    foldersBefore = socketFolders();
  });
  afterEach(() => {
    rmSync(RULE, { force: true });
    for (const kept of ['/run/sudo/ts', '/var/lib/sudo/ts']) rmSync(join(kept, USER), { force: true });
    const left = socketFolders().filter((name) => !foldersBefore.includes(name));
    assert.deepEqual(left, [], 'no socket folder is left');
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
    if (uid === undefined) return;
    execFileSync('userdel', [USER], { stdio: 'ignore' });
    rmSync(join('/var/lib/sudo/lectured', USER), { force: true });
  });

  const CLIENT = publicFile('./elevateClient');
  const rule = (text: string) => writeFileSync(RULE, `${USER} ${text}\n`, { mode: 0o440 });
  /** A login's environment, not root's. */
  const environment = () => ({ PATH: process.env.PATH, HOME: folder, TERM: 'dumb' });
  const become = [findInPath('setpriv') ?? 'setpriv', '--reuid', USER, '--regid', USER, '--init-groups'];

  function asUser(command: string[], env: NodeJS.ProcessEnv = {}): string {
    const [file, ...args] = [...become, ...command];
    const more = { ...environment(), ...env };
    return execFileSync(file, args, { env: more, encoding: 'utf8', cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  }
  /** Where no udev opened FUSE's device to users, it is this one's until the returned function is called. */
  function lendFuse(to: number): () => void {
    const device = '/dev/fuse';
    const before = statSync(device);
    if ((before.mode & 0o006) === 0o006) return () => {};
    chownSync(device, to, before.gid);
    return () => chownSync(device, before.uid, before.gid);
  }
  const client = (options: object = {}, env: NodeJS.ProcessEnv = {}): Answer =>
    JSON.parse(asUser([PUBLIC_NODE, CLIENT, JSON.stringify(options)], env));

  /** On a terminal: types the next of `answers` at each prompt. */
  async function onTerminal(answers: string[]): Promise<Answer> {
    const command = [...become, PUBLIC_NODE, CLIENT, '{"interactive":true}'].map((part) => `'${part}'`).join(' ');
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      env: environment(),
      cwd: '/',
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let screen = '';
    let prompts = 0;
    terminal.stdout.on('data', (chunk) => {
      screen += chunk;
      const seen = screen.split('to trace processes: ').length - 1;
      // sudo flushes what was typed before it reads: a moment after the prompt it has switched the echo off.
      for (; prompts < seen; prompts++) {
        const answer = answers[prompts];
        if (answer !== undefined) setTimeout(() => terminal.stdin.write(answer), 300);
      }
    });
    await new Promise((resolve) => terminal.once('exit', resolve));
    assert.ok(!screen.includes(PASSWORD), 'a password is never shown');
    const line = screen.split(/\r?\n/).find((text) => text.startsWith('{'));
    assert.ok(line, screen);
    return JSON.parse(line);
  }

  it('goes through sudo without a password where that is allowed', () => {
    rule('ALL=(ALL) NOPASSWD: ALL');
    const { error, capabilities, processes, ...rest } = client();
    assert.equal(error, undefined);
    assert.equal(rest.uid, uid);
    assert.ok(capabilities!.includes('BPF'), String(capabilities));
    assert.ok(processes! > 1);
  });

  it('leaves neither helper nor sudo behind when the front end is killed', async () => {
    rule('ALL=(ALL) NOPASSWD: ALL');
    const target = spawn(PUBLIC_NODE, ['-e', 'for (;;);'], { uid, gid: uid, stdio: 'ignore' });
    const output = join(mkdtempSync(join(folder, 'out-')), 'x.speedscope.json');
    chownSync(dirname(output), uid, uid);
    const [file, ...args] = [...become, PUBLIC_NODE, publicFile('./recordingClient'), String(target.pid), output];
    const front = spawn(file, args, { env: environment(), cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let text = '';
      front.stdout.on('data', (chunk) => {
        text += chunk;
      });
      await until(() => text.includes('helperPid'), 'it records');
      const below = descendantsOf(front.pid!);
      const names = below.map((pid) => readFileSync(`/proc/${pid}/comm`, 'latin1').trim());
      assert.ok(names.includes('sudo') && names.some((name) => name !== 'sudo'), String(names));
      front.kill('SIGKILL');
      await until(() => !below.some(isAlive), 'all of them have ended');
      assert.equal(JSON.parse(readFileSync(output, 'utf8')).ebpfTracer.complete, true);
      assert.equal(statSync(output).uid, uid);
    } finally {
      target.kill('SIGKILL');
      front.kill('SIGKILL');
    }
  });

  it('asks on the terminal', async () => {
    rule('ALL=(ALL) ALL');
    assert.equal((await onTerminal([`${PASSWORD}\n`])).uid, uid);
  });

  it('takes the second try', async () => {
    rule('ALL=(ALL) ALL');
    assert.equal((await onTerminal(['wrong\n', `${PASSWORD}\n`])).uid, uid);
  });

  it('says so after three wrong passwords', async () => {
    rule('ALL=(ALL) ALL');
    assert.equal((await onTerminal(['a\n', 'b\n', 'c\n'])).error?.code, 'PASSWORD_REJECTED');
  });

  it('ends quietly after Ctrl-C at the prompt', async () => {
    rule('ALL=(ALL) ALL');
    assert.equal((await onTerminal(['\x03'])).error?.code, 'ELEVATION_CANCELLED');
  });

  it('says that sudo refuses this user', async () => {
    const { error } = await onTerminal([`${PASSWORD}\n`]);
    assert.equal(error?.code, 'NO_PRIVILEGE');
    assert.match(error!.message, /is not in the sudoers file/);
  });

  it('says what to do where there is no terminal to ask on', () => {
    rule('ALL=(ALL) ALL');
    const { error } = client();
    assert.equal(error?.code, 'NO_PRIVILEGE');
    assert.match(error!.message, /no terminal/);
  });

  it('says that there is no sudo', () => {
    assert.equal(client({}, { PATH: folder }).error?.code, 'SUDO_ABSENT');
  });

  it('names the file that root cannot read', () => {
    rule('ALL=(ALL) NOPASSWD: ALL');
    for (const options of [{ execPath: `${folder}/gone/node` }, { helperPath: `${folder}/gone/helper.js` }]) {
      const { error } = client(options);
      assert.equal(error?.code, 'HELPER_UNREADABLE');
      assert.match(error!.message, /\/gone\//);
    }
  });

  it('names a helper on a file system that hides its files from root', function () {
    rule('ALL=(ALL) NOPASSWD: ALL');
    const absent = ['bindfs', 'fusermount3'].filter((name) => !findInPath(name));
    if (absent.length > 0 || !existsSync('/dev/fuse')) {
      console.log(`        skipped: needs FUSE (${absent.join(', ')})`);
      this.skip();
    }
    const mountPoint = mkdtempSync(join(folder, 'fuse-'));
    chownSync(mountPoint, uid, uid);
    const putBack = lendFuse(uid);
    try {
      asUser(['bindfs', '--no-allow-other', dirname(HELPER_JS), mountPoint]);
    } finally {
      putBack();
    }
    try {
      const { error } = client({ helperPath: join(mountPoint, 'main.js') });
      assert.equal(error?.code, 'HELPER_UNREADABLE');
      assert.ok(error!.message.includes(mountPoint));
      assert.equal(mayHideFromRoot(join(mountPoint, 'main.js')), true);
    } finally {
      asUser(['fusermount3', '-u', mountPoint]);
    }
  });

  it('passes on through sudo what makes Electron a Node', () => {
    rule('ALL=(ALL) NOPASSWD: ALL');
    // Like VS Code's own binary: Node only when the variable says so, a window otherwise.
    const electron = join(folder, 'electron');
    const script = `#!/bin/sh\n[ "$ELECTRON_RUN_AS_NODE" = 1 ] || exit 86\nexec '${PUBLIC_NODE}' "$@"\n`;
    writeFileSync(electron, script, { mode: 0o755 });
    assert.equal(client({ execPath: electron }, { ELECTRON_RUN_AS_NODE: '1' }).uid, uid);
    assert.equal(client({ execPath: electron }).error?.code, 'HELPER_START');
  });

  it('needs no sudo where the user has the capabilities already', function () {
    const caps = '+bpf,+perfmon,+sys_ptrace,+checkpoint_restore';
    const args = [...become, '--inh-caps', caps, '--ambient-caps', caps, PUBLIC_NODE, CLIENT, '{}'];
    let out: string;
    try {
      out = execFileSync(args[0], args.slice(1), {
        env: { ...environment(), PATH: folder },
        encoding: 'utf8',
        cwd: '/',
      });
    } catch (error) {
      console.log(`        skipped: setpriv cannot give these capabilities (${error})`);
      this.skip();
    }
    const answer: Answer = JSON.parse(out);
    assert.equal(answer.uid, uid, answer.error?.message);
    assert.deepEqual(answer.capabilities!.sort(), ['BPF', 'CHECKPOINT_RESTORE', 'PERFMON', 'SYS_PTRACE']);
  });

  it('lets nothing of the caller’s Node settings into the helper', () => {
    const args = [CLIENT, JSON.stringify({ cacheDir: '/nowhere' })];
    const env = { ...process.env, NODE_OPTIONS: '--title=leaked' };
    const answer: Answer = JSON.parse(execFileSync(PUBLIC_NODE, args, { env, encoding: 'utf8' }));
    assert.equal(answer.uid, 0);
    // A title given by NODE_OPTIONS would have replaced the command line.
    assert.ok(answer.command!.includes('serve') && answer.command!.includes('/nowhere'));
  });
});
