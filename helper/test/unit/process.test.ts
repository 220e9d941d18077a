// Reading processes: /proc's text, containers, ports, runtimes, who may be traced, one recording at a time.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { parsePid } from '../../src/client/pidCheck';
import { hasEnded, parseStat, readStat } from '../../src/client/processStat';
import { containerOf } from '../../src/process/container';
import { listProcesses } from '../../src/process/list';
import { parseSlowMounts, slowMountOf } from '../../src/process/mounts';
import { parseListening } from '../../src/process/ports';
import { type LockedTarget, lockName, lockTarget, lockTargets } from '../../src/process/recordingLock';
import { runtimeOf } from '../../src/process/runtime';
import { parsePasswd } from '../../src/process/users';
import { checkTarget } from '../../src/process/validate';
import { TracerError } from '../../src/protocol';
import { peerCredentials } from '../../src/rpc/peerCredentials';

const ID = '3f2a'.repeat(16);

const locked = (pid: number, startTicks: number): LockedTarget => ({ pid, startTicks, tracer: 'cpu' });

describe('/proc', () => {
  it('tells a process apart whatever its name', () => {
    const stat = parseStat(`7 (a) b (c)) S 1 7 7 34816 7 4194304 9 9 9 9 150 25 3 4 20 0 1 0 4711 ${'0 '.repeat(30)}`);
    assert.deepEqual(stat, {
      name: 'a) b (c)',
      state: 'S',
      ppid: 1,
      tty: 34816,
      kernelThread: false,
      forkedOnly: false,
      userMs: 1500,
      kernelMs: 250,
      childrenMs: 70,
      startTicks: 4711,
    });
    assert.equal(parseStat('nonsense'), null);
  });

  it('names users, the first entry of an id', () => {
    const users = parsePasswd(
      'root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\nbroken\nann:x:1000:1000::/home/ann:/bin/sh\n',
    );
    assert.deepEqual(
      [...users.values()].map(({ name, home }) => [name, home]),
      [
        ['root', '/root'],
        ['ann', '/home/ann'],
      ],
    );
  });

  it('shows listening ports, v4 and v6', () => {
    const text = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0',
      '   1: 0100007F:1F91 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1 0 100 0 0 10 0',
      '   2: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4244 1',
    ].join('\n');
    assert.deepEqual(
      [...parseListening(text)],
      [
        ['4242', 8080],
        ['4244', 80],
      ],
    );
  });

  const cgroups: [string, string | null][] = [
    [`0::/system.slice/docker-${ID}.scope`, 'docker:3f2a3f2a3f2a'],
    [`12:cpu:/docker/${ID}\n0::/`, 'docker:3f2a3f2a3f2a'],
    [`0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container`, 'podman:3f2a3f2a3f2a'],
    [
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-${ID}.scope`,
      'containerd:3f2a3f2a3f2a',
    ],
    [`0::/kubepods/besteffort/pod12/${ID}`, 'kubepods:3f2a3f2a3f2a'],
    [`0::/kubepods.slice/kubepods-pod1.slice/crio-${ID}.scope`, 'crio:3f2a3f2a3f2a'],
    [`0::/default/${ID}`, 'containerd:3f2a3f2a3f2a'],
    ['0::/lxc.payload.web1/system.slice', 'lxc:web1'],
    ['0::/user.slice/user-1000.slice/session-1.scope', null],
    ['0::/', null],
    ['', null],
  ];
  for (const [text, expected] of cgroups)
    it(`finds ${expected ?? 'no container'} in ${text.slice(0, 50) || 'nothing'}`, () =>
      assert.equal(containerOf(text), expected));
});

describe('the process list', () => {
  it('holds this process with its runtime, folder and port, and no kernel thread', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      const processes = await listProcesses();
      const own = processes.find(({ pid }) => pid === process.pid);
      assert.ok(own);
      assert.equal(own.runtime, 'node');
      assert.equal(own.ppid, process.ppid);
      assert.equal(own.uid, process.getuid!());
      assert.equal(own.cwd, process.cwd());
      assert.ok(own.listeningPorts.includes(port));
      assert.ok(own.command.includes('mocha'));
      assert.ok(Math.abs(own.startTimeMs - performance.timeOrigin) < 5_000);
      assert.ok(!processes.some(({ pid }) => pid === 2 && readStat(2)?.kernelThread));
    } finally {
      server.close();
    }
  });

  it('tells a shell from a runtime', async () => {
    const child = spawn('sleep', ['30']);
    try {
      assert.equal(runtimeOf(child.pid!), 'native');
    } finally {
      child.kill();
    }
    assert.equal(runtimeOf(2 ** 22 - 1), 'unknown');
  });
});

describe('mounts that may not answer', () => {
  const line = (device: string, point: string, type: string) =>
    `36 35 ${device} / ${point} rw shared:1 - ${type} source rw`;
  const mountinfo = [
    line('8:1', '/', 'ext4'),
    line('0:5', '/proc', 'proc'),
    line('0:44', '/home/a\\040b', 'fuse.sshfs'),
    line('0:45', '/home/a\\040b/deep', 'nfs4'),
    line('0:46', '/proc/sys/fs/binfmt_misc', 'autofs'),
    line('0:47', '/merged', 'overlay'),
    line('0:48', '/new', 'a-type-of-tomorrow'),
    'nonsense',
    '',
  ].join('\n');

  it('are all of a type that is not known to be local', () => {
    const points = (rootsMounts: boolean) => parseSlowMounts(mountinfo, rootsMounts).map(({ point }) => point);
    assert.deepEqual(points(true), ['/home/a b/deep', '/home/a b', '/new']);
    // Whoever may mount by himself may lay one over a file system of his own.
    assert.deepEqual(points(false), ['/home/a b/deep', '/home/a b', '/merged', '/new']);
  });

  it('are found by device, whatever the path says, else by the path', () => {
    const mounts = parseSlowMounts(mountinfo, true);
    const typeOf = (path: string, device: string | null) => slowMountOf(mounts, path, device)?.type ?? null;
    assert.equal(typeOf('/usr/lib/libc.so.6', '0:45'), 'nfs4');
    assert.equal(typeOf('/home/a b/deep/x', null), 'nfs4');
    assert.equal(typeOf('/home/a b/x', null), 'fuse.sshfs');
    assert.equal(typeOf('/home/a bc', null), null);
  });
});

describe('a target', () => {
  let child: ChildProcess;
  beforeEach(() => {
    child = spawn('sleep', ['30']);
  });
  afterEach(() => child.kill());
  const own = { callerUid: process.getuid!(), anyUser: false };

  it('is a positive whole number of a living user process', () => {
    assert.equal(checkTarget(child.pid!, own).name.length > 0, true);
    assert.equal(parsePid(' 12 '), 12);
    for (const text of ['0', '-1', 'nginx', '', '1.5', '1e3', '99999999999'])
      assert.throws(() => parsePid(text), isCode('PID_INVALID'), text);
    for (const pid of [0, -1, 1.5, Number.NaN]) assert.throws(() => checkTarget(pid, own), isCode('PID_INVALID'));
    assert.throws(() => checkTarget(2 ** 22 - 1, own), isCode('PID_GONE'));
    assert.throws(() => checkTarget(child.pid!, { ...own, ownPids: [child.pid!] }), isCode('PID_SELF'));
  });

  it('is not a zombie', async () => {
    // A shell that starts a child, then becomes a program that never waits for it.
    const parent = spawn('sh', ['-c', 'sh -c "echo \\$\\$" & exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [chunk] = await once(parent.stdout, 'data');
      const zombie = Number(String(chunk));
      for (const end = Date.now() + 10_000; readStat(zombie)?.state !== 'Z'; ) {
        assert.ok(Date.now() < end, 'no zombie');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.throws(() => checkTarget(zombie, own), isCode('PID_ZOMBIE'));
    } finally {
      parent.kill();
    }
  });

  it('is no zombie while other threads of it run', () => {
    const stat = { ...readStat(process.pid)!, state: 'Z' };
    // This process has threads (libuv's, V8's), so a first thread that ended would not be its end.
    assert.equal(hasEnded(process.pid, stat), false);
    assert.equal(hasEnded(child.pid!, { ...stat, state: 'S' }), false);
  });

  it('is not a kernel thread', function () {
    const thread = readdirSync('/proc')
      .map(Number)
      .find((pid) => pid > 0 && readStat(pid)?.kernelThread);
    if (!thread) {
      console.log('      skipped: no kernel thread is visible here (PID namespace)');
      this.skip();
    }
    assert.throws(() => checkTarget(thread!, own), isCode('PID_KERNEL_THREAD'));
  });

  it("is another user's only when that is confirmed, or for root", () => {
    const stranger = { callerUid: process.getuid!() + 12345, anyUser: false };
    assert.throws(() => checkTarget(child.pid!, stranger), isCode('NOT_YOUR_PROCESS'));
    assert.ok(checkTarget(child.pid!, { ...stranger, anyUser: true }));
    assert.ok(checkTarget(child.pid!, { callerUid: 0, anyUser: false }));
  });
});

describe('the recording lock', () => {
  const caller = process.getuid!();
  const peerUid = (socket: Socket) => peerCredentials(socket).uid;
  const lock = (pid: number, ticks: number) => lockTarget(caller, locked(pid, ticks), peerUid);

  it('is free again after its release, and leaves no name behind', async () => {
    const first = await lock(4242, 1);
    await assert.rejects(lock(4242, 1), isCode('BUSY'));
    const others = await Promise.all([lock(4242, 2), lockTarget(caller + 1, locked(4242, 1), peerUid)]);
    // Another tracer may record it at the same time.
    others.push(await lockTarget(caller, { pid: 4242, startTicks: 1, tracer: 'off-cpu' }, peerUid));
    // All or none: what was taken before the one that is held is free again.
    const both = [locked(4242, 3), locked(4242, 1)];
    await assert.rejects(lockTargets(caller, both, peerUid), isCode('BUSY'));
    others.push(await lock(4242, 3));
    first.release();
    const again = await lock(4242, 1);
    for (const one of [...others, again]) one.release();
    assert.ok(!readFileSync('/proc/net/unix', 'utf8').includes(`@ebpf-tracer/${caller}/4242-`));
  });

  it('is not held by another user who took its name: the next one counts, and holds', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen({ path: lockName(caller, locked(4243, 1), 0) }, resolve));
    // Who holds the first name is another user, who holds the second is the caller.
    const ownersOf = (owners: number[]) => () => owners.shift()!;
    const first = await lockTarget(caller, locked(4243, 1), ownersOf([caller + 1]));
    await assert.rejects(lockTarget(caller, locked(4243, 1), ownersOf([caller + 1, caller])), isCode('BUSY'));
    first.release();
    squatter.close();
  });

  it('is done without where another user sits on all of its names', async () => {
    const squatters = Array.from({ length: 16 }, () => createServer());
    await Promise.all(
      squatters.map(
        (one, number) =>
          new Promise<void>((resolve) => one.listen({ path: lockName(caller, locked(4244, 1), number) }, resolve)),
      ),
    );
    (await lockTarget(caller, locked(4244, 1), () => caller + 1)).release();
    for (const one of squatters) one.close();
  });
});

function isCode(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof TracerError, String(error));
    assert.equal(error.report.code, code);
    return true;
  };
}
