// CPython attached to while it runs, end to end: known shares at exact lines, callbacks through C, deep recursion, threads,
// generators, coroutines and code that is made and freed, at 999 Hz. The programs book their own time, or forbid by their text which
// functions may stand on each other.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Interpreter, interpreters } from '../golden/python/interpreters';
import { missingForEbpf } from './helperProcess';
import { countOf, endPython, type PythonRecording, type PythonRun, recordPython, startPython } from './pythonRun';
import { SLOWNESS } from './slowness';
import { removeWorkFolder, workFolder } from './unwindHarness';

const SHARES_SAMPLES = 5_000;
const ORDER_SAMPLES = 1_500;
const DEEP_SAMPLES = 100;
const CHILDREN_SAMPLES = 1_500;
const TOLERANCE = 0.03;
const TASK_SAMPLES = 1_500;
/** Four standard errors of 60 % of two thirds of them. */
const TASK_TOLERANCE = 0.062;
/** Versions that keep the task in the thread's state. */
const TASKS_FROM = /3\.1[45]/;
const DEPTH = 600;
const EMBEDDING = join(__dirname, '../../../../../helper/test/root/pythonEmbedding.c');
const GUEST = `
def burn():
    t = 0
    for i in range(30000): t = (t * 31 + i) % 65537
def guest():
    while True: burn()
guest()
`;
const WORK = readFileSync(join(__dirname, '../../../../../helper/test/workloads/python/shares_work.py'), 'utf8');
/** 1-based, of the n-th such line. */
const lineOf = (text: string, n = 0) =>
  WORK.split('\n')
    .map((line, i) => (line.includes(text) ? i + 1 : 0))
    .filter((line) => line > 0)[n];

