// The table of hot functions: self and total of every function in the profile shown, sortable by each column; the page's
// search leaves out what it is not of.
import * as l10n from '@vscode/l10n';
import type { Host } from '../host';
import type { Recording, StackProfile } from '../load';
import type { Found } from '../search';
import { describeShare, formatCount } from '../shares';
import { frameIdentity, fullName, openSource, sourceLink } from '../sourceLinks';
import type { FunctionWeights } from '../stackTree';
import { nameElement, renderError, renderLink, renderShare } from './cells';
import { element } from './element';
import { type Column, Grid } from './grid';
import { Sorting } from './sorting';
import type { FrameMenu, Selection, Shown, View } from './view';

export interface FunctionRow {
  frame: number;
  name: string;
  /** With parameters and type arguments; the name where there is no more to say. */
  fullName: string;
  self: number;
  total: number;
  module: string;
  file: string;
  line: number;
}

/** One row for each function with samples. */
export function functionRows(recording: Recording, weights: FunctionWeights): FunctionRow[] {
  const rows: FunctionRow[] = [];
  recording.frames.forEach(({ name, file, line }, frame) => {
    if (weights.total[frame] > 0)
      rows.push({
        frame,
        name,
        fullName: fullName(recording, frame),
        self: weights.self[frame],
        total: weights.total[frame],
        module: recording.extra?.frameDetails?.[frame]?.module ?? '',
        file: file ?? '',
        line: line ?? 0,
      });
  });
  return rows;
}

const base = (file: string) => file.slice(file.lastIndexOf('/') + 1);
const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Ascending order by column. Rows without a module or a file come last. */
export const COMPARE: Record<string, (a: FunctionRow, b: FunctionRow) => number> = {
  name: (a, b) => byText(a.name.toLowerCase(), b.name.toLowerCase()),
  self: (a, b) => a.self - b.self || a.total - b.total,
  total: (a, b) => a.total - b.total || a.self - b.self,
  module: (a, b) => Number(a.module === '') - Number(b.module === '') || byText(a.module, b.module),
  source: (a, b) =>
    Number(a.file === '') - Number(b.file === '') || byText(base(a.file), base(b.file)) || a.line - b.line,
};

export class FunctionTable implements View {
  readonly id = 'functions';
  readonly title = l10n.t('Hot Functions');
  readonly root: HTMLElement;
  private readonly grid: Grid<FunctionRow>;
  private readonly count: HTMLElement;
  private recording: Recording | null = null;
  private profile: StackProfile | null = null;
  private rows: FunctionRow[] = [];
  private totalWeight = 0;
  private readonly sorting: Sorting;
  private found: Found | null = null;

  constructor(
    private readonly host: Host,
    private readonly onSelect: (frame: number) => void,
    menu: FrameMenu,
  ) {
    this.sorting = new Sorting(host, this.id, { column: 'self', descending: true }, new Set(['self', 'total']));
    const share = (id: 'self' | 'total', title: string): Column<FunctionRow> => ({
      id,
      title,
      numeric: true,
      widthPx: 76,
      compare: COMPARE[id],
      render: (row, cell) => {
        if (this.profile) renderShare(cell, describeShare(row[id], this.totalWeight, this.profile));
      },
    });
    this.grid = new Grid<FunctionRow>({
      id: 'functions',
      label: l10n.t('Hot functions'),
      host,
      columns: [
        {
          id: 'name',
          title: l10n.t('Function'),
          widthPx: 160,
          grow: 5,
          compare: COMPARE.name,
          render: (row, cell) => cell.append(nameElement(row.name, row.fullName)),
        },
        share('self', l10n.t('Self')),
        share('total', l10n.t('Total')),
        {
          id: 'error',
          title: '±',
          numeric: true,
          widthPx: 48,
          fromTablePx: 520,
          isFor: () => this.profile?.samplesPerWeight !== null,
          render: (row, cell) => {
            const of = this.sorting.column === 'total' ? 'total' : 'self';
            if (this.profile) renderError(cell, describeShare(row[of], this.totalWeight, this.profile));
          },
        },
        {
          id: 'module',
          title: l10n.t('Module'),
          widthPx: 70,
          grow: 1,
          fromTablePx: 760,
          compare: COMPARE.module,
          render: (row, cell) => cell.append(element('span', { class: 'dim', title: row.module }, row.module)),
        },
        {
          id: 'source',
          title: l10n.t('Source'),
          widthPx: 96,
          grow: 1.2,
          fromTablePx: 400,
          compare: COMPARE.source,
          render: (row, cell) => {
            const { recording } = this;
            if (recording)
              renderLink(cell, sourceLink(recording, row.frame), (event) =>
                openSource(this.host, recording, row.frame, event),
              );
          },
        },
      ],
      keyOf: (row) => (this.recording ? frameIdentity(this.recording, row.frame) : row.frame),
      onSelect: (row) => this.onSelect(row.frame),
      onMenu: (row, at) => menu(row.frame, at),
      onOpen: (row, event) => this.recording && openSource(this.host, this.recording, row.frame, event),
      onSort: (column) => {
        this.sorting.choose(column);
        this.refresh();
      },
    });
    this.count = element('span', { class: 'count', role: 'status', 'aria-live': 'polite' });
    this.root = element(
      'div',
      { class: 'table-view' },
      this.grid.root,
      element('div', { class: 'table-foot' }, this.count),
    );
  }

  isFor(): boolean {
    return true;
  }

  show({ recording, profile, tree, weights }: Shown): void {
    this.recording = recording;
    this.profile = profile;
    this.totalWeight = tree.totalWeight;
    this.rows = functionRows(recording, weights);
    this.refresh();
  }

  search(found: Found | null): void {
    this.found = found;
    this.refresh();
  }

  enter(): void {
    this.grid.enter();
  }

  reveal({ frame }: Selection): void {
    this.grid.reveal((row) => row.frame === frame);
  }

  private refresh(): void {
    const { column, descending, direction } = this.sorting;
    const compare = COMPARE[column] ?? COMPARE.self;
    const { found } = this;
    const shown = this.rows
      .filter(({ frame }) => found === null || found.frames[frame] === 1)
      .sort((a, b) => direction * compare(a, b) || a.frame - b.frame);
    this.grid.showSort(column, descending);
    this.grid.setRows(shown);
    this.count.textContent =
      shown.length === this.rows.length
        ? l10n.t('{0} functions', formatCount(shown.length))
        : l10n.t('{0} of {1} functions', formatCount(shown.length), formatCount(this.rows.length));
  }
}
