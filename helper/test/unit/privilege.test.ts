// The decisions around rights that need none: what to keep, what a failed start means, what surrounds the process, the
// helper's arguments, the meeting folder. What the kernel makes of it is in test/root/privilege*.test.ts.

import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type CapabilityName, maskOf, namesOf, statusMask } from '../../src/client/capabilities';
import { mayTrace, missingCapabilities } from '../../src/client/rights';
import {
  createSocketFolder,
  parentFolders,
  removeSocketFolder,
  removeStaleFolders,
} from '../../src/client/socketFolder';
import { explainFailure, mayHideFromRoot, type StartFailure } from '../../src/client/startFailure';
import { containerEngine, lockdown } from '../../src/client/surroundings';
import { tracersWithRightsOf } from '../../src/engine/chooseTracers';
import type { Tracer } from '../../src/engine/tracer';
import { capabilitiesToKeep } from '../../src/privilege/drop';
import { RECONNECT_GRACE_MS, TracerError } from '../../src/protocol';
import { readToken, sameToken } from '../../src/rpc/token';
import { parseServeArguments } from '../../src/serveArguments';
import { CPU } from '../../src/stack/sources/cpu';

const ALL = (1n << 41n) - 1n;

describe('privilege', () => {
  describe('capabilities', () => {
    it('reads masks and names their bits', () => {
      const status = 'Name:\tx\nCapInh:\t0000000000000000\nCapPrm:\t000001c000080000\nCapEff:\t000001c000080000\n';
      assert.equal(statusMask(status, 'CapEff'), 0x1c000080000n);
      assert.equal(statusMask(status, 'CapBnd'), 0n);
      assert.deepEqual(namesOf(0x1c000080001n), ['CAP_0', 'SYS_PTRACE', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE']);
      assert.equal(maskOf(['SYS_PTRACE', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE']), 0x1c000080000n);
    });

    const cases: [what: string, has: bigint, last: number, uid: number, kept: CapabilityName[]][] = [
      ['four for a user', ALL, 40, 1000, ['BPF', 'PERFMON', 'SYS_PTRACE', 'CHECKPOINT_RESTORE']],
      ['reading, too, for root', ALL, 40, 0, ['BPF', 'PERFMON', 'SYS_PTRACE', 'CHECKPOINT_RESTORE', 'DAC_READ_SEARCH']],
      ['5.8 has no CHECKPOINT_RESTORE', ALL, 39, 1000, ['BPF', 'PERFMON', 'SYS_PTRACE']],
      ['before 5.8 SYS_ADMIN stands in', ALL, 37, 1000, ['SYS_ADMIN', 'SYS_PTRACE']],
      ['a container with SYS_ADMIN only', maskOf(['SYS_ADMIN']), 40, 1000, ['SYS_ADMIN']],
      ['a container with just enough', maskOf(['BPF', 'PERFMON']), 40, 0, ['BPF', 'PERFMON']],
      ['half of what is needed is nothing', maskOf(['BPF']), 40, 1000, []],
    ];
    for (const [what, has, last, uid, kept] of cases)
      it(`keeps ${what}`, () => assert.deepEqual(capabilitiesToKeep(has, last, uid, CPU.capabilities), kept));

    it('keeps what a tracer needs besides, and nothing that none does', () => {
      assert.deepEqual(capabilitiesToKeep(ALL, 40, 1000, ['BPF', 'PERFMON', 'NET_ADMIN']), [
        'BPF',
        'PERFMON',
        'NET_ADMIN',
      ]);
    });

    it('knows what is missing', () => {
      assert.deepEqual(missingCapabilities(0n, 40), ['BPF', 'PERFMON']);
      assert.deepEqual(missingCapabilities(maskOf(['BPF']), 40), ['PERFMON']);
      assert.deepEqual(missingCapabilities(maskOf(['SYS_ADMIN']), 40), []);
      assert.deepEqual(missingCapabilities(0n, 37), ['SYS_ADMIN']);
      assert.equal(mayTrace(0n), false);
    });
  });

  describe('a failed start', () => {
    const base: StartFailure = {
      rung: 'sudo',
      execPath: '/usr/bin/node',
      helperPath: '/srv/x/helper.js',
      exitCode: 1,
      stderr: '',
      why: null,
    };
    const cases: [what: string, failure: Partial<StartFailure>, code: string, message?: RegExp][] = [
      ['three wrong passwords', { stderr: 'sudo: 3 incorrect password attempts\n' }, 'PASSWORD_REJECTED'],
      ['sudo -n without a ticket', { rung: 'sudo -n', stderr: 'sudo: a password is required\n' }, 'NO_PRIVILEGE'],
      ['the prompt given up', { stderr: 'sudo: a password is required\n' }, 'ELEVATION_CANCELLED'],
      ['the prompt given up silently', {}, 'ELEVATION_CANCELLED'],
      ['not a sudoer', { stderr: 'joe is not in the sudoers file.\n' }, 'NO_PRIVILEGE', /joe is not in/],
      ['not allowed this command', { stderr: 'Sorry, user joe is not allowed to execute' }, 'NO_PRIVILEGE', /joe/],
      [
        'Node where root cannot read',
        { stderr: 'sudo: unable to execute /usr/bin/node: Permission denied\n' },
        'HELPER_UNREADABLE',
        /\/usr\/bin\/node/,
      ],
      [
        'the helper where root cannot read',
        { rung: 'sudo -n', stderr: "Error: Cannot find module '/srv/x/helper.js'\n at x\n" },
        'HELPER_UNREADABLE',
        /\/srv\/x\/helper\.js/,
      ],
      [
        'a disconnected FUSE',
        { rung: 'sudo -n', stderr: "node: '/srv/x/helper.js': Transport endpoint is not connected\n" },
        'HELPER_UNREADABLE',
      ],
      ['a crash', { rung: 'direct', exitCode: 134, stderr: 'boom\nfatal: 7\n' }, 'HELPER_START', /fatal: 7/],
      ['a silent end', { rung: 'direct', exitCode: 9 }, 'HELPER_START', /exit code 9/],
      ['a signal', { rung: 'direct', why: 'it was ended by SIGSEGV' }, 'HELPER_START', /SIGSEGV/],
    ];
    for (const [what, failure, code, message = /./] of cases) {
      it(`explains ${what}`, () => {
        const report = explainFailure({ ...base, ...failure });
        assert.equal(report.code, code);
        assert.match(report.message, message);
      });
    }

    it('suspects what cannot be looked at, and Flatpak', () => {
      assert.equal(mayHideFromRoot(process.execPath), false);
      assert.equal(mayHideFromRoot('/nowhere/at/all/node'), true);
    });
  });

  describe('surroundings', () => {
    let root: string;
    beforeEach(() => {
      root = `${mkdtempSync(join(tmpdir(), 'surroundings-'))}/`;
    });
    afterEach(() => rmSync(root, { recursive: true }));

    it('recognizes containers by the marks of their engines', () => {
      assert.equal(containerEngine(root, {}), null);
      mkdirSync(`${root}proc/1`, { recursive: true });
      writeFileSync(`${root}proc/1/cgroup`, '0::/kubepods/besteffort/pod1/abc\n');
      assert.equal(containerEngine(root, {}), 'kubernetes');
      mkdirSync(`${root}run/systemd`, { recursive: true });
      writeFileSync(`${root}run/systemd/container`, 'systemd-nspawn\n');
      assert.equal(containerEngine(root, {}), 'systemd-nspawn');
      writeFileSync(`${root}run/.containerenv`, '');
      assert.equal(containerEngine(root, {}), 'podman');
      writeFileSync(`${root}.dockerenv`, '');
      assert.equal(containerEngine(root, {}), 'docker');
    });

    it('reads the mode of lockdown', () => {
      const file = `${root}lockdown`;
      assert.equal(lockdown(file), 'unknown');
      writeFileSync(file, 'none [integrity] confidentiality\n');
      assert.equal(lockdown(file), 'integrity');
      writeFileSync(file, 'none integrity [confidentiality]\n');
      assert.equal(lockdown(file), 'confidentiality');
    });
  });

  describe('the meeting folder', () => {
    it('is closed to others and holds a long token', () => {
      const folder = createSocketFolder();
      assert.equal(lstatSync(folder.dir).mode & 0o777, 0o700);
      assert.equal(lstatSync(join(folder.dir, 'token')).mode & 0o777, 0o600);
      assert.match(folder.token, /^[0-9a-f]{64}$/);
      assert.equal(readToken(folder.dir, process.getuid!()), folder.token);
      assert.throws(() => readToken(folder.dir, process.getuid!() + 1), TracerError);
      assert.ok(Buffer.byteLength(folder.socket) < 108, 'fits into sockaddr_un');
      rmSync(folder.dir, { recursive: true });
    });

    it('is made where its path is short enough for a socket, and where a file can be made', () => {
      const parent = mkdtempSync(join(tmpdir(), 'ebpf-tracer-parents-'));
      const long = join(parent, 'x'.repeat(100));
      mkdirSync(long);
      const folder = createSocketFolder(undefined, [join(parent, 'absent'), long, parent]);
      assert.equal(dirname(folder.dir), parent);
      assert.deepEqual(readdirSync(long), []);
      assert.throws(() => createSocketFolder(undefined, [join(parent, 'absent')]), /no folder for its socket.*ENOENT/);
      removeSocketFolder(folder.dir);
      rmSync(parent, { recursive: true });
    });

    it("is in the user's own runtime folder where there is one", () => {
      const own = mkdtempSync(join(tmpdir(), 'ebpf-tracer-runtime-'));
      assert.equal(parentFolders({ XDG_RUNTIME_DIR: own })[0], own);
      for (const XDG_RUNTIME_DIR of [join(own, 'gone'), undefined])
        assert.equal(parentFolders({ XDG_RUNTIME_DIR })[0], tmpdir());
      rmSync(own, { recursive: true });
    });

    it('goes with all that either side puts into it, and stays with what is not theirs', () => {
      const [ours, shared] = [createSocketFolder(), createSocketFolder()];
      for (const name of ['askpass.sh', 'terminal.log', 'helper.sock']) writeFileSync(join(ours.dir, name), '');
      writeFileSync(join(shared.dir, 'of somebody else'), '');
      for (const { dir } of [ours, shared]) removeSocketFolder(dir);
      assert.equal(existsSync(ours.dir), false);
      assert.deepEqual(readdirSync(shared.dir), ['of somebody else']);
      rmSync(shared.dir, { recursive: true });
    });

    it('compares tokens of all lengths', () => {
      assert.ok(sameToken('abc', 'abc'));
      for (const other of ['', 'abd', 'abcd', 'äbc']) assert.ok(!sameToken(other, 'abc'));
    });

    it('is removed later when nobody listens any more, and left alone otherwise', async () => {
      const [stale, used, starting, old] = [0, 1, 2, 3].map(() => createSocketFolder());
      const server = createServer().listen(used.socket);
      // A socket without a listener, as a killed helper leaves it: bound, then the descriptor is gone.
      const dead = createServer().listen(stale.socket);
      await new Promise((resolve) => dead.once('listening', resolve));
      const hidden = `${stale.socket}.kept`;
      renameSync(stale.socket, hidden);
      await new Promise((resolve) => dead.close(resolve));
      renameSync(hidden, stale.socket);
      const hourAgo = Date.now() / 1000 - 3600;
      utimesSync(old.dir, hourAgo, hourAgo);
      await removeStaleFolders('/none');
      const there = [stale, used, starting, old].map(({ dir }) => existsSync(dir));
      server.close();
      for (const { dir } of [used, starting]) rmSync(dir, { recursive: true });
      assert.deepEqual(there, [false, true, true, false]);
    });
  });

  describe('arguments of the helper', () => {
    const other: Tracer = { ...CPU, id: 'flows', capabilities: ['NET_ADMIN'] };
    const parsed = (argv: string[]) => parseServeArguments(argv, [CPU, other], ['cpu']);
    const least = ['serve', '--socket-dir', '/run/x', '--uid', '1000', '--gid', '100'];

    it('has defaults for all but folder, user and group', () => {
      assert.deepEqual(parsed(least), {
        socketDir: '/run/x',
        uid: 1000,
        gid: 100,
        lingerMs: RECONNECT_GRACE_MS,
        cacheDir: null,
        heartbeatTimeoutMs: 60_000,
        anyUser: false,
        namespaces: false,
        tracers: ['cpu'],
        without: [],
      });
    });

    it('serve by their rights also who was not named, and never who needs more', () => {
      const like: Tracer = { ...CPU, id: 'http', capabilities: ['BPF'] };
      const served = (chosen: Tracer[]) => tracersWithRightsOf([CPU, like, other], chosen).map(({ id }) => id);
      assert.deepEqual(served([CPU]), ['cpu', 'http']);
      assert.deepEqual(served([like]), ['http']);
      assert.deepEqual(served([CPU, other]), ['cpu', 'http', 'flows']);
    });

    it('takes the others', () => {
      const more = ['--linger', '0', '--cache-dir', '/c', '--heartbeat-timeout', '50', '--without', 'ringbuf,zerocopy'];
      const { lingerMs, cacheDir, heartbeatTimeoutMs, without } = parsed([...least, ...more]);
      assert.deepEqual([lingerMs, cacheDir, heartbeatTimeoutMs], [0, '/c', 50]);
      assert.deepEqual(without, ['ringbuf', 'zerocopy']);
    });

    it('takes the tracers that will be asked for, in the order of the table', () => {
      assert.deepEqual(parsed([...least, '--for', 'flows,cpu']).tracers, ['cpu', 'flows']);
      for (const names of ['flow', '', 'cpu,', '__proto__'])
        assert.throws(
          () => parsed([...least, '--for', names]),
          (error: TracerError) => error.report.code === 'TRACER_UNKNOWN' && /cpu, flows/.test(error.report.fix),
          names,
        );
    });

    it('takes the switch for other users anywhere', () => {
      for (const more of [['--any-user'], ['--any-user', '--linger', '0'], ['--linger', '0', '--any-user']])
        assert.equal(parsed([...least, ...more]).anyUser, true, more.join(' '));
    });

    for (const wrong of [
      ['--any-user', 'yes'],
      ['--linger'],
      ['--linger', '1e3'],
      ['--linger', ''],
      ['--cache-dir', 'c'],
      ['extra', '1'],
    ])
      it(`refuses ${JSON.stringify(wrong)}`, () => assert.throws(() => parsed([...least, ...wrong]), TracerError));
  });
});
