// A table for many rows that works by keyboard and screen reader: ARIA grid, or treegrid where rows have levels. Only the rows in
// sight are in the document, so 10,000 functions scroll like ten. The focus stays on the grid itself and aria-activedescendant
// names the current row, as in VS Code's own lists.
//
// Keys as in the ARIA practices for (tree)grids: https://www.w3.org/WAI/ARIA/apg/patterns/treegrid/
import * as l10n from '@vscode/l10n';
import type { Host } from '../host';
import { element } from './element';

const ROW_HEIGHT_PX = 22;
/** Rows rendered beyond the visible ones, so that slow scrolling never shows a gap. */
const OVERSCAN_ROWS = 8;
const MIN_COLUMN_PX = 40;
const MAX_COLUMN_PX = 2_000;
const KEY_STEP_PX = 10;

export interface Column<Row> {
  id: string;
  title: string;
  numeric?: boolean;
  widthPx: number;
  /** Its part of the width that is left over; 0 for a fixed column. */
  grow?: number;
  /** Left out where the whole table is narrower. */
  fromTablePx?: number;
  /** Left out where there is nothing for it. */
  isFor?(): boolean;
  /** Fills the empty cell. */
  render(row: Row, cell: HTMLElement): void;
  /** Ascending order; without it the column does not sort. */
  compare?(a: Row, b: Row): number;
}

export interface GridOptions<Row> {
  id: string;
  label: string;
  columns: Column<Row>[];
  /** Equal for the same row before and after setRows. */
  keyOf(row: Row): string | number;
  onSelect(row: Row): void;
  /** Enter, double-click, ctrl/cmd-click. */
  onOpen(row: Row, event: MouseEvent | KeyboardEvent): void;
  onSort?(column: string): void;
  /** Shift+F10, the menu key, a right click: what can be done with the row. `at`: where on the page. */
  onMenu?(row: Row, at: { x: number; y: number }): void;
  /** Its columns can be made wider and narrower, and stay so. */
  host?: Pick<Host, 'state' | 'remember'>;
  /** Makes it a treegrid. `expanded` is null for a leaf. */
  tree?: { level(row: Row): number; expanded(row: Row): boolean | null; toggle(row: Row): void };
}

export class Grid<Row> {
  readonly root: HTMLElement;
  private readonly headers = new Map<string, HTMLElement>();
  private readonly handles = new Map<string, HTMLElement>();
  private readonly body: HTMLElement;
  /** The columns that the width has room for. */
  private shown: Column<Row>[] = [];
  private rows: readonly Row[] = [];
  private current = -1;
  private frameRequested = false;

  constructor(private readonly options: GridOptions<Row>) {
    const { columns, tree } = options;
    const head = element('div', { role: 'row', class: 'grid-row grid-head', 'aria-rowindex': 1 });
    for (const column of columns) {
      const header = element('div', {
        role: 'columnheader',
        class: column.numeric ? 'numeric' : '',
        'aria-label': column.title,
      });
      if (options.host && column !== columns[columns.length - 1]) header.append(this.handle(column));
      if (column.compare)
        header.append(
          element(
            'button',
            { type: 'button', title: column.title, onclick: () => options.onSort?.(column.id) },
            element('span', { class: 'title' }, column.title),
            element('span', { class: 'arrow', 'aria-hidden': 'true' }),
          ),
        );
      else header.append(element('span', { class: 'title', title: column.title }, column.title));
      this.headers.set(column.id, header);
      head.append(header);
    }
    this.body = element('div', { role: 'rowgroup', class: 'grid-body' });
    this.root = element(
      'div',
      {
        id: options.id,
        role: tree ? 'treegrid' : 'grid',
        class: 'grid',
        tabindex: 0,
        'aria-label': options.label,
        'aria-readonly': 'true',
        onscroll: () => this.requestRender(),
        onkeydown: (event: KeyboardEvent) => this.onKey(event),
      },
      element('div', { role: 'rowgroup', class: 'grid-head-group' }, head),
      this.body,
    );
    this.body.addEventListener('click', (event) => this.onClick(event));
    this.body.addEventListener('dblclick', (event) => {
      const index = this.indexAt(event);
      if (index >= 0 && !isControl(event)) this.options.onOpen(this.rows[index], event);
    });
    this.root.addEventListener('contextmenu', (event) => this.onContextMenu(event));
    new ResizeObserver(() => {
      const before = this.shown;
      this.fitColumns();
      // Rows of other columns than the head's are not to be seen, not for one frame.
      if (before.length !== this.shown.length) this.render();
      else this.requestRender();
    }).observe(this.root);
  }

