// The table of goroutines: which were on the CPU most, in all threads together. Only recordings of Go programs have one.
import * as l10n from '@vscode/l10n';
import { type GoroutineRow, goroutineRows } from '../goroutines';
import type { Host } from '../host';
import type { Recording } from '../load';
import { describeShare, formatCount, formatShare } from '../shares';
import { fullName, openSource, sourceLink } from '../sourceLinks';
import { renderLink, renderShare } from './cells';
import { element } from './element';
import { type Column, Grid } from './grid';
import { Sorting } from './sorting';
import type { Shown, View } from './view';

/** Goroutines are counted in samples, whatever the unit of the profiles is. */
const SAMPLES = { unit: 'samples', samplesPerWeight: 1 } as const;

const byId = (a: GoroutineRow, b: GoroutineRow) => a.pid - b.pid || a.id - b.id;
const byName = (a: string, b: string) => Number(a === '') - Number(b === '') || (a < b ? -1 : a > b ? 1 : 0);

/** Ascending order by column. Rows without a function come last. */
export const COMPARE: Record<string, (a: GoroutineRow, b: GoroutineRow) => number> = {
  id: byId,
  share: (a, b) => a.samples - b.samples,
  start: (a, b) => byName(a.startName, b.startName),
  hottest: (a, b) => byName(a.hottestName, b.hottestName),
};

/** What the rows leave out of the recording's samples, so that shares which do not add up to all are explained. */
export function leftOut(recording: Recording, rows: readonly GoroutineRow[]): { others: number; none: number } {
  const others = recording.extra?.goroutines?.otherSamples ?? 0;
  const shown = rows.reduce((sum, { samples }) => sum + samples, 0);
  return { others, none: Math.max(0, (recording.extra?.samples ?? 0) - others - shown) };
}

export class GoroutineTable implements View {
  readonly id = 'goroutines';
  readonly title = l10n.t('Goroutines');
  readonly root: HTMLElement;
  private readonly grid: Grid<GoroutineRow>;
  private readonly about = element('span', { class: 'about' });
  private readonly count = element('span', { class: 'count' });
  private recording: Recording | null = null;
  private rows: GoroutineRow[] = [];
  private severalProcesses = false;
  private readonly sorting: Sorting;

  constructor(host: Host, onSelect: (frame: number) => void) {
    this.sorting = new Sorting(host, this.id, { column: 'share', descending: true }, new Set(['share']));
    const onFunction = (id: 'start' | 'hottest', title: string): Column<GoroutineRow> => ({
      id,
      title,
      widthPx: 120,
      grow: 2,
      compare: COMPARE[id],
      render: (row, cell) => this.renderFunction(row, id, cell),
    });
    this.grid = new Grid<GoroutineRow>({
      id: 'goroutines',
      label: l10n.t('Goroutines'),
      columns: [
        {
          id: 'id',
          title: l10n.t('Goroutine'),
          numeric: true,
          widthPx: 104,
          compare: COMPARE.id,
          render: (row, cell) => this.renderId(row, cell),
        },
        {
          id: 'share',
          title: l10n.t('Share'),
          numeric: true,
          widthPx: 122,
          compare: COMPARE.share,
          render: ({ samples }, cell) => renderShare(cell, describeShare(samples, this.samples, SAMPLES)),
        },
        {
          id: 'samples',
          title: l10n.t('Samples'),
          numeric: true,
          widthPx: 90,
          fromTablePx: 560,
          render: ({ samples }, cell) => cell.append(formatCount(samples)),
        },
        onFunction('start', l10n.t('Start Function')),
        onFunction('hottest', l10n.t('Hottest Function')),
        {
          id: 'source',
          title: l10n.t('Source'),
          widthPx: 110,
          grow: 1.2,
          fromTablePx: 720,
          render: ({ hottest }, cell) => {
            const { recording } = this;
            if (recording && hottest !== null)
              renderLink(cell, sourceLink(recording, hottest), (event) => openSource(host, recording, hottest, event));
          },
        },
      ],
      keyOf: ({ pid, id }) => `${pid}/${id}`,
      onSelect: ({ hottest }) => hottest !== null && onSelect(hottest),
      onOpen: ({ hottest }, event) =>
        this.recording && hottest !== null && openSource(host, this.recording, hottest, event),
      onSort: (column) => {
        this.sorting.choose(column);
        this.refresh();
      },
    });
    this.root = element(
      'div',
      { class: 'table-view' },
      element('div', { class: 'table-bar' }, this.about, this.count),
      this.grid.root,
    );
  }

  isFor(recording: Recording): boolean {
    return recording.extra?.goroutines !== undefined;
  }

  show({ recording }: Shown): void {
    this.recording = recording;
    this.rows = goroutineRows(recording) ?? [];
    this.severalProcesses = this.rows.some(({ pid }) => pid !== this.rows[0].pid);
    const { others, none } = leftOut(recording, this.rows);
    const share = (samples: number) => formatShare(samples / Math.max(1, this.samples));
    this.about.textContent = [
      l10n.t('All threads'),
      ...(others > 0 ? [l10n.t('other goroutines {0}', share(others))] : []),
      ...(none > 0 ? [l10n.t('no goroutine {0}', share(none))] : []),
    ].join(' · ');
    this.about.title = l10n.t(
      'No goroutine: the scheduler, threads of the runtime and of C, other programs, and the moment before the program was known.',
    );
    const seen = recording.extra?.goroutines?.seen ?? this.rows.length;
    this.count.textContent =
      seen > this.rows.length
        ? l10n.t('{0} of {1} goroutines', formatCount(this.rows.length), formatCount(seen))
        : l10n.t('{0} goroutines', formatCount(this.rows.length));
    this.refresh();
  }

  private get samples(): number {
    return this.recording?.extra?.samples ?? 0;
  }

  private refresh(): void {
    const { column, descending, direction } = this.sorting;
    const compare = COMPARE[column] ?? COMPARE.share;
    this.grid.showSort(column, descending);
    this.grid.setRows([...this.rows].sort((a, b) => direction * compare(a, b) || b.samples - a.samples || byId(a, b)));
  }

  private renderId({ pid, id }: GoroutineRow, cell: HTMLElement): void {
    // As threads are told apart: process, then its own.
    cell.append(this.severalProcesses ? `${pid}/${id}` : String(id));
    cell.title = l10n.t('Goroutine {0} of process {1}', String(id), String(pid));
  }

  private renderFunction(row: GoroutineRow, id: 'start' | 'hottest', cell: HTMLElement): void {
    const { recording } = this;
    const frame = row[id];
    if (!recording || frame === null) return;
    const place = sourceLink(recording, frame)?.title;
    const title = [
      fullName(recording, frame),
      ...(place ? [place] : []),
      ...(id === 'hottest'
        ? [l10n.t('{0} of {1} samples', formatCount(row.hottestSamples), formatCount(row.samples))]
        : []),
    ].join('\n');
    cell.append(element('span', { class: 'name', title }, id === 'start' ? row.startName : row.hottestName));
  }
}
