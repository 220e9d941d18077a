// Rows of the tables: order by every column, filter, and the open rows of the call tree.
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import type { RuntimeReport } from '../../../helper/src/protocol';
import { belongsToGraph } from '../../src/keys';
import { parseRecording } from '../../src/load';
import { search } from '../../src/search';
import { buildStackTree, functionWeights } from '../../src/stackTree';
import { openChain, visibleRows } from '../../src/views/callTree';
import { COMPARE, functionRows } from '../../src/views/functionTable';
import { lossRows, runtimeRemarks, summaryParts } from '../../src/views/statusLine';
import { F, fixtureRecording } from '../fixtureRecording';

const file = fixtureRecording();
const recording = parseRecording(JSON.stringify(file), 'x.speedscope.json');
const tree = buildStackTree(recording.profiles[0]);
const rows = functionRows(recording, functionWeights(tree, recording.frames.length));
const nameOf = (frame: number) => recording.frames[frame].name;

describe('function table', () => {
  it('has a row for each function with samples', () => {
    strictEqual(rows.length, recording.frames.length);
    const parse = rows.find(({ frame }) => frame === F.parse)!;
    strictEqual(parse.self, 0);
    ok(parse.total > tree.totalWeight * 0.3 && parse.total < tree.totalWeight * 0.48);
    const selves = rows.reduce((sum, { self }) => sum + self, 0);
    ok(Math.abs(selves - tree.totalWeight) < 1, 'self times add up to the whole');
  });

  it('sorts by every column', () => {
    const first = (column: string, direction: 1 | -1) =>
      nameOf([...rows].sort((a, b) => direction * COMPARE[column](a, b))[0].frame);
    strictEqual(first('self', -1), 'json::parseValue(Cursor&)');
    strictEqual(first('total', -1), 'Worker::run()');
    strictEqual(first('name', 1), 'Cart::price() const');
    strictEqual(first('source', 1), 'helper');
    const modules = [...rows].sort(COMPARE.module).map(({ module }) => module);
    strictEqual(modules[0], '[kernel]');
    const sources = [...rows].sort(COMPARE.source).map((row) => row.file);
    strictEqual(sources.indexOf(''), sources.filter(Boolean).length, 'rows without a source come last');
  });

  it('leaves out what the search is not of', () => {
    const found = (query: string) => {
      const { frames } = search(recording, tree, query)!;
      return rows.filter(({ frame }) => frames[frame]).map(({ frame }) => frame);
    };
    deepStrictEqual(found('CART  helper'), [F.helperCart]);
    strictEqual(found('[kernel]').length, 4);
    strictEqual(found('größe').length, 1);
    strictEqual(found('nothing like it').length, 0);
    strictEqual(search(recording, tree, '  '), null);
  });
});

describe('call tree', () => {
  it('shows the roots, then what is open', () => {
    const [root] = visibleRows(recording, tree, 'callees', new Set());
    deepStrictEqual([nameOf(root.node.frame), root.level, root.leaf], ['start_thread', 1, false]);
    const open = new Set([root.path]);
    const opened = visibleRows(recording, tree, 'callees', open);
    deepStrictEqual(
      opened.map(({ node, level }) => [nameOf(node.frame), level]),
      [
        ['start_thread', 1],
        ['Worker::run()', 2],
      ],
    );
  });

  it('opens a chain of only children at once', () => {
    const [root] = visibleRows(recording, tree, 'callees', new Set());
    const open = new Set(openChain(tree, recording, 'callees', root));
    const opened = visibleRows(recording, tree, 'callees', open);
    ok(opened.some(({ node }) => node.frame === F.handle));
  });

  it('starts bottom-up with the functions that have self time, hottest first', () => {
    const bottomUp = visibleRows(recording, tree, 'callers', new Set());
    strictEqual(nameOf(bottomUp[0].node.frame), 'json::parseValue(Cursor&)');
    ok(bottomUp.every(({ node }) => node.self > 0));
  });
});

