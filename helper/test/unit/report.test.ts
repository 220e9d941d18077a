// The report of a recording: the cause is the user's own function with all that it asked for; 40 lines whatever the recording is; what
// was not seen is said; no name becomes Markdown.
import assert from 'node:assert/strict';
import { reportOf } from '../../src/figures/report';
import { MAX_LINES, reportText } from '../../src/figures/reportText';
import type { Health } from '../../src/protocol';
import { CPU, type MadeFrame, madeRecording } from './fakes/programs';

const SRC = '/src/lexer.cpp';
const main: MadeFrame = { name: 'main', file: SRC, line: 90, start: 80 };
const scan: MadeFrame = { name: 'lexer::scan', file: SRC, line: 21, start: 20 };
const lib = (name: string): MadeFrame => ({ name, module: 'libc.so.6' });

describe('report', () => {
  it('begins with the own function that answers for most, its line and what it asked for', () => {
    const file = madeRecording([
      [[main, scan, lib('memcmp')], 400],
      [[main, scan], 100],
      [[main, { ...scan, line: 24 }, lib('malloc'), lib('brk')], 50],
      [[main, { name: 'emit', file: SRC, line: 41, start: 40 }], 300],
      [[main], 50],
    ]);
    const { cause, functions, lines, hottestPath } = reportOf(file);
    assert.ok(cause);
    assert.deepEqual(
      [cause.name, cause.own, cause.share.share, cause.hotLine?.line],
      ['lexer::scan', true, 550 / 900, 21],
    );
    assert.deepEqual(
      cause.asked.map(({ name, share }) => [name, Math.round(share.share * 900)]),
      [
        ['memcmp', 400],
        ['malloc', 50],
      ],
    );
    assert.deepEqual(
      cause.callers.map(({ name }) => name),
      ['main'],
    );
    assert.equal(functions[0].name, 'memcmp');
    assert.deepEqual([lines[0].line, lines[0].file], [41, SRC]);
    assert.deepEqual(
      hottestPath.map(({ name }) => name),
      ['main', 'lexer::scan', 'memcmp'],
    );
    const text = reportText(reportOf(file), '/src');
    assert.match(text[2], /^\*\*`lexer::scan` \(lexer\.cpp:20\) answers for 61\.1 % ±3\.2 of the CPU time\.\*\*$/);
    assert.match(text.join('\n'), /memcmp` of libc\.so\.6 44\.4 % ±3\.2/);
  });

  it('says so where no function is the user’s own', () => {
    const { cause } = reportOf(madeRecording([[[lib('spin')], 10]]));
    assert.deepEqual([cause?.name, cause?.own], ['spin', false]);
  });

  it('has 40 lines at most, tells of losses first, and shows names as text', () => {
    const stacks = Array.from({ length: 60 }, (_, i): [MadeFrame[], number, number] => [
      [main, { name: `f${i}|\`x\`\n# <b>[a](b)`, file: `/src/${i}_*|<i>.c`, line: i + 1, start: i + 1 }],
      60 - i,
      1,
    ]);
    const file = madeRecording(stacks, {
      metrics: [CPU, { id: 'off-cpu', unit: 'nanoseconds', period: null }],
      sections: { http: { requests: 12, routes: [{ method: 'GET', route: '/a`|', p99Ms: 3, count: 12 }] } },
    });
    const extra = file.ebpfTracer!;
    extra.lost = 7;
    extra.complete = false;
    const health = extra.health as Health;
    health.badFiles = Array.from({ length: 30 }, (_, i) => ({ path: `/lib/${i}`, why: 'it is *bad*' }));
    health.runtimes = [
      {
        runtime: 'ruby',
        version: '3.3',
        processes: 2,
        problems: [],
        status: 'nativeOnly',
        reason: 'not yet',
        fix: null,
      },
    ];
    extra.metrics[0].wholeStacks = 100;
    extra.metrics[0].truncated = { noFramePointer: 1730 };
    const report = reportOf(file);
    const text = reportText(report, '/');
    assert.ok(text.length <= MAX_LINES, `${text.length} lines`);
    assert.match(report.notSeen[0], /did not end in order/);
    assert.match(report.notSeen[1], /^7 of 1837 samples were lost/);
    assert.ok(report.notSeen.some((line) => /Ruby 3\.3 are not named \(2 processes\): not yet/.test(line)));
    assert.ok(report.notSeen.some((line) => /94\.5 % of the stacks are not whole: 1730 no frame pointer/.test(line)));
    assert.match(text.join('\n'), /12 HTTP requests; the slowest route is `GET \/a'¦`: p99 3\.0 ms/);
    for (const line of text.filter((row) => row.startsWith('|')))
      assert.equal(line.split('|').length, 6, `four cells: ${line}`);
    assert.ok(!text.some((line) => /[^\\]<[bi]>/.test(line.replace(/`[^`]*`/g, ''))), 'no tags outside of code');
  });
});
