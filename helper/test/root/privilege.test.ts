// The drop, as the kernel sees it: which threads have what afterwards, that it is final, and that each capability kept is
// needed. Every probe is a process of its own (privilegeProbe.ts).

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { CAPABILITY, lastCapability, statusMask } from '../../src/client/capabilities';
import { capabilitiesToKeep } from '../../src/privilege/drop';
import { CPU } from '../../src/stack/sources/cpu';
import { STRANGER, until } from './helperProcess';
import type { ProbeResult } from './privilegeProbe';
import { PUBLIC_NODE, publicFile } from './publicCopy';
import { SLOWNESS } from './slowness';
import { makeTemporaryUser, whyNoTemporaryUser } from './temporaryUser';

describe('privilege drop', function () {
  this.timeout(180_000 * SLOWNESS);
  const targets: ChildProcess[] = [];

  before(async function () {
    if (process.getuid!() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    const libc = publicFile('../../src/privilege/libc');
    const close = `require(${JSON.stringify(libc)}).libc().prctl(4, 0, 0, 0, 0);`;
    // One that closed itself to its user's other processes (PR_SET_DUMPABLE), as ssh-agent does, and a plain one.
    for (const first of ['', close]) {
      const target = spawn(PUBLIC_NODE, ['-e', `${first} console.log('up'); setInterval(() => {}, 1e6)`], {
        uid: STRANGER,
        gid: STRANGER,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      targets.push(target);
      let up = false;
      target.stdout!.once('data', () => {
        up = true;
      });
      await until(() => up || target.exitCode !== null, 'the target runs');
      assert.ok(up, `user ${STRANGER} cannot start a program of this checkout`);
    }
  });
  after(() => {
    for (const target of targets) target.kill('SIGKILL');
  });

  function probe(uid: number, without = 'none', gid = uid): ProbeResult {
    const pids = targets.map(({ pid }) => String(pid));
    const args = [publicFile('./privilegeProbe'), String(uid), String(gid), without, ...pids];
    return JSON.parse(execFileSync(PUBLIC_NODE, args, { encoding: 'utf8' }));
  }
  const kept = (uid: number) =>
    capabilitiesToKeep(
      statusMask(readFileSync('/proc/self/status', 'latin1'), 'CapPrm'),
      lastCapability(),
      uid,
      CPU.capabilities,
    ).sort();

  /** Where this kernel wants CAP_SYS_ADMIN for sampling, it is kept besides. */
  const withoutAdmin = (capabilities: string[]) =>
    capabilities.filter((name) => name !== 'SYS_ADMIN' || lastCapability() < CAPABILITY.BPF).sort();

  it('leaves the caller’s user, group and groups in every thread, and capabilities in the main one only', () => {
    const { threads, capabilities } = probe(STRANGER);
    assert.deepEqual(withoutAdmin(capabilities), kept(STRANGER));
    assert.ok(threads.length > 1);
    for (const { Uid, Gid, Groups } of threads) {
      assert.deepEqual([...Uid.split('\t'), ...Gid.split('\t')], Array(8).fill(String(STRANGER)));
      assert.equal(Groups.trim(), '');
    }
    const [main, ...others] = threads;
    assert.equal(main.NoNewPrivs, '1');
    assert.equal(main.CapEff, main.CapPrm);
    assert.equal(BigInt(`0x${main.CapInh}`) | BigInt(`0x${main.CapAmb}`), 0n);
    for (const { CapEff, CapPrm } of others) assert.deepEqual([BigInt(`0x${CapEff}`), BigInt(`0x${CapPrm}`)], [0n, 0n]);
  });

  it('does the same where the caller is root: uid 0 stays, the other threads lose everything', () => {
    const { threads, capabilities } = probe(0);
    assert.deepEqual(withoutAdmin(capabilities), kept(0));
    const [main, ...others] = threads;
    assert.equal(main.Uid, '0\t0\t0\t0');
    assert.equal(main.NoNewPrivs, '1');
    for (const { CapEff, CapPrm } of others) assert.deepEqual([BigInt(`0x${CapEff}`), BigInt(`0x${CapPrm}`)], [0n, 0n]);
  });

  it('leaves threads that Node and V8 start later without any capability', () => {
    for (const uid of [STRANGER, 0]) {
      const { threads, later, stillCapable } = probe(uid);
      assert.equal(stillCapable, 0);
      assert.ok(later.length >= threads.length + 4, `${threads.length} threads, later ${later.length}`);
      const [main, ...others] = later;
      assert.notEqual(BigInt(`0x${main.CapEff}`), 0n);
      for (const { CapEff, CapPrm } of others)
        assert.deepEqual(
          [CapEff, CapPrm].map((m) => BigInt(`0x${m}`)),
          [0n, 0n],
        );
      // Those that open files are still the caller.
      assert.ok(later.slice(threads.length).every(({ Uid }) => Uid === Array(4).fill(uid).join('\t')));
    }
  });

  it('is final, opens no inspector, and leaves workers without any capability', () => {
    const result = probe(STRANGER);
    assert.equal(result.rootAgain, false);
    assert.equal(result.inspector, false, 'SIGUSR1 must not open a debugger port');
    assert.equal(result.shadowReadable, false);
    assert.equal(result.workerCapabilities, 'true 0', 'a worker starts with the main thread’s and drops them');
  });

  it('still does all that a recording needs', () => {
    const { works } = probe(STRANGER);
    assert.deepEqual(works, Object.fromEntries(Object.keys(works).map((name) => [name, true])));
  });

  /** What fails without each capability: the README's table, proven. */
  describe('capability by capability', () => {
    const PARANOID = '/proc/sys/kernel/perf_event_paranoid';
    const paranoid = readFileSync(PARANOID, 'utf8');
    // Debian's kernels begin at 3, where CAP_SYS_ADMIN stays and hides what the others are for. In a VM it is ours to set.
    before(() => {
      if (process.env.VMRUN) writeFileSync(PARANOID, '2');
    });
    after(() => {
      if (process.env.VMRUN) writeFileSync(PARANOID, paranoid);
    });

    const LOST: [capability: string, fails: (keyof ProbeResult['works'])[]][] = [
      ['BPF', ['ringBuffer']],
      ['PERFMON', ['sampling']],
      ['SYS_PTRACE', ['closedFiles']],
      ['CHECKPOINT_RESTORE', ['mapFiles']],
    ];
    for (const [capability, fails] of LOST) {
      it(`needs CAP_${capability} for ${fails.join(', ')}`, function () {
        if (!kept(STRANGER).includes(capability as never)) {
          console.log('        skipped: this kernel or container does not have it');
          this.skip();
        }
        if (probe(STRANGER).capabilities.includes('SYS_ADMIN')) {
          console.log('        skipped: this kernel makes us keep CAP_SYS_ADMIN, which includes the others');
          this.skip();
        }
        if (capability === 'PERFMON' && Number(readFileSync(PARANOID, 'utf8')) < 1) {
          console.log('        skipped: perf_event_paranoid allows it to everybody');
          this.skip();
        }
        const { works } = probe(STRANGER, capability);
        // Newer kernels let CAP_PERFMON read mappings, older ones only CAP_SYS_PTRACE.
        const failed = Object.entries(works).filter(([name, ok]) => !ok && name !== 'maps');
        assert.deepEqual(failed.map(([name]) => name).sort(), [...fails].sort());
      });
    }
  });

  it('gives a user all further groups, in every thread, also where Node refuses to', function () {
    const why = whyNoTemporaryUser();
    if (why) {
      console.log(`        skipped: ${why}`);
      this.skip();
    }
    const user = makeTemporaryUser('p', 2);
    try {
      const { threads, capabilities } = probe(user.uid, 'none', user.gid);
      const groups = [...user.groups].sort((a, b) => a - b).join(' ');
      assert.equal(user.groups.length, 3);
      assert.ok(threads.length > 1);
      for (const { Uid, Gid, Groups } of threads) {
        assert.deepEqual(
          [Uid, Gid],
          [user.uid, user.gid].map((id) => Array(4).fill(id).join('\t')),
        );
        assert.equal(Groups.trim(), groups);
      }
      assert.deepEqual(withoutAdmin(capabilities), kept(user.uid));
    } finally {
      user.remove();
    }
  });
});
