// What changed since another recording: each function's change with its 95 % interval, noise called noise. For recordings that a comparison
// has made (helper/src/compare).
import * as l10n from '@vscode/l10n';
import { type ChangeRow, type ChangesSection, changesOf } from '../../../helper/src/protocol';
import type { Host } from '../host';
import type { Recording } from '../load';
import { formatCount, formatShare } from '../shares';
import { openSource, sourceLink } from '../sourceLinks';
import { renderLink } from './cells';
import { element } from './element';
import { Grid } from './grid';
import { Sorting } from './sorting';
import type { Selection, Shown, View } from './view';

interface Row extends ChangeRow {
  /** In shared.frames; -1: it is gone. */
  frame: number;
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const known = (value: number | null) => value ?? Number.MAX_VALUE;

/** Ascending order by column. */
export const COMPARE_CHANGES: Record<string, (x: ChangeRow, y: ChangeRow) => number> = {
  name: (x, y) => byText(x.name.toLowerCase(), y.name.toLowerCase()),
  change: (x, y) => known(x.change) - known(y.change),
  // What is noise has no size.
  effect: (x, y) =>
    Number(x.verdict !== 'noise') - Number(y.verdict !== 'noise') || Math.abs(x.b - x.a) - Math.abs(y.b - y.a),
  a: (x, y) => x.a - y.a,
  b: (x, y) => x.b - y.b,
};

export function formatChange(change: number | null): string {
  if (change === null) return '∞';
  const sign = change > 0 ? '+' : change < 0 ? '−' : '';
  const size = Math.abs(change);
  // Of more than tenfold nobody reads a decimal.
  return sign + (size < 10 ? formatShare(size) : `${formatCount(100 * size)}\u00a0%`);
}

export class ChangesTable implements View {
  readonly id = 'changes';
  readonly title = l10n.t('Changes');
  readonly root: HTMLElement;
  private readonly grid: Grid<Row>;
  private readonly about = element('span', { class: 'count', role: 'status', 'aria-live': 'polite' });
  private recording: Recording | null = null;
  private section: ChangesSection | null = null;
  private rows: Row[] = [];
  private readonly sorting: Sorting;

  constructor(host: Host, onSelect: (frame: number) => void) {
    this.sorting = new Sorting(
      host,
      this.id,
      { column: 'effect', descending: true },
      new Set(['effect', 'change', 'a', 'b']),
    );
    const figure = (id: 'a' | 'b', title: string) => ({
      id,
      title,
      numeric: true,
      widthPx: 78,
      compare: COMPARE_CHANGES[id],
      render: (row: Row, cell: HTMLElement) => void cell.append(this.figureText(row[id])),
    });
    this.grid = new Grid<Row>({
      id: 'changes',
      label: l10n.t('Changes of functions'),
      columns: [
        {
          id: 'effect',
          title: l10n.t('Change'),
          numeric: true,
          widthPx: 86,
          compare: COMPARE_CHANGES.effect,
          render: (row, cell) => {
            cell.append(
              row.verdict === 'noise'
                ? element('span', { class: 'dim' }, l10n.t('noise'))
                : element('span', {}, formatChange(row.change)),
            );
          },
        },
        {
          id: 'change',
          title: l10n.t('95 % interval'),
          numeric: true,
          widthPx: 172,
          compare: COMPARE_CHANGES.change,
          render: (row, cell) => {
            const text = `${formatChange(row.low)} … ${formatChange(row.high)}`;
            cell.append(element('span', { class: row.verdict === 'noise' ? 'dim' : '', title: text }, text));
          },
        },
        figure('a', l10n.t('Before')),
        figure('b', l10n.t('After')),
        {
          id: 'name',
          title: l10n.t('Function'),
          widthPx: 140,
          grow: 3,
          compare: COMPARE_CHANGES.name,
          render: (row, cell) => {
            cell.append(element('span', { class: 'name', title: row.name }, row.name));
            const remark = remarkOn(row);
            if (remark !== null) cell.append(element('span', { class: 'dim', title: remark }, ` ${remark}`));
          },
        },
        {
          id: 'source',
          title: l10n.t('Source'),
          widthPx: 120,
          grow: 1.2,
          fromTablePx: 680,
          render: (row, cell) => {
            const { recording } = this;
            if (recording && row.frame >= 0)
              renderLink(cell, sourceLink(recording, row.frame), (event) =>
                openSource(host, recording, row.frame, event),
              );
          },
        },
      ],
      keyOf: ({ name, file, line }) => `${name}\0${file ?? ''}\0${line ?? ''}`,
      onSelect: ({ frame }) => void (frame >= 0 && onSelect(frame)),
      onOpen: ({ frame }, event) =>
        void (this.recording && frame >= 0 && openSource(host, this.recording, frame, event)),
      onSort: (column) => {
        this.sorting.choose(column);
        this.refresh();
      },
    });
    this.root = element(
      'div',
      { class: 'table-view' },
      element('div', { class: 'table-bar' }, this.about),
      this.grid.root,
    );
  }

  isFor({ extra }: Recording): boolean {
    return changesOf(extra) !== null;
  }

  show({ recording }: Shown): void {
    this.recording = recording;
    this.section = changesOf(recording.extra);
    if (!this.section) return;
    const frames = new Map<string, number>();
    recording.frames.forEach(({ name, file }, frame) => {
      const key = `${name}\0${file ?? ''}`;
      if (!frames.has(key)) frames.set(key, frame);
    });
    this.rows = this.section.rows.map((row) => ({ ...row, frame: frames.get(`${row.name}\0${row.file ?? ''}`) ?? -1 }));
    this.refresh();
  }

  reveal({ frame }: Selection): void {
    this.grid.reveal((row) => row.frame === frame);
  }

  private figureText(value: number): string {
    if (this.section?.unit === 'share') return formatShare(value);
    return value >= 1e3 ? formatCount(value) : value.toPrecision(3);
  }

  private refresh(): void {
    const { column, descending, direction } = this.sorting;
    const compare = COMPARE_CHANGES[column] ?? COMPARE_CHANGES.effect;
    this.grid.showSort(column, descending);
    this.grid.setRows([...this.rows].sort((x, y) => direction * compare(x, y) || byText(x.name, y.name)));
    const changed = this.rows.filter(({ verdict }) => verdict !== 'noise').length;
    const { a, b, unit } = this.section!;
    const sides = l10n.t(
      '{0} functions changed, {1} are noise; from {2} to {3}',
      formatCount(changed),
      formatCount(this.rows.length - changed),
      a.title,
      b.title,
    );
    this.about.textContent = unit === 'share' ? sides : `${sides} (${unit})`;
  }
}

function remarkOn({ name, verdict, before }: Row): string | null {
  if (verdict === 'new') return l10n.t('(new)');
  if (verdict === 'gone') return l10n.t('(gone)');
  if (!before) return null;
  const { file } = before;
  if (before.name === name && file !== null)
    return l10n.t('(was in {0})', `${file.slice(file.lastIndexOf('/') + 1)}:${before.line ?? '?'}`);
  return l10n.t('(was {0})', before.name);
}