  /** Replaces the rows; the current one stays current where its key is still there. */
  setRows(rows: readonly Row[]): void {
    const key = this.current >= 0 ? this.options.keyOf(this.rows[this.current]) : null;
    this.rows = rows;
    this.current = key === null ? -1 : rows.findIndex((row) => this.options.keyOf(row) === key);
    this.fitColumns();
    this.root.setAttribute('aria-rowcount', String(rows.length + 1));
    this.body.style.height = `${rows.length * ROW_HEIGHT_PX}px`;
    this.render();
  }

  showSort(column: string, descending: boolean): void {
    for (const [id, header] of this.headers) {
      if (id === column) header.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      else header.removeAttribute('aria-sort');
    }
  }

  /** Makes the first row that `matches` current and brings it into view, without telling `onSelect`. */
  reveal(matches: (row: Row) => boolean): void {
    const index = this.rows.findIndex(matches);
    if (index >= 0 && index !== this.current) this.moveTo(index, false);
  }

  /** By a key from elsewhere: Enter then opens the first row. */
  enter(): void {
    this.root.focus();
    if (this.rows.length > 0) this.moveTo(0, true);
  }

  get currentRow(): Row | null {
    return this.rows[this.current] ?? null;
  }

  /** At the right end of a column's head: drags its width; arrow keys do the same, a double click gives back the first one. */
  private handle(column: Column<Row>): HTMLElement {
    const handle = element('span', {
      class: 'column-handle',
      role: 'separator',
      tabindex: 0,
      'aria-orientation': 'vertical',
      'aria-label': l10n.t('Width of {0}', column.title),
      'aria-valuemin': MIN_COLUMN_PX,
      'aria-valuemax': MAX_COLUMN_PX,
      'aria-valuenow': this.widths[column.id] ?? column.widthPx,
      onpointerdown: (event: PointerEvent) => {
        handle.setPointerCapture(event.pointerId);
        event.preventDefault();
      },
      onpointermove: (event: PointerEvent) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        this.setWidth(column, event.clientX - this.headers.get(column.id)!.getBoundingClientRect().left);
      },
      ondblclick: () => this.setWidth(column, null),
      onkeydown: (event: KeyboardEvent) => {
        const step = { ArrowLeft: -KEY_STEP_PX, ArrowRight: KEY_STEP_PX }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        this.setWidth(column, this.headers.get(column.id)!.getBoundingClientRect().width + step);
      },
    });
    this.handles.set(column.id, handle);
    return handle;
  }

  /** Widths that the user chose, by column. */
  private get widths(): Readonly<Record<string, number>> {
    return this.options.host?.state.columns?.[this.options.id] ?? {};
  }

  /** null: as it was at first. */
  private setWidth(column: Column<Row>, widthPx: number | null): void {
    const { host, id } = this.options;
    const widths = { ...this.widths };
    if (widthPx === null) delete widths[column.id];
    else widths[column.id] = Math.round(Math.min(MAX_COLUMN_PX, Math.max(MIN_COLUMN_PX, widthPx)));
    host?.remember({ columns: { ...host.state.columns, [id]: widths } });
    this.handles.get(column.id)?.setAttribute('aria-valuenow', String(widths[column.id] ?? column.widthPx));
    this.fitColumns();
  }

  private requestRender(): void {
    if (this.frameRequested) return;
    this.frameRequested = true;
    requestAnimationFrame(() => {
      this.frameRequested = false;
      this.render();
    });
  }

  private fitColumns(): void {
    const width = this.root.clientWidth;
    this.shown = this.options.columns.filter(
      ({ fromTablePx, isFor }) => width >= (fromTablePx ?? 0) && (isFor?.() ?? true),
    );
    for (const column of this.options.columns) this.headers.get(column.id)!.hidden = !this.shown.includes(column);
    const { widths } = this;
    const tracks = this.shown.map(({ id, widthPx, grow }) => {
      if (widths[id] !== undefined) return `${widths[id]}px`;
      return grow ? `minmax(${widthPx}px, ${grow}fr)` : `${widthPx}px`;
    });
    const least = this.shown.reduce((sum, { id, widthPx }) => sum + (widths[id] ?? widthPx), 0);
    this.root.style.setProperty('--columns', tracks.join(' '));
    this.root.style.setProperty('--min-width', `${least}px`);
    this.root.setAttribute('aria-colcount', String(this.shown.length));
  }

  private render(): void {
    const first = Math.max(0, Math.floor(this.root.scrollTop / ROW_HEIGHT_PX) - OVERSCAN_ROWS);
    const count = Math.ceil(this.root.clientHeight / ROW_HEIGHT_PX) + 2 * OVERSCAN_ROWS;
    const rendered: HTMLElement[] = [];
    for (let index = first; index < Math.min(this.rows.length, first + count); index++) rendered.push(this.row(index));
    this.body.replaceChildren(...rendered);
    const shown = this.current >= first && this.current < first + count;
    if (shown) this.root.setAttribute('aria-activedescendant', this.rowId(this.current));
    else this.root.removeAttribute('aria-activedescendant');
  }

  private row(index: number): HTMLElement {
    const { tree } = this.options;
    const data = this.rows[index];
    const selected = index === this.current;
    const row = element('div', {
      id: this.rowId(index),
      role: 'row',
      class: `grid-row${selected ? ' selected' : ''}`,
      'aria-rowindex': index + 2,
      'aria-selected': String(selected),
      style: `top: ${index * ROW_HEIGHT_PX}px`,
      'data-index': index,
    });
    if (tree) {
      const expanded = tree.expanded(data);
      row.setAttribute('aria-level', String(tree.level(data)));
      if (expanded !== null) row.setAttribute('aria-expanded', String(expanded));
    }
    for (const column of this.shown) {
      const cell = element('div', { role: 'gridcell', class: column.numeric ? 'numeric' : '' });
      column.render(data, cell);
      row.append(cell);
    }
    return row;
  }

  private rowId(index: number): string {
    return `${this.options.id}-row-${index}`;
  }

  private indexAt(event: Event): number {
    const row = event.target instanceof Element ? event.target.closest<HTMLElement>('.grid-row') : null;
    return row ? Number(row.dataset.index) : -1;
  }

  private onClick(event: MouseEvent): void {
    const index = this.indexAt(event);
    if (index < 0) return;
    const data = this.rows[index];
    const target = event.target as Element;
    const twistie = target.closest('.twistie') !== null;
    this.moveTo(index, true);
    if (twistie) this.options.tree?.toggle(data);
    else if (event.ctrlKey || event.metaKey) this.options.onOpen(data, event);
  }

  private onContextMenu(event: MouseEvent): void {
    const { onMenu } = this.options;
    const index = this.indexAt(event);
    // A menu key's event is at the grid itself, and means the current row.
    const row = index >= 0 ? this.rows[index] : this.currentRow;
    if (!onMenu || !row || (event.target instanceof Element && event.target.closest('.grid-head'))) return;
    event.preventDefault();
    if (index >= 0) this.moveTo(index, true);
    const box = document.getElementById(this.rowId(this.current))?.getBoundingClientRect();
    onMenu(row, index >= 0 || !box ? { x: event.clientX, y: event.clientY } : { x: box.left + 24, y: box.bottom });
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || this.rows.length === 0) return;
    // Enter and Space on a column's head sort.
    if (event.target instanceof Element && event.target.closest('.grid-head')) return;
    const page = Math.max(1, Math.floor(this.root.clientHeight / ROW_HEIGHT_PX) - 2);
    const last = this.rows.length - 1;
    const data = this.currentRow;
    const { tree } = this.options;
    const targets: Record<string, number> = {
      ArrowDown: this.current + 1,
      ArrowUp: this.current < 0 ? 0 : this.current - 1,
      PageDown: this.current + page,
      PageUp: this.current - page,
      Home: 0,
      End: last,
    };
    if (event.key in targets) this.moveTo(Math.min(last, Math.max(0, targets[event.key])), true);
    else if (event.key === 'Enter' && data) this.options.onOpen(data, event);
    else if (tree && data && event.key === 'ArrowRight') {
      if (tree.expanded(data) === false) tree.toggle(data);
      else if (tree.expanded(data)) this.moveTo(this.current + 1, true);
    } else if (tree && data && event.key === 'ArrowLeft') {
      if (tree.expanded(data)) tree.toggle(data);
      else {
        let parent = this.current - 1;
        while (parent >= 0 && tree.level(this.rows[parent]) >= tree.level(data)) parent--;
        if (parent >= 0) this.moveTo(parent, true);
      }
    } else if (tree && data && event.key === ' ' && tree.expanded(data) !== null) tree.toggle(data);
    else return;
    event.preventDefault();
  }

  private moveTo(index: number, tell: boolean): void {
    const changed = index !== this.current;
    this.current = index;
    const top = index * ROW_HEIGHT_PX;
    // The head is one row high and stays on top.
    const visible = this.root.clientHeight - ROW_HEIGHT_PX;
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    else if (top + ROW_HEIGHT_PX > this.root.scrollTop + visible) this.root.scrollTop = top + ROW_HEIGHT_PX - visible;
    // The second click of a double click must find the row that the first one made.
    if (changed) this.render();
    if (tell && changed) this.options.onSelect(this.rows[index]);
  }
}

function isControl(event: MouseEvent): boolean {
  return event.target instanceof Element && event.target.closest('a, button, .twistie') !== null;
}