/** Which functions of order.py may stand directly on which: all others would be a crossing. */
const CALLERS: Record<string, string[]> = {
  'order.burn': [
    'order.burn_in_callback',
    'order.burn_at_the_bottom',
    'order.burn_of_a',
    'order.burn_of_b',
    'order.burn_of_coroutine',
    '<string>.made_one',
    '<string>.made_two',
    '<string>.made_three',
  ],
  'order.burn_in_callback': ['order.compare'],
  'order.compare': ['order.sort_in_c'],
  'order.sort_in_c': ['order.on_thread'],
  'order.burn_at_the_bottom': ['order.deep'],
  'order.deep': ['order.deep', 'order.on_main'],
  'order.burn_of_a': ['order.generator_a'],
  'order.generator_a': ['order.resume_a_one', 'order.resume_a_two'],
  'order.resume_a_one': ['order.on_main'],
  'order.resume_a_two': ['order.on_main'],
  'order.burn_of_b': ['order.generator_b'],
  'order.generator_b': ['order.resume_b'],
  'order.resume_b': ['order.on_thread'],
  'order.made': ['order.on_main'],
  '<string>.<module>': ['order.made'],
  '<string>.made_one': ['<string>.<module>'],
  '<string>.made_two': ['<string>.<module>'],
  '<string>.made_three': ['<string>.<module>'],
  'order.burn_of_coroutine': ['order.coroutine_inner'],
  'order.coroutine_inner': ['order.coroutine_outer'],
  'order.coroutine_outer': ['order.drive'],
  'order.drive': ['order.on_main'],
  'order.on_main': ['order.<module>'],
};
const isPython = (name: string) => /^(?:order|<string>|threading)\.|^\[python/.test(name);
const STALE = '[python: stale frame]';
const CUT = '[python: more frames than the limit]';
const isRemark = (name: string) => name === STALE || name === CUT;

describe('Python', function () {
  this.timeout(240_000 * SLOWNESS);
  let run: PythonRun | undefined;

  before(function () {
    const missing = missingForEbpf();
    if (!missing) return;
    console.log(`      skipped: ${missing}`);
    this.skip();
  });
  afterEach(async () => {
    if (run) await endPython(run);
    run = undefined;
  });
  after(removeWorkFolder);

  for (const interpreter of interpreters(process.env.MATRIX === '1'))
    describe(interpreter.name, () => {
      before(function () {
        const missing = interpreter.missing();
        if (missing !== null) {
          console.log(`      skipped: ${missing}`);
          this.skip();
        }
      });

      it('shares as the program books them, at their lines', async () => {
        run = await startPython(interpreter, 'shares.py');
        const recording = await recordPython(run, outputOf(interpreter, 'shares'), SHARES_SAMPLES);
        await endPython(run, 'SIGTERM');
        const booked = JSON.parse(run.said().trim().split('\n').at(-1) ?? '') as Record<string, number>;
        const kinds = {
          heavy: 'shares_work.heavy',
          medium: 'shares_work.medium',
          light: 'shares_work.light',
        };
        const counts = Object.values(kinds).map((name) => countOf(recording.stacks, (names) => names.includes(name)));
        const all = counts.reduce((a, b) => a + b);
        const time = booked.heavy + booked.medium + booked.light;
        Object.keys(kinds).forEach((kind, i) => {
          const [found, expected] = [counts[i] / all, booked[kind] / time];
          assert.ok(Math.abs(found - expected) < TOLERANCE, `${kind}: ${found}, booked ${expected}`);
        });
        checkLines(recording);
        const { nativeOnly, samples } = recording;
        assert.ok(nativeOnly <= samples * 0.01, `${nativeOnly} of ${samples} show the interpreter, and do not say why`);
        const report = recording.summary.runtimes?.find(({ runtime }) => runtime === 'python');
        assert.equal(report?.status, 'named');
        assert.match(report?.version ?? '', /^3\.\d+\.\d+/);
      });

      it('no function stands on one that does not call it; C in between stands where it ran', async () => {
        run = await startPython(interpreter, 'order.py', '20');
        const recording = await recordPython(run, outputOf(interpreter, 'order'), ORDER_SAMPLES);
        checkCallers(recording);
        checkCallback(recording);
        const stale = countOf(recording.stacks, (names) => names.includes(STALE));
        assert.ok(stale < recording.samples * 0.1, `${stale} of ${recording.samples} are stale`);
      });

      it(`recursion is as deep as it is: ${DEPTH} frames`, async () => {
        run = await startPython(interpreter, 'order.py', `${DEPTH}`);
        const output = outputOf(interpreter, 'deep');
        const { stacks } = await recordPython(run, output, DEEP_SAMPLES, '--max-frames', '1023');
        // Up to 3.10 each Python function has native frames of its own, which are too many: then the chain says where it was cut.
        const isDeep = (names: string[]) =>
          depthOf(names) === DEPTH + 1 || (depthOf(names) > DEPTH / 3 && names.includes(CUT));
        const atBottom = stacks.filter(({ frames }) => frames.some(({ name }) => name === 'order.burn_at_the_bottom'));
        const deep = countOf(atBottom, () => true);
        assert.ok(deep > DEEP_SAMPLES / 10, `${deep} samples at the bottom`);
        assert.equal(
          countOf(atBottom, isDeep),
          deep,
          `of ${deep} samples at the bottom, so many are ${DEPTH + 1} deep`,
        );
      });

      it('samples say for which task of asyncio they are: by number, or by the name that it was given', async function () {
        if (!TASKS_FROM.test(interpreter.name)) {
          console.log('      skipped: this Python does not tell which task runs');
          return this.skip();
        }
        run = await startPython(interpreter, 'tasks.py');
        const { file, summary } = await recordPython(run, outputOf(interpreter, 'tasks'), TASK_SAMPLES);
        const tasks = file.ebpfTracer!.metrics[0].contexts.find(({ kind }) => kind === 'task')!;
        assert.deepEqual(
          tasks.top.map(({ id, name }) => name ?? id),
          [2, 3, 'préparer'],
        );
        assert.equal(summary.tasks?.busiest.id, 2);
        const all = tasks.top.reduce((sum, { figure }) => sum + figure, 0);
        [0.6, 0.3, 0.1].forEach((expected, i) => {
          const found = tasks.top[i].figure / all;
          assert.ok(Math.abs(found - expected) < TASK_TOLERANCE, `task ${i}: ${found}, of ${expected}`);
        });
      });

      it('children have their names at once: forked, forked by forked ones, started anew', async () => {
        run = await startPython(interpreter, 'children.py');
        const { stacks } = await recordPython(run, outputOf(interpreter, 'children'), CHILDREN_SAMPLES);
        for (const name of ['in_parent', 'in_forked', 'in_forked_of_forked', 'in_spawned']) {
          // multiprocessing runs the program under another name.
          const count = countOf(stacks, (names) => names.includes(`children.${name}`));
          assert.ok(count > CHILDREN_SAMPLES / 150, `${name}: ${count} samples`);
        }
      });
    });

  it('as the guest of another program: loaded late, by another thread, from a file that is renamed and deleted', async function () {
    const guests = interpreters(true).flatMap(({ program }) => {
      const home = dirname(dirname(program));
      const version = /\/(3\.\d+)\.\d+$/.exec(home)?.[1];
      const library = join(home, `lib/libpython${version}.so.1.0`);
      return existsSync(library) ? [{ home, library }] : [];
    });
    if (guests.length === 0) {
      console.log('      skipped: no shared libpython (pyenv has some)');
      this.skip();
    }
    const [{ home, library }] = guests;
    const host = join(workFolder(), 'host');
    const copy = join(workFolder(), 'guest.bin');
    execFileSync('gcc', ['-g', '-O1', '-o', host, EMBEDDING, '-ldl', '-lpthread']);
    copyFileSync(library, copy);
    const child = spawn(host, [copy, 'delete', GUEST], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, PYTHONHOME: home },
    });
    run = { child, said: () => '', closed: once(child, 'close') };
    const { stacks } = await recordPython(run, join(workFolder(), 'guest.json'), 500);
    const isInOrder = (names: string[]) =>
      names.indexOf('run_guest') >= 0 && names.indexOf('run_guest') < names.indexOf('<string>.guest');
    const guest = countOf(stacks, (names) => names.includes('<string>.burn'));
    assert.ok(guest > 250, `${guest} samples`);
    assert.equal(
      countOf(stacks, (names) => names.includes('<string>.burn') && isInOrder(names)),
      guest,
    );
    assert.ok(!existsSync(copy));
  });
});

