// The helper's door, with the real helper as root starts it: who may come in, and what it refuses to start with.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSocketFolder, removeSocketFolder } from '../../src/client/socketFolder';
import type { ErrorReport } from '../../src/protocol';
import { HELPER_JS, STRANGER, type StartedHelper, serve } from './helperProcess';
import { PUBLIC_NODE, publicFile } from './publicCopy';
import { SLOWNESS } from './slowness';

describe('door of the helper', function () {
  this.timeout(180_000 * SLOWNESS);
  let helper: StartedHelper | null = null;

  before(function () {
    if (process.getuid!() === 0) return;
    console.log('      skipped: needs root');
    this.skip();
  });
  afterEach(async () => {
    helper?.child.kill('SIGTERM');
    await helper?.exited;
    helper = null;
  });

  /** Asks for a handshake as another user, in a process of its own, and prints what comes back. */
  function handshakeAs(uid: number, { socket, token }: { socket: string; token: string }): string {
    const client = publicFile('../../src/client/helperConnection');
    const source = `require(${JSON.stringify(client)}).HelperConnection.connect(${JSON.stringify({ socket, token })})
      .then((c) => { console.log('in as ' + c.identity.uid); c.dispose(); }, (e) => console.log(JSON.stringify(e.report)))`;
    return execFileSync(PUBLIC_NODE, ['-e', source], { uid, gid: uid, encoding: 'utf8' });
  }

  it('belongs to the caller, and to nobody else', async () => {
    helper = await serve({ uid: STRANGER });
    const socket = lstatSync(helper.folder.socket);
    assert.deepEqual([socket.uid, socket.gid, socket.mode & 0o777], [STRANGER, STRANGER, 0o600]);
    assert.equal(handshakeAs(STRANGER, helper.folder).trim(), `in as ${STRANGER}`);
  });

  it('refuses other users by the kernel’s word, even with the token and an open folder', async () => {
    helper = await serve({ uid: STRANGER, lingerMs: 5_000 });
    // As if somebody had opened both: what is checked then is who connects.
    chmodSync(helper.folder.dir, 0o755);
    chmodSync(helper.folder.socket, 0o666);
    const other: ErrorReport = JSON.parse(handshakeAs(STRANGER + 1, helper.folder));
    assert.equal(other.code, 'PEER_REFUSED');
    assert.match(other.message, new RegExp(`user ${STRANGER + 1}, not from user ${STRANGER}`));
    // Root has other means; this door is not one of them.
    await assert.rejects(helper.connect(), /user 0, not from user/);
    assert.equal(handshakeAs(STRANGER, helper.folder).trim(), `in as ${STRANGER}`);
  });

  it('does not start in a folder that others can open, or that is not the caller’s', async () => {
    const open = createSocketFolder({ uid: STRANGER, gid: STRANGER });
    chmodSync(open.dir, 0o755);
    await assert.rejects(serve({ uid: STRANGER, folder: open }), { code: 'HELPER_START' });
    removeSocketFolder(open.dir);
    const roots = createSocketFolder();
    chmodSync(roots.dir, 0o711);
    await assert.rejects(serve({ uid: STRANGER, folder: roots }), { code: 'HELPER_START' });
    removeSocketFolder(roots.dir);
  });

  it('does not start with a token that could be guessed', async () => {
    const folder = createSocketFolder({ uid: STRANGER, gid: STRANGER });
    writeFileSync(join(folder.dir, 'token'), 'short');
    await assert.rejects(serve({ uid: STRANGER, folder }), { code: 'HELPER_START' });
    removeSocketFolder(folder.dir);
  });

  it('says on stdout, in one line, what is wrong with its arguments', () => {
    const ends = (args: string[]) => {
      try {
        execFileSync(process.execPath, [HELPER_JS, ...args], { encoding: 'utf8', stdio: 'pipe' });
      } catch (error) {
        const { status, stdout } = error as { status: number; stdout: string };
        return { status, error: (JSON.parse(stdout) as { error: ErrorReport }).error };
      }
      throw new Error('it started');
    };
    for (const [args, pattern] of [
      [[], /one command/],
      [['serve'], /--socket-dir is missing/],
      [['serve', '--socket-dir', 'relative'], /absolute/],
      [['serve', '--socket-dir', '/x', '--uid', '-1'], /--uid/],
      [['serve', '--socket-dir', '/x', '--uid', '4294967295', '--gid', '0'], /--uid/],
      [['serve', '--socket-dir', '/x', '--uid', '1'], /--gid/],
      [['serve', '--bogus', '1'], /--bogus/],
    ] as const) {
      const { status, error } = ends([...args]);
      assert.equal(status, 2);
      assert.equal(error.code, 'USAGE');
      assert.match(error.message, pattern);
    }
  });

  it('says what is missing where it was started without rights', () => {
    const folder = createSocketFolder({ uid: STRANGER, gid: STRANGER });
    const args = ['serve', '--socket-dir', folder.dir, '--uid', String(STRANGER), '--gid', String(STRANGER)];
    try {
      execFileSync(PUBLIC_NODE, [HELPER_JS, ...args], { uid: STRANGER, gid: STRANGER, stdio: 'pipe' });
      assert.fail('it started');
    } catch (error) {
      const { status, stdout } = error as { status: number; stdout: Buffer };
      assert.equal(status, 3);
      assert.match(String(stdout), /NO_PRIVILEGE.*CAP_BPF and CAP_PERFMON/);
    } finally {
      removeSocketFolder(folder.dir);
    }
  });

  it('names the arguments of docker run where a container lacks the rights', function () {
    const folder = createSocketFolder();
    const args = ['serve', '--socket-dir', folder.dir, '--uid', '0', '--gid', '0'];
    // What a container engine leaves root with, as far as this matters.
    const bounding = '-all,+chown,+dac_override,+setuid,+setgid,+kill,+setpcap';
    try {
      execFileSync('setpriv', [`--bounding-set=${bounding}`, process.execPath, HELPER_JS, ...args], { stdio: 'pipe' });
      assert.fail('it started');
    } catch (error) {
      const { stdout, code } = error as { stdout: Buffer; code?: string };
      if (code === 'ENOENT') {
        console.log('        skipped: needs setpriv (util-linux)');
        this.skip();
      }
      const { error: report } = JSON.parse(String(stdout)) as { error: ErrorReport };
      assert.equal(report.code, 'CONTAINER_NO_RIGHTS');
      assert.match(report.fix, /docker run --cap-add=.*PERFMON.*--pid=host/);
    } finally {
      removeSocketFolder(folder.dir);
    }
  });

  it('serves root without CAP_SETUID, as some containers have it', async () => {
    helper = await serve({ prefix: ['setpriv', '--bounding-set=-setuid,-setgid'] });
    const connection = await helper.connect();
    assert.ok(connection.identity.capabilities.includes('BPF'));
    connection.dispose();
    assert.equal(await helper.exited, 0);
  });
});
