// The capture on real processes and a real kernel: what is sampled, in which shares, on every path that records can take.

import assert from 'node:assert/strict';
import { buildTarget, type Collected, capture, eventually, removeTargets, Target } from './captureHarness';
import { bpfObjectsOf, missingForEbpf } from './helperProcess';
import { stillThere } from './kernelObjects';
import { SLOWNESS } from './slowness';

describe('capture', function () {
  this.timeout(120_000 * SLOWNESS);
  let program: string;
  let target: Target | null = null;

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
  });
  after(removeTargets);

  /** Share of user samples below each of the three functions, by their addresses. */
  function sharesOf(got: Collected): Record<string, number> {
    const counts: Record<string, number> = {};
    let all = 0;
    for (const sample of got.samples) {
      const names = got.stackOf(sample).user.map((address) => target!.functionAt(address));
      const found = names.find((name) => name?.startsWith('work_'));
      if (!found) continue;
      counts[found] = (counts[found] ?? 0) + 1;
      all++;
    }
    return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / all]));
  }

  // 600 samples: 95 % lie within 4 points, and one in ten million is out by more than 11.
  // An emulated CPU is stopped and resumed by its host, and late timer ticks then meet one place together.
  const SAMPLES = 600;
  const TOLERANCE = SLOWNESS > 1 ? 0.25 : 0.11;
  function assertKnownShares(got: Collected): void {
    const shares = sharesOf(got);
    for (const [name, expected] of [
      ['work_sixty', 0.6] as const,
      ['work_thirty', 0.3] as const,
      ['work_ten', 0.1] as const,
    ])
      assert.ok(Math.abs((shares[name] ?? 0) - expected) < TOLERANCE, `${name}: ${shares[name]}, not ${expected}`);
  }

  const PATHS: { name: string; without: string[]; taken: RegExp }[] = [
    { name: 'the mapped ring buffer', without: [], taken: /ring buffer, mapped|perf buffers, mapped/ },
    { name: 'the copied ring buffer', without: ['zerocopy'], taken: /, copied/ },
    { name: 'perf buffers', without: ['ringbuf'], taken: /perf buffers, mapped/ },
    { name: 'copied perf buffers', without: ['ringbuf', 'zerocopy'], taken: /perf buffers, copied/ },
    { name: 'user registers from the kernel stack', without: ['task_pt_regs'], taken: /./ },
  ];
  for (const { name, without, taken } of PATHS)
    it(`finds known shares and whole stacks through ${name}`, async () => {
      target = await Target.start(program, 'shares');
      const { running, got } = await capture(target.pid, { without });
      await eventually(() => got.samples.length >= SAMPLES, `${SAMPLES} samples arrive`);
      await running.stop();
      const { taken: count, lost } = running.counters();
      assert.equal(got.error, null);
      assert.equal(got.orphans, 0);
      // An emulated CPU can stand still for seconds: then what found no room must at least be counted.
      if (SLOWNESS === 1) assert.equal(lost, 0);
      assert.equal(got.samples.length + lost, count);
      assert.match(running.attach.find(({ what }) => what === 'records')!.taken!, taken);
      assertKnownShares(got);
      for (const sample of got.samples) assert.equal(sample.pid, target.pid);
      const whole = got.samples.filter((sample) => got.stackOf(sample).truncated === null).length;
      assert.ok(whole >= 0.95 * got.samples.length, `${whole} of ${got.samples.length} are whole`);
      // work <- work_* <- shares <- main <- libc
      const chain = got.samples
        .map((sample) => got.stackOf(sample).user.map((address) => target!.functionAt(address)))
        .filter((names) => names[0] === 'work' && names[1]?.startsWith('work_') && names[2] === 'shares').length;
      assert.ok(chain >= 0.9 * got.samples.length, `${chain} of ${got.samples.length} have their callers`);
    });

  it('walks threads to their entry and names them', async () => {
    target = await Target.start(program, 'thread');
    const { running, got } = await capture(target.pid);
    await eventually(() => got.samples.length >= 200, '200 samples arrive');
    await running.stop();
    const named = got.samples.filter(({ threadName }) => threadName === 'known-thread');
    assert.ok(named.length > 150, `${named.length} samples of the thread`);
    for (const { pid, tid } of named) {
      assert.equal(pid, target.pid);
      assert.notEqual(tid, target.pid);
    }
    const whole = named.filter((sample) => got.stackOf(sample).truncated === null).length;
    assert.ok(whole >= 0.95 * named.length, `${whole} of ${named.length} are whole`);
  });

  for (const [way, without] of [
    ['the ring buffer', []],
    ['perf buffers', ['ringbuf']],
  ] as const)
    it(`tells of each name that a thread takes before its first sample with that name, through ${way}`, async () => {
      target = await Target.start(program, 'renamed');
      const { running, got } = await capture(target.pid, { without: [...without] });
      const names = ['target', 'renamed-1', 'renamed-2'];
      for (const name of names) {
        await eventually(() => got.samples.at(-1)?.threadName === name, `samples of ${name} arrive`);
        if (name === names.at(-1)) break;
        target.poke();
        await target.line();
      }
      await running.stop();
      const inOrder = got.samples.map(({ threadName }) => threadName).filter((name, i, all) => name !== all[i - 1]);
      assert.deepEqual(inOrder, names);
      assert.equal(running.counters().lostThreadNames, 0);
    });

  it('tells a name again that found no room', async () => {
    target = await Target.start(program, 'renamed');
    const { running, got } = await capture(target.pid, { frequencyHz: 4999, without: ['ringroom'] });
    await eventually(() => got.samples.length > 0, 'samples arrive');
    const nobodyDrains = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    let renamed = 0;
    await eventually(() => {
      nobodyDrains();
      if (running.counters().lost === 0) return false;
      // The ring is full, and stays so until this function returns.
      target!.poke();
      renamed++;
      nobodyDrains();
      return (running.counters().lostThreadNames ?? 0) > 0;
    }, 'a name finds no room');
    await eventually(() => got.samples.at(-1)?.threadName === `renamed-${renamed}`, 'the name arrives');
    await running.stop();
    assert.ok(got.samples.every(({ threadName }) => threadName !== ''));
  });

  it('does not call a stack whole that was walked without frame pointers', async () => {
    target = await Target.start(buildTarget(false), 'deep');
    const { running, got } = await capture(target.pid);
    await eventually(() => got.samples.length >= 100, '100 samples arrive');
    await running.stop();
    for (const sample of got.samples) assert.notEqual(got.stackOf(sample).truncated, null);
  });

  it('says of a stack deeper than it records that it is too deep', async () => {
    target = await Target.start(program, 'deep');
    const { running, got } = await capture(target.pid);
    await eventually(() => got.samples.length >= 50, '50 samples arrive');
    await running.stop();
    const reasons = got.samples.map((sample) => got.stackOf(sample).truncated);
    assert.ok(reasons.filter((reason) => reason === 'tooDeep').length >= 0.9 * reasons.length, String(reasons));
    assert.equal(Math.max(...[...got.stacks.values()].map(({ user }) => user.length)), 127);
  });

  for (const without of [[], ['task_pt_regs']])
    it(`gives kernel addresses as negative numbers, over the user's stack${without.length ? ` (without ${without})` : ''}`, async () => {
      target = await Target.start(program, 'kernel');
      const { running, got } = await capture(target.pid, { without });
      await eventually(() => got.samples.length >= 200, '200 samples arrive');
      await running.stop();
      const inKernel = got.samples.map((sample) => got.stackOf(sample)).filter(({ kernel }) => kernel.length > 0);
      assert.ok(inKernel.length > 100, `${inKernel.length} in the kernel`);
      for (const { kernel, user } of inKernel) {
        for (const address of kernel) assert.ok(address < 0 && address >= -(2 ** 47), String(address));
        for (const address of user) assert.ok(address > 0 && address < 2 ** 47, String(address));
      }
      const called = inKernel.filter(({ user }) => user.some((address) => target!.functionAt(address) === 'in_kernel'));
      assert.ok(called.length >= 0.9 * inKernel.length, `${called.length} of ${inKernel.length} know their caller`);
      assert.ok(inKernel.some(({ kernel }) => kernel.length >= 4));
    });

  it('leaves the kernel out when asked to', async () => {
    target = await Target.start(program, 'kernel');
    const { running, got } = await capture(target.pid, { kernel: false, frequencyHz: 4999 });
    await eventually(() => (running.counters().filtered ?? 0) >= 100, '100 samples are left out');
    await running.stop();
    for (const { kernel } of got.stacks.values()) assert.deepEqual(kernel, []);
    assert.equal(running.counters().taken, got.samples.length);
  });

  it('counts what finds no room', async () => {
    target = await Target.start(program, 'paths');
    const { running, got } = await capture(target.pid, { frequencyHz: 4999, without: ['ringroom'] });
    await eventually(() => {
      // Nobody drains meanwhile.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
      return running.counters().lost > 0;
    }, 'the ring overflows');
    await running.stop();
    const { taken, lost } = running.counters();
    assert.equal(got.samples.length + lost, taken);
    assert.equal(got.orphans, 0);
  });

  it('varies the time between samples', async function () {
    target = await Target.start(program, 'shares');
    const { running, got } = await capture(target.pid, { frequencyHz: 199 });
    // A period holds for 0.4 s or more, and takes one of ten tenths of a millisecond: there are some fifteen.
    await eventually(() => got.samples.length >= 1_200, '1,200 samples arrive');
    await running.stop();
    if (running.attach[0].taken !== 'perf_event cpu-clock') {
      console.log('      skipped: the processor counts its cycles here, and the kernel varies such periods itself');
      return this.skip();
    }
    // Between samples of one CPU with nothing between them: the period in effect, to some 0.1 ms.
    const periods = new Set<number>();
    const last = new Map<number, number>();
    for (const { cpu, timeNs } of got.samples) {
      const period = (timeNs - (last.get(cpu) ?? 0)) / 1e5;
      last.set(cpu, timeNs);
      if (period > 35 && period < 65) periods.add(Math.round(period));
    }
    assert.ok(periods.size >= 4, `only ${[...periods]} tenths of a millisecond`);
  });

  it('leaves nothing loaded', async () => {
    target = await Target.start(program, 'shares');
    const before = new Set(bpfObjectsOf(process.pid));
    const { running, got } = await capture(target.pid);
    const held = bpfObjectsOf(process.pid).filter((object) => !before.has(object));
    assert.ok(held.some((object) => object.startsWith('prog')));
    await eventually(() => got.samples.length > 0, 'a sample arrives');
    await running.stop();
    await eventually(() => stillThere(held).length === 0, `the kernel has let go of ${held}`);
    assert.deepEqual(
      bpfObjectsOf(process.pid).filter((object) => !before.has(object)),
      [],
    );
  });
});