describe('status line', () => {
  const texts = (live: boolean, change: object = {}) =>
    summaryParts(
      parseRecording(JSON.stringify({ ...file, ebpfTracer: { ...file.ebpfTracer, ...change } }), 'x'),
      live,
    ).map(({ text, warning }) => (warning ? `!${text}` : text));

  it('has a row for each thing that was lost, with its number, and none for what was not', () => {
    const names = [
      ...['processRecords', 'mappingRecords', 'filteredSamples', 'unfollowedProcesses', 'evictedTables'],
      ...['skippedRuntimeWalks', 'samplesWithoutStack', 'refusedProcesses', 'refusedSamples'],
    ];
    const losses = (value: (i: number) => number) =>
      Object.fromEntries(names.map((name, i) => [name, value(i)])) as unknown as Parameters<typeof lossRows>[0];
    const shown = lossRows(losses((i) => 101 + i)).map(([, text]) => Number.parseInt(text, 10));
    deepStrictEqual(
      shown.sort(),
      names.map((_, i) => 101 + i),
    );
    deepStrictEqual(lossRows(losses(() => 0)), []);
    deepStrictEqual(lossRows(undefined), []);
  });

  it('says over the graph which runtimes show native frames alone, and the way out', () => {
    const unread = { status: 'nativeOnly' as const, version: null, reason: 'it is new', problems: [] };
    const remarks = (...runtimes: RuntimeReport[]) =>
      runtimeRemarks({
        ...recording,
        extra: { ...recording.extra!, health: { ...recording.extra!.health, runtimes } },
      });
    deepStrictEqual(
      remarks(
        { ...unread, runtime: 'jvm', processes: 1, fix: 'Start it anew.' },
        { status: 'named', runtime: 'node', version: '22.1.0', processes: 9, problems: [] },
        { ...unread, runtime: 'ruby', version: '3.3.5', processes: 4, fix: null },
      ),
      ['Ruby 3.3.5: native frames only (it is new).', 'Java: native frames only (it is new). Start it anew.'],
    );
    const hostile = { ...unread, runtime: 'toString', processes: 1, fix: `\u202e${'x'.repeat(9_999)}` };
    const [shown, ...others] = remarks(...Array.from({ length: 50 }, () => hostile as unknown as RuntimeReport));
    strictEqual(others.length, 2);
    ok(shown.startsWith('toString: ') && shown.length < 700 && !shown.includes('\u202e'), shown);
    deepStrictEqual(runtimeRemarks(recording), []);
  });

  it('tells samples, time, frequency, losses and cut-off stacks', () => {
    deepStrictEqual(texts(false).slice(0, 4), ['908 samples', '4.04\u00a0s', '99 Hz', '0 lost']);
    ok(texts(false)[4].endsWith('of stacks cut off'));
    ok(texts(false, { lost: 3 }).includes('!3 lost'));
  });

  it('says when a recording was cut short, not while it goes on', () => {
    ok(texts(false, { complete: false, stopReason: 'helperDied' }).at(-1)!.startsWith('!cut short'));
    strictEqual(texts(false, { complete: false, stopReason: 'running' }).at(-1), '!incomplete');
    ok(!texts(true, { complete: false, stopReason: 'running' }).includes('!incomplete'));
  });

  it('names files of other programs as that', () => {
    const other = parseRecording(JSON.stringify({ ...file, ebpfTracer: undefined }), 'x');
    strictEqual(summaryParts(other, false)[0].text, 'Written by another program');
  });
});

describe('keys', () => {
  const key = (name: string, modifiers: object = {}) => ({
    key: name,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    ...modifiers,
  });

  it('leaves commands and typing alone', () => {
    for (const name of ['s', 'o', 'p', 'P', 'v', 'w', '0', '+'])
      strictEqual(belongsToGraph(key(name, { ctrlKey: true }), true), false, `Ctrl+${name}`);
    for (const name of ['F1', 'F5', 'F12', 't', 'n', '1']) strictEqual(belongsToGraph(key(name), true), false, name);
    strictEqual(belongsToGraph(key('ArrowLeft'), false), false);
  });

  it('lets the graph pan and zoom while it has the focus', () => {
    for (const name of ['ArrowLeft', 'w', '+', '-', '0', 'Escape', 'r'])
      strictEqual(belongsToGraph(key(name), true), true, name);
    strictEqual(belongsToGraph(key('f', { ctrlKey: true }), true), false);
  });
});
