// The capture and processes: children, execs, short lives, a held launcher, PID namespaces, missing rights.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { buildTarget, capture, eventually, removeTargets, Target } from './captureHarness';
import { missingForEbpf } from './helperProcess';
import { PUBLIC_NODE, publicFile } from './publicCopy';
import { SLOWNESS } from './slowness';

describe('capture of processes', function () {
  this.timeout(120_000 * SLOWNESS);
  let program: string;
  let target: Target | null = null;
  const children: number[] = [];

  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    program = buildTarget(true);
  });
  afterEach(async () => {
    await target?.end();
    target = null;
    for (const pid of children.splice(0)) process.kill(pid, 'SIGKILL');
  });
  after(removeTargets);

  async function newChild(): Promise<number> {
    target!.poke();
    const pid = Number((await target!.line()).split(' ')[1]);
    children.push(pid);
    return pid;
  }

  for (const without of [[], ['tp_btf'], ['ringbuf']])
    it(`follows children${without.length ? ` without ${without}` : ''}`, async () => {
      target = await Target.start(program, 'fork');
      const early = await newChild();
      const { running, got } = await capture(target.pid, { without });
      const late = await newChild();
      await eventually(
        () => [early, late].every((pid) => got.samples.some((sample) => sample.pid === pid)),
        'both children are sampled',
      );
      await running.stop();
      for (const child of [early, late]) {
        const born = got.order.findIndex((record) => record.kind === 'fork' && record.pid === child);
        const sampled = got.order.findIndex((record) => record.kind === 'sample' && record.pid === child);
        assert.ok(born >= 0 && born < sampled, `child ${child} is told of at ${born}, sampled at ${sampled}`);
        const fork = got.order[born];
        assert.equal(fork.kind === 'fork' && fork.parentPid, target.pid);
      }
      const taken = running.attach.find(({ what }) => what === 'children')!.taken;
      const best = existsSync('/sys/kernel/btf/vmlinux') ? 'tp_btf' : 'raw_tp';
      assert.equal(taken, without.includes('tp_btf') ? 'raw_tp' : best);
    });

  it('does not follow children when not asked to', async () => {
    target = await Target.start(program, 'fork');
    const early = await newChild();
    const { running, got } = await capture(target.pid, { children: false });
    const late = await newChild();
    const busyMs = (pid: number) => Number(execFileSync('awk', ['{print $14+$15}', `/proc/${pid}/stat`])) * 10;
    const [earlyMs, lateMs] = [busyMs(early), busyMs(late)];
    await eventually(() => busyMs(early) > earlyMs + 200 && busyMs(late) > lateMs + 200, 'both children worked');
    await running.stop();
    assert.deepEqual(
      [...new Set(got.samples.map(({ pid }) => pid))].filter((pid) => pid !== target!.pid),
      [],
    );
    assert.deepEqual(
      got.processes.filter(({ pid }) => pid !== target!.pid),
      [],
    );
  });

  it('knows the code of processes that live for milliseconds before their samples', async () => {
    target = await Target.start(program, 'spawn', program);
    const { running, got } = await capture(target.pid, { frequencyHz: 4999 });
    const pids: number[] = [];
    for (let i = 0; i < 10; i++) {
      target.poke();
      pids.push(Number((await target.line()).split(' ')[1]));
    }
    await eventually(
      () => pids.every((pid) => got.processes.some((record) => record.kind === 'exit' && record.pid === pid)),
      'all have ended',
    );
    await running.stop();
    for (const pid of pids) {
      const own = got.order.filter((record) => record.pid === pid);
      const at = (kind: string) => own.findIndex((record) => record.kind === kind);
      assert.equal(at('fork'), 0);
      assert.ok(at('exec') > 0 && at('exec') < at('mmap'), 'exec, then its mappings');
      assert.ok(own.some((record) => record.kind === 'mmap' && record.mapping.path === program));
      // Its own work: samples in the program's mapping come after the mapping.
      const mapped = own.findIndex((record) => record.kind === 'mmap' && record.mapping.path === program);
      const worked = own.slice(mapped).filter((record) => record.kind === 'sample').length;
      assert.ok(worked > 0, `process ${pid} has samples`);
    }
  });

  it('counts nothing before the exec of a held process', async () => {
    target = await Target.start(program, 'held', program);
    const { running, got } = await capture(target.pid, { startAtExec: true });
    const ticks = () => Number(execFileSync('awk', ['{print $14+$15}', `/proc/${target!.pid}/stat`]));
    const before = ticks();
    await eventually(() => ticks() > before + 20, 'the launcher was busy');
    assert.equal(got.samples.length, 0);
    target.poke();
    await eventually(() => got.samples.length >= 20, 'the program is sampled');
    await running.stop();
    const exec = got.order.find((record) => record.kind === 'exec')!;
    assert.equal(exec.kind === 'exec' && exec.pid, target.pid);
    assert.ok(got.samples.every(({ timeNs }) => timeNs >= exec.timeNs));
    assert.ok(got.processes.some((record) => record.kind === 'mmap' && record.mapping.path === program));
  });

  it('translates process numbers in a PID namespace', function () {
    const inside = publicFile('./captureInNamespace');
    const run = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', process.execPath, inside, program], {
      encoding: 'utf8',
      timeout: 60_000 * SLOWNESS,
    });
    if (/unshare failed|Operation not permitted/.test(run.stderr)) {
      console.log(`      skipped: ${run.stderr.trim()}`);
      this.skip();
    }
    assert.equal(run.status, 0, run.stderr);
    const { target, child, sampled, tids, forked } = JSON.parse(run.stdout);
    // A namespace's numbers start anew.
    assert.ok(target < 1000 && child < 1000);
    assert.deepEqual(
      sampled,
      [target, child].sort((a, b) => a - b),
    );
    assert.deepEqual(tids, sampled);
    assert.deepEqual(forked, [{ pid: child, parentPid: target }]);
  });

  it('needs only the capabilities that are left after the drop, and from 5.11 on no RLIMIT_MEMLOCK', () => {
    const inside = publicFile('./captureInNamespace');
    // Debian's kernels want more for a sampling event while perf is restricted; privilege/drop.ts keeps it there.
    const restricted = Number(readFileSync('/proc/sys/kernel/perf_event_paranoid', 'latin1')) > 2;
    const left = `-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search${restricted ? ',+sys_admin' : ''}`;
    const bare = ['setpriv', '--no-new-privs', '--inh-caps=-all', `--bounding-set=${left}`];
    const run = spawnSync('prlimit', ['--memlock=65536:65536', ...bare, PUBLIC_NODE, inside, program], {
      encoding: 'utf8',
      timeout: 60_000 * SLOWNESS,
    });
    assert.equal(run.status, 0, run.stderr);
    const { target, child, sampled, error } = JSON.parse(run.stdout);
    const [major, minor] = release().split('.').map(Number);
    if (major > 5 || (major === 5 && minor >= 11))
      assert.deepEqual(
        sampled,
        [target, child].sort((a, b) => a - b),
        JSON.stringify(error),
      );
    else assert.equal(error.code, 'MEMLOCK');
  });

  it('loads while a timer signals the helper all the time', () => {
    const inside = join(__dirname, 'captureUnderSignals.js');
    const run = spawnSync(process.execPath, [inside, program], { encoding: 'utf8', timeout: 60_000 * SLOWNESS });
    assert.equal(run.status, 0, run.stderr);
    const { error, signals } = JSON.parse(run.stdout);
    assert.equal(error, null);
    assert.ok(signals > 0);
  });

  it('says which right is missing', () => {
    const inside = publicFile('./captureInNamespace');
    // Root's files, but none of root's capabilities.
    const bare = ['--inh-caps=-all', '--bounding-set=-all', PUBLIC_NODE, inside, program];
    const run = spawnSync('setpriv', bare, { encoding: 'utf8', timeout: 60_000 * SLOWNESS });
    assert.equal(run.status, 0, run.stderr);
    const { error } = JSON.parse(run.stdout);
    assert.match(error.code, /^(NO_PRIVILEGE|CONTAINER_NO_RIGHTS)$/);
    assert.match(error.message, /CAP_BPF/);
  });
});
