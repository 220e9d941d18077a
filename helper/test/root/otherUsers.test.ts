// A caller without rights of its own records a program that starts others with more: set-user-id, set-group-id and capable
// files, programs that hide, and what comes back from them. Nothing of those may be told; what is the caller's must be.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findInPath } from '../../src/client/findInPath';
import type { Capture } from '../../src/engine/captureTypes';
import { ownsNamespace } from '../../src/privilege/userNamespace';
import type { CallersRights } from '../../src/process/callersRights';
import { checkTarget } from '../../src/process/validate';
import type { TracerError } from '../../src/protocol';
import { type Collected, type CpuCapture, capture, eventually, Target } from './captureHarness';
import { missingForEbpf, STRANGER, type StartedHelper, serve } from './helperProcess';
import { copyWithMode, hostileProgram, removePrograms } from './hostilePrograms';
import { PUBLIC_NODE, publicFile } from './publicCopy';
import { SLOWNESS } from './slowness';

const RIGHTS: CallersRights = { uid: STRANGER, groups: [STRANGER], capabilities: 0n, ownsNamespace };
const AS_STRANGER = { uid: STRANGER, gid: STRANGER };

describe("processes with rights that are not the caller's", function () {
  this.timeout(120_000 * SLOWNESS);
  let program: string;
  let rootsProgram: string;
  let target: Target | null = null;
  let running: Capture | null = null;
  const pids: number[] = [];

  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    program = hostileProgram();
    rootsProgram = copyWithMode('roots', 0o4755);
  });
  afterEach(async () => {
    await running?.stop();
    running = null;
    await target?.end();
    target = null;
    for (const pid of pids.splice(0)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended with the test.
      }
    }
  });
  after(removePrograms);

  const start = async (...command: string[]) => {
    target = await Target.startAs(AS_STRANGER, program, 'run', ...command);
    return target;
  };
  /** The id in the next line that the target or its child prints, e.g. `child 12`. */
  const next = async (what: string): Promise<number> => {
    for (;;) {
      const line = await target!.line();
      if (!line.startsWith(what)) continue;
      const pid = Number(line.split(' ')[1]);
      pids.push(pid);
      return pid;
    }
  };
  const newChild = () => {
    target!.poke();
    return next('child ');
  };
  const record = async (more: Partial<CpuCapture> = {}): Promise<Collected> => {
    const started = await capture(target!.pid, { rights: RIGHTS, ...more });
    running = started.running;
    return started.got;
  };
  const busyMs = (pid: number) => Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')[13]) * 10;
  const hasWorked = async (pid: number) => {
    const before = busyMs(pid);
    await eventually(() => busyMs(pid) > before + 200, `process ${pid} has worked`);
  };
  const samplesOf = (got: Collected, pid: number) => got.samples.filter((sample) => sample.pid === pid).length;
  const refused = () => running!.counters().refused!;

  /** Its program was not the caller's: neither samples nor stacks nor mappings, but counted. */
  function assertUntold(got: Collected, pid: number, program?: string): void {
    const refusedAt = got.processes.findIndex((record) => record.kind === 'refused' && record.pid === pid);
    // Between its fork and its exec it is still the caller's.
    const untilNs = got.processes[refusedAt]?.timeNs ?? 0;
    assert.deepEqual(
      got.samples.filter((sample) => sample.pid === pid && sample.timeNs > untilNs),
      [],
      'no samples',
    );
    const after = got.processes.slice(refusedAt + 1).filter((record) => record.pid === pid && record.kind !== 'exit');
    if (refusedAt >= 0) assert.deepEqual(after, [], 'nothing is told of it any more');
    if (program)
      assert.ok(
        !got.processes.some(
          (record) => record.kind === 'mmap' && record.pid === pid && record.mapping.path === program,
        ),
        'its mappings are not kept',
      );
  }

  for (const without of [[], ['tp_btf'], ['tp_btf', 'raw_tp'], ['ringbuf'], ['mmaprecords']])
    it(`are left out when started by the target${without.length ? `, without ${without}` : ''}`, async function () {
      await start(rootsProgram, 'spin');
      const got = await record({ without });
      const following = running!.attach.find(({ what }) => what === 'children')!;
      if (following.taken === null) {
        console.log(`      skipped: ${following.refused.at(-1)!.why}`);
        this.skip();
      }
      const child = await newChild();
      await hasWorked(child);
      await eventually(() => samplesOf(got, target!.pid) > 0 && refused().samples > 0, 'it was met');
      assertUntold(got, child, rootsProgram);
      assert.equal(refused().processes, 1);
      assert.ok(got.processes.some((record) => record.kind === 'refused' && record.pid === child));
    });

  it('are left out when they run already', async () => {
    await start(rootsProgram, 'spin');
    const child = await newChild();
    const got = await record();
    await hasWorked(child);
    await eventually(() => samplesOf(got, target!.pid) > 0, 'the target is sampled');
    assertUntold(got, child, rootsProgram);
    assert.ok(!got.processes.some(({ pid }) => pid === child), 'nothing at all is told of it');
    assert.equal(refused().processes, 1);
  });

  for (const early of [false, true])
    it(`are left out, and what runs as the caller again below them is recorded${early ? ' (all run already)' : ''}`, async () => {
      await start(rootsProgram, 'back', program, 'spin');
      const started = async () => ({ child: await newChild(), grandchild: await next('grandchild ') });
      const before = early ? await started() : null;
      const got = await record();
      const { child, grandchild } = before ?? (await started());
      await hasWorked(child);
      await eventually(() => samplesOf(got, grandchild) > 5, 'the grandchild is sampled');
      assertUntold(got, child, rootsProgram);
      assert.ok(got.processes.some((record) => record.kind === 'fork' && record.pid === grandchild));
    });

  it('are left out when the file is set-group-id', async () => {
    await start(copyWithMode('groups', 0o2755), 'spin');
    const got = await record();
    const child = await newChild();
    await hasWorked(child);
    assertUntold(got, child);
    assert.equal(refused().processes, 1);
  });

  it('are left out when the file has capabilities', async function () {
    const capable = copyWithMode('capable', 0o755);
    if (!findInPath('setcap')) {
      console.log('      skipped: needs setcap');
      this.skip();
    }
    execFileSync('setcap', ['cap_net_raw+ep', capable]);
    await start(capable, 'spin');
    const got = await record();
    const child = await newChild();
    await hasWorked(child);
    assertUntold(got, child);
    assert.equal(refused().processes, 1);
  });

  it('are left out when nobody may read the file, or the program says that it is not to be seen', async () => {
    for (const command of [
      [copyWithMode('unreadable', 0o711), 'spin'],
      [program, 'secret'],
    ]) {
      await start(...command);
      const got = await record();
      const child = await newChild();
      await hasWorked(child);
      await eventually(() => refused().samples > 0, 'it was met');
      const before = samplesOf(got, child);
      await hasWorked(child);
      assert.equal(samplesOf(got, child), before, `${command}: no more samples`);
      await running!.stop();
      await target!.end();
    }
  });

  it('are left out from the moment on when they hide', async () => {
    target = await Target.startAs(AS_STRANGER, program, 'becomes-secret');
    const got = await record();
    await eventually(() => samplesOf(got, target!.pid) > 0, 'it is sampled');
    target.poke();
    await target.line();
    const hiddenAtNs = Number(process.hrtime.bigint());
    await eventually(() => refused().samples > 0, 'it was met');
    await hasWorked(target.pid);
    // Samples from before may arrive later: those that wait for unwind tables do.
    await running!.stop();
    const later = got.order.filter(({ kind, timeNs }) => kind === 'sample' && timeNs > hiddenAtNs);
    assert.equal(later.length, 0);
  });

  it('are recorded where the caller has all rights: in its own user namespace', async function () {
    const unshare = findInPath('unshare') ?? '/usr/bin/unshare';
    try {
      execFileSync(unshare, ['-U', '-r', 'true'], { ...AS_STRANGER, stdio: 'ignore' });
    } catch {
      console.log('      skipped: users may make no user namespaces here');
      this.skip();
    }
    await start(unshare, '-U', '-r', program, 'spin');
    const early = await newChild();
    await hasWorked(early);
    const got = await record();
    const late = await newChild();
    await eventually(() => samplesOf(got, early) > 0 && samplesOf(got, late) > 0, 'both are sampled');
    assert.deepEqual(refused(), { processes: 0, samples: 0 });
  });

  it('are no targets themselves', async () => {
    const rules = { callerUid: STRANGER, rights: RIGHTS, anyUser: false };
    const secret = await Target.startAs(AS_STRANGER, program, 'secret');
    const owned = await Target.startAs(AS_STRANGER, copyWithMode('owned', 0o4755), 'spin');
    const own = await Target.startAs(AS_STRANGER, program, 'spin');
    try {
      const refusal = (pid: number) => {
        try {
          checkTarget(pid, rules);
          return null;
        } catch (error) {
          return (error as TracerError).report.code;
        }
      };
      assert.deepEqual(
        [secret, owned, own].map(({ pid }) => refusal(pid)),
        ['PROCESS_PROTECTED', 'NOT_YOUR_PROCESS', null],
      );
      assert.ok(checkTarget(secret.pid, { ...rules, anyUser: true }));
    } finally {
      await Promise.all([secret, owned, own].map((one) => one.end()));
    }
  });

  it("are everybody's neighbours: nothing of others is told", async () => {
    const neighbour = spawn(program, ['spin'], { stdio: 'ignore' });
    try {
      await start(rootsProgram, 'spin');
      const got = await record();
      await newChild();
      await hasWorked(neighbour.pid!);
      assert.ok(![...got.samples, ...got.processes].some(({ pid }) => pid === neighbour.pid));
    } finally {
      neighbour.kill('SIGKILL');
    }
  });

  it('may be recorded when everybody may', async () => {
    await start(rootsProgram, 'spin');
    const got = await record({ rights: null });
    const child = await newChild();
    await eventually(() => samplesOf(got, child) > 0, 'the child is sampled');
  });
});