/** Of each interpreter its own: what is there already would be taken for samples of the next. */
function outputOf({ name }: Interpreter, kind: string): string {
  return join(workFolder(), `${kind}-${name.replace(/[^\w.]+/g, '-')}.json`);
}

function depthOf(names: readonly string[]): number {
  return names.filter((name) => name === 'order.deep').length;
}

/** Executed lines of the three loops: theirs, and no other. */
function checkLines({ file }: PythonRecording): void {
  const { frames } = file.shared;
  const { functionLines } = file.ebpfTracer!.metrics[0];
  const expected: Record<string, number[]> = {
    'shares_work.heavy': [lineOf('for i in range'), lineOf('total = (total'), lineOf('range(6')],
    'shares_work.squares': [lineOf('range(UNIT)'), lineOf('total = (total', 2)],
  };
  for (const [name, lines] of Object.entries(expected)) {
    const index = frames.findIndex((frame) => frame.name === name);
    assert.ok(index >= 0, name);
    assert.match(frames[index].file ?? '', /\/shares_work\.py$/);
    const own = functionLines[index];
    const all = own.reduce((sum, [, , total]) => sum + total, 0);
    const there = own.filter(([line]) => lines.includes(line)).reduce((sum, [, , total]) => sum + total, 0);
    assert.ok(all > 100 && there >= all * 0.99, `${name}: ${there} of ${all} at ${lines}, of ${JSON.stringify(own)}`);
    assert.ok(own.every(([line]) => line >= Math.min(...lines) - 3 && line <= Math.max(...lines) + 2));
  }
}

function checkCallers({ stacks }: PythonRecording): void {
  let judged = 0;
  for (const { frames, count } of stacks) {
    const names = frames.map(({ name }) => name).filter(isPython);
    for (let i = 1; i < names.length; i++) {
      if (isRemark(names[i]) || isRemark(names[i - 1]) || !CALLERS[names[i]]) continue;
      judged += count;
      assert.ok(CALLERS[names[i]].includes(names[i - 1]), `${names[i]} on ${names[i - 1]}: ${names.join(' > ')}`);
    }
  }
  assert.ok(judged > ORDER_SAMPLES, `${judged} pairs`);
}

/** sort_in_c > … ctypes, libffi … > qsort > … > compare, all below the Python function that was called back. */
function checkCallback({ stacks }: PythonRecording): void {
  let seen = 0;
  for (const { frames, count } of stacks) {
    const names = frames.map(({ name }) => name);
    const at = names.indexOf('order.compare');
    if (at < 0) continue;
    // Of a native stack that is not whole, what lies between may be missing.
    if (names[0].startsWith('[truncated')) continue;
    const between = names.slice(names.indexOf('order.sort_in_c') + 1, at);
    assert.ok(
      between.some((name) => name.startsWith('qsort')),
      `qsort between the two: ${names.join(' > ')}`,
    );
    assert.ok(!between.some(isPython), names.join(' > '));
    seen += count;
  }
  assert.ok(seen > ORDER_SAMPLES / 20, `${seen} samples in the callback`);
}
