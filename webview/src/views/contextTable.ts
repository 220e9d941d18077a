// The table of execution contexts of one kind: which had most of the metric shown, in all threads together. It is there for
// recordings that have such contexts.
import * as l10n from '@vscode/l10n';
import { type MetricFigures, visibleText } from '../../../helper/src/protocol';
import type { ContextWords } from '../contextKinds';
import { type ContextRow, contextRows, contextsOf } from '../contexts';
import type { Host } from '../host';
import type { Recording } from '../load';
import { describeShare, figureScale, formatCount, formatFigure, formatShare } from '../shares';
import { fullName, openSource, sourceLink } from '../sourceLinks';
import { nameElement, renderLink, renderShare } from './cells';
import { element } from './element';
import { type Column, Grid } from './grid';
import { Sorting } from './sorting';
import type { Shown, View } from './view';

const byId = (a: ContextRow, b: ContextRow) => a.pid - b.pid || a.id - b.id;
const byName = (a: string, b: string) => Number(a === '') - Number(b === '') || (a < b ? -1 : a > b ? 1 : 0);

/** Ascending order by column. Rows without a function come last. */
export const COMPARE: Record<string, (a: ContextRow, b: ContextRow) => number> = {
  id: byId,
  share: (a, b) => a.figure - b.figure,
  start: (a, b) => byName(a.startName, b.startName),
  hottest: (a, b) => byName(a.hottestName, b.hottestName),
};

/** What the rows leave out of all there is, so that shares which do not add up to all are explained. */
export function leftOut(total: number, others: number, rows: readonly ContextRow[]): { others: number; none: number } {
  const shown = rows.reduce((sum, { figure }) => sum + figure, 0);
  return { others, none: Math.max(0, total - others - shown) };
}

export class ContextTable implements View {
  readonly id: string;
  readonly title: string;
  readonly root: HTMLElement;
  private readonly grid: Grid<ContextRow>;
  private readonly about = element('span', { class: 'about' });
  private readonly count = element('span', { class: 'count' });
  private recording: Recording | null = null;
  private metric = 0;
  private rows: ContextRow[] = [];
  private severalProcesses = false;
  private readonly sorting: Sorting;

  constructor(
    private readonly words: ContextWords,
    host: Host,
    onSelect: (frame: number) => void,
  ) {
    this.id = words.id;
    this.title = words.title;
    this.sorting = new Sorting(host, this.id, { column: 'share', descending: true }, new Set(['share']));
    const onFunction = (id: 'start' | 'hottest', title: string): Column<ContextRow> => ({
      id,
      title,
      widthPx: 120,
      grow: 2,
      compare: COMPARE[id],
      render: (row, cell) => this.renderFunction(row, id, cell),
    });
    this.grid = new Grid<ContextRow>({
      id: words.id,
      label: words.title,
      host,
      columns: [
        {
          id: 'id',
          title: words.one,
          numeric: true,
          widthPx: 104,
          compare: COMPARE.id,
          render: (row, cell) => this.renderId(row, cell),
        },
        {
          id: 'share',
          title: l10n.t('Share'),
          numeric: true,
          widthPx: 76,
          compare: COMPARE.share,
          render: ({ figure }, cell) => renderShare(cell, describeShare(figure, this.total, figureScale(this.figures))),
        },
        {
          id: 'figure',
          title: l10n.t('Samples'),
          numeric: true,
          widthPx: 90,
          fromTablePx: 560,
          render: ({ figure }, cell) => cell.append(formatFigure(figure, this.figures)),
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
    return contextsOf(recording, this.words.kind) !== undefined;
  }

  show({ recording, profile }: Shown): void {
    this.recording = recording;
    this.metric = profile.metric;
    this.rows = contextRows(recording, this.words, this.metric) ?? [];
    this.severalProcesses = this.rows.some(({ pid }) => pid !== this.rows[0].pid);
    const contexts = contextsOf(recording, this.words.kind, this.metric);
    const { others, none } = leftOut(this.total, contexts?.otherFigure ?? 0, this.rows);
    const share = (figure: number) => formatShare(figure / Math.max(1, this.total));
    this.about.textContent = [
      l10n.t('All threads'),
      ...(others > 0 ? [this.words.others(share(others))] : []),
      ...(none > 0 ? [this.words.none(share(none))] : []),
    ].join(' · ');
    this.about.title = this.words.noneTitle;
    const seen = contexts?.seen ?? this.rows.length;
    this.count.textContent =
      seen > this.rows.length
        ? this.words.countOf(formatCount(this.rows.length), formatCount(seen))
        : this.words.count(formatCount(this.rows.length));
    this.refresh();
  }

  private get figures(): MetricFigures | null {
    return this.recording?.extra?.metrics[this.metric] ?? null;
  }

  private get total(): number {
    return this.figures?.total ?? 0;
  }

  private refresh(): void {
    const { column, descending, direction } = this.sorting;
    const compare = COMPARE[column] ?? COMPARE.share;
    this.grid.showSort(column, descending);
    this.grid.setRows([...this.rows].sort((a, b) => direction * compare(a, b) || b.figure - a.figure || byId(a, b)));
  }

  private renderId({ pid, id, name }: ContextRow, cell: HTMLElement): void {
    const own = name === null ? String(id) : visibleText(name);
    // As threads are told apart: process, then its own.
    cell.append(this.severalProcesses ? `${pid}/${own}` : own);
    cell.title = this.words.describe(own, String(pid));
  }

  private renderFunction(row: ContextRow, id: 'start' | 'hottest', cell: HTMLElement): void {
    const { recording } = this;
    const frame = row[id];
    if (!recording || frame === null) return;
    const place = sourceLink(recording, frame)?.title;
    const title = [
      fullName(recording, frame),
      ...(place ? [place] : []),
      ...(id === 'hottest'
        ? [
            l10n.t(
              '{0} of {1} samples',
              formatFigure(row.hottestFigure, this.figures),
              formatFigure(row.figure, this.figures),
            ),
          ]
        : []),
    ].join('\n');
    cell.append(nameElement(id === 'start' ? row.startName : row.hottestName, title));
  }
}
