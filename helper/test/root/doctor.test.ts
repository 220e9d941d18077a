// The machine check with all rights, with none, and what it says of a machine that lacks something.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { checkMachine } from '../../src/doctor/check';
import type { CheckItem, CheckReport } from '../../src/protocol';
import { bpfObjectsOf, STRANGER } from './helperProcess';
import { PUBLIC_NODE, publicFile } from './publicCopy';
import { SLOWNESS } from './slowness';

describe('machine check', function () {
  this.timeout(180_000 * SLOWNESS);

  const byId = (report: CheckReport) => new Map(report.items.map((entry) => [entry.id, entry]));
  function wellFormed(items: CheckItem[]): void {
    assert.equal(new Set(items.map(({ id }) => id)).size, items.length, 'ids are unique');
    for (const { id, title, status, detail, fix } of items) {
      assert.ok(title !== '' && detail !== '', id);
      assert.ok(['ok', 'degraded', 'missing', 'unknown'].includes(status), id);
      if (status === 'missing') assert.ok(fix, `${id} says what to do`);
      if (status === 'ok') assert.equal(fix, null, id);
    }
  }

  it('finds by a real capture that this machine can trace, and leaves nothing loaded', async function () {
    if (process.getuid!() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    const report = await checkMachine();
    wellFormed(report.items);
    const items = byId(report);
    for (const id of ['trial', 'capabilities', 'libbpf', 'btf', 'bpf', 'ringBuffer', 'perfEvents'])
      assert.equal(items.get(id)?.status, 'ok', `${id}: ${items.get(id)?.detail}`);
    assert.ok(report.attach.some(({ what, taken }) => what === 'sampling' && taken !== null));
    // Loaded last, after samples came: the check waits for it.
    const kernelStacks = report.attach.find(({ what }) => what === 'kernel stacks');
    const hasTables = / __start_orc_unwind_ip$/m.test(readFileSync('/proc/kallsyms', 'latin1'));
    if (hasTables && process.arch === 'x64') assert.match(kernelStacks?.taken ?? '', /^own walk/);
    assert.match(report.kernel, /^Linux \d/);
    assert.deepEqual(bpfObjectsOf(process.pid), []);
  });

  /** The check in a process of its own; the command after `before` prints the report. */
  function checkIn(command: string[], uid: number): CheckReport {
    const check = publicFile('../../src/doctor/check');
    const source = `require(${JSON.stringify(check)}).checkMachine().then((r) => console.log(JSON.stringify(r)))`;
    const [file, ...args] = [...command, PUBLIC_NODE, '-e', source];
    return JSON.parse(execFileSync(file, args, { encoding: 'utf8', uid, gid: uid, cwd: '/' }));
  }

  it('says without rights what it cannot see, and blames nothing', function () {
    if (process.getuid!() !== 0) {
      console.log('      skipped: needs root to become somebody else');
      this.skip();
    }
    const report = checkIn([], STRANGER);
    wellFormed(report.items);
    assert.deepEqual(
      report.items.filter(({ status }) => status === 'missing').map(({ id }) => id),
      [],
    );
    const items = byId(report);
    assert.equal(items.get('capabilities')?.status, 'unknown');
    assert.equal(items.get('ringBuffer')?.status, 'unknown');
    assert.match(items.get('ringBuffer')!.fix!, /sudo/);
    assert.deepEqual(report.attach, []);
  });

  it('sees a PID namespace of its own, and still traces', function () {
    if (process.getuid!() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    const items = byId(checkIn(['unshare', '--pid', '--fork', '--mount-proc'], 0));
    assert.equal(items.get('pidNamespace')?.status, 'degraded');
    assert.equal(items.get('trial')?.status, 'ok', items.get('trial')?.detail);
  });

  it('names what a container lacks, and what would give it', function () {
    if (process.getuid!() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    const few = 'setpriv --bounding-set=-all,+chown,+setuid,+setgid'.split(' ');
    const missing = byId(checkIn(few, 0)).get('capabilities')!;
    assert.equal(missing.status, 'missing');
    assert.match(missing.detail, /CAP_BPF and CAP_PERFMON/);
    assert.match(missing.fix!, /--cap-add=BPF --cap-add=PERFMON/);
    const noPtrace = byId(checkIn('setpriv --bounding-set=-sys_ptrace'.split(' '), 0)).get('capabilities')!;
    assert.equal(noPtrace.status, 'degraded');
    assert.match(noPtrace.detail, /CAP_SYS_PTRACE/);
  });
});
