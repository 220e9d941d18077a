// Goroutines as rows: what each did, and where it began, as Go's own tools would tell it.
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { CONTEXT_KINDS } from '../../src/contextKinds';
import { type ContextRow, contextRows } from '../../src/contexts';
import { parseRecording } from '../../src/load';
import { COMPARE, leftOut } from '../../src/views/contextTable';
import { fixtureRecording } from '../fixtureRecording';
import { G, goRecording } from '../goRecording';

const read = (file: object) => parseRecording(JSON.stringify(file), 'x.speedscope.json');
const recording = read(goRecording());
const words = CONTEXT_KINDS.goroutine();
const goroutineRows = (of: typeof recording) => contextRows(of, words);
const rows = goroutineRows(recording)!;
const row = (id: number) => rows.find((one) => one.id === id)!;

describe('goroutines', () => {
  it('have a row each, with their samples', () => {
    deepStrictEqual(
      rows.map(({ id, figure }) => [id, figure]),
      [
        [8, 90],
        [17, 40],
        [1, 20],
        [33, 10],
      ],
    );
    deepStrictEqual(leftOut(200, 25, rows), { others: 25, none: 15 });
  });

  it('tell the function of their go statement, not the compiler’s wrapper of it', () => {
    deepStrictEqual([row(8).start, row(8).startName], [G.sorter, 'main.sorter']);
    strictEqual(row(17).startName, 'http.(*conn).serve');
    strictEqual(row(1).startName, 'runtime.main');
    deepStrictEqual([row(33).start, row(33).startName], [null, ''], 'its stacks were cut off');
  });

  it('tell where they were most', () => {
    deepStrictEqual([row(8).hottest, row(8).hottestFigure], [G.partition, 80]);
    deepStrictEqual([row(17).hottestName, row(17).hottestFigure], ['main.(*shop).handle (inlined)', 25]);
    strictEqual(row(1).hottest, G.main);
  });

  it('keep their samples where the recording has no tree by line', () => {
    const flat = goRecording();
    flat.ebpfTracer.lineTree = undefined;
    for (const one of flat.ebpfTracer.metrics[0].contexts[0].top) one.nodes = [];
    deepStrictEqual(
      goroutineRows(read(flat))!.map(({ figure, start, hottest }) => [figure, start, hottest]),
      [90, 40, 20, 10].map((samples) => [samples, null, null]),
    );
  });

  it('are none in recordings of other languages and of other programs', () => {
    strictEqual(goroutineRows(read(fixtureRecording())), null);
    strictEqual(goroutineRows(read({ ...fixtureRecording(), ebpfTracer: undefined })), null);
  });

  it('sort by every column, those without a function last', () => {
    const order = (column: string) => [...rows].sort(COMPARE[column]).map(({ id }: ContextRow) => id);
    deepStrictEqual(order('id'), [1, 8, 17, 33]);
    deepStrictEqual(order('share'), [33, 1, 17, 8]);
    deepStrictEqual(order('start'), [17, 8, 1, 33]);
    deepStrictEqual(order('hottest').at(-1), 8);
    const child = goroutineRows(read(goRecording({ processes: 2 })))!.sort(COMPARE.id);
    deepStrictEqual(child.at(-1)!.id, 17, 'goroutines of one process stand together');
    ok(child.every(({ pid }, i) => i === 0 || child[i - 1].pid <= pid));
  });
});