describe('the word of a client', function () {
  this.timeout(120_000 * SLOWNESS);
  let helper: StartedHelper | null = null;
  let dir: string;
  let roots: ReturnType<typeof spawn>;

  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
  });
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'others-'));
    chmodSync(dir, 0o777);
    roots = spawn(hostileProgram(), ['spin'], { stdio: 'ignore' });
  });
  afterEach(async () => {
    helper?.child.kill('SIGTERM');
    await helper?.exited;
    helper = null;
    roots.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  after(removePrograms);

  /** As the helper's caller: records root's process, says that this was confirmed, and prints the answer. */
  function askAsStranger({ socket, token }: { socket: string; token: string }): {
    code?: string;
    recordingId?: number;
  } {
    const client = publicFile('../../src/client/helperConnection');
    const options = {
      target: { pids: [roots.pid], children: true, startAtExec: false },
      tracers: { cpu: { frequencyHz: 99, kernel: true } },
      durationMs: null,
      ...{ output: join(dir, 'out.speedscope.json'), title: 'x', anyUser: true, without: [] },
      // What a client of its own may try besides.
      rights: null,
    };
    const source = `require(${JSON.stringify(client)}).HelperConnection.connect(${JSON.stringify({ socket, token })})
      .then((c) => c.request('record/start', ${JSON.stringify(options)})
        .then((r) => console.log(JSON.stringify(r)), (e) => console.log(JSON.stringify(e.report)))
        .then(() => c.dispose()))`;
    return JSON.parse(execFileSync(PUBLIC_NODE, ['-e', source], { ...AS_STRANGER, encoding: 'utf8' }));
  }

  it("is not enough to record somebody else's process", async () => {
    helper = await serve({ uid: STRANGER });
    assert.equal(askAsStranger(helper.folder).code, 'NOT_YOUR_PROCESS');
  });

  it('counts where root started the helper for it', async () => {
    helper = await serve({ uid: STRANGER, extra: ['--any-user'] });
    assert.equal(askAsStranger(helper.folder).recordingId, 1);
  });

  it('is not taken from a helper that root did not start', async () => {
    const prefix = ['setpriv', `--reuid=${STRANGER}`, `--regid=${STRANGER}`, '--clear-groups'];
    prefix.push('--inh-caps=+bpf,+perfmon,+sys_ptrace', '--ambient-caps=+bpf,+perfmon,+sys_ptrace');
    await assert.rejects(serve({ uid: STRANGER, prefix, extra: ['--any-user'] }), { code: 'ANY_USER_NEEDS_ROOT' });
  });
});
