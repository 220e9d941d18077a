// Comparisons of real recordings: two builds of a program of which one function has a third more to do, and one build with itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Comparison, FunctionChange } from '../../src/compare/compare';
import { cli, jsonOf } from './cli';

const SOURCE = resolve('helper/test/workloads/hot.c');
const SECONDS = '2';

describe('comparison of recordings of two builds', () => {
  let folder: string;
  const file = (name: string) => join(folder, `${name}.speedscope.json`);
  /** Shares of a round, known from its source: 60, 30 and 10 tenths, and 80, 30 and 10. */
  const truth: Record<string, number> = {
    work_sixty: 80 / 120 / (60 / 100),
    work_thirty: 30 / 120 / (30 / 100),
    work_ten: 10 / 120 / (10 / 100),
  };

  before(async function () {
    this.timeout(120_000);
    folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-compare-'));
    const source = readFileSync(SOURCE, 'utf8');
    for (const [name, text] of [
      ['old', source],
      // Two lines more above, so that every line has moved.
      ['new', `/* One more. */\n\n${source.replace('6 * ROUND', '8 * ROUND')}`],
    ]) {
      writeFileSync(join(folder, `${name}.c`), text);
      execFileSync('gcc', [
        '-g',
        '-O2',
        '-fno-omit-frame-pointer',
        '-o',
        join(folder, name),
        join(folder, `${name}.c`),
      ]);
    }
    for (const [name, program] of [
      ['a1', 'old'],
      ['b1', 'new'],
      ['a2', 'old'],
      ['b2', 'new'],
    ]) {
      const result = await cli(['record', '-F', '1999', '-o', file(name), '--', join(folder, program), SECONDS]);
      assert.equal(result.code, 0, result.stderr);
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const changesOf = ({ functions }: Comparison) =>
    Object.fromEntries(functions.filter(({ name }) => name in truth).map((row) => [row.name, row])) as Record<
      string,
      FunctionChange
    >;

  it('finds the change that was made, within its interval, and every function in the other build', async () => {
    const run = await cli(['compare', file('a1'), file('a2'), '--json', '--', file('b1'), file('b2')]);
    assert.equal(run.code, 0, run.stderr);
    const comparison = jsonOf<Comparison>(run);
    const changes = changesOf(comparison);
    for (const [name, ratio] of Object.entries(truth)) {
      const { how, before, line, total } = changes[name];
      assert.equal(how, 'moved', `${name}: ${how}`);
      assert.equal(line, before!.line! + 2);
      // Three intervals of 95 %: one of them may miss by a little.
      const slack = (total.change.high - total.change.low) / 2;
      assert.ok(
        total.change.low - slack <= ratio - 1 && ratio - 1 <= total.change.high + slack,
        `${name}: ${JSON.stringify(total)}, in truth ${ratio - 1}`,
      );
    }
    assert.equal(changes.work_sixty.total.verdict, 'more');
    assert.equal(changes.work_thirty.total.verdict, 'less');
    assert.ok(!comparison.functions.some(({ name, total }) => name === '_start' && total.verdict !== 'noise'));
  });

  it('ends with 5 where the function surely grew, and with 0 where the same build was recorded again', async () => {
    const grown = await cli(['compare', file('a1'), file('b1'), '--fail-above', '1%', '--function', 'work_sixty']);
    assert.equal(grown.code, 5, grown.stdout + grown.stderr);
    assert.match(grown.stdout, /work_sixty: at least \+\d/);
    const shrunk = await cli(['compare', file('a1'), file('b1'), '--fail-above', '1%', '--function', 'work_thirty']);
    assert.equal(shrunk.code, 0, shrunk.stdout);
    const same = await cli([
      'compare',
      file('a1'),
      file('a2'),
      '--fail-above',
      '5%',
      '--function',
      'work_sixty',
      '--json',
    ]);
    assert.equal(same.code, 0, same.stdout);
    const { total } = changesOf(jsonOf<Comparison>(same)).work_sixty;
    assert.ok(Math.abs(total.change.estimate) < 0.15, JSON.stringify(total));
  });

  it('reports the hot line of the program', async () => {
    const run = await cli(['report', file('b1')]);
    assert.equal(run.code, 0, run.stderr);
    const lines = run.stdout.trimEnd().split('\n');
    assert.ok(lines.length <= 40);
    assert.match(lines[2], /^\*\*`work_sixty` \(.*new\.c:15\) answers for 6\d\.\d % ±\d\.\d of the CPU time\.\*\*$/);
    const unknown = await cli(['report', file('b1'), '--metric', 'nothing', '--json']);
    assert.equal(unknown.code, 2);
  });
});
