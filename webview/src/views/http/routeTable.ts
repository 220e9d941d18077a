// The table of routes, of incoming requests or of outgoing calls: how many, how fast, what failed, and who answers them.
import * as l10n from '@vscode/l10n';
import type { Host } from '../../host';
import { formatCount, formatMs, formatShare, formatWeight } from '../../shares';
import { renderLink } from '../cells';
import { element } from '../element';
import { type Column, Grid, type GridOptions } from '../grid';
import { Sorting } from '../sorting';
import { openHandler, placeOf } from './handler';
import { COMPARE_ROUTES, errorShare, matches, type RouteRow, routeText } from './rows';

const STARTS_DESCENDING = new Set(['perSecond', 'count', 'p50', 'p90', 'p99', 'max', 'errors', 'bytesIn', 'bytesOut']);

export const formatRate = (perSecond: number): string =>
  perSecond >= 10 || perSecond === 0 ? formatCount(perSecond) : perSecond.toFixed(perSecond >= 1 ? 1 : 2);

/** `200: 12, 404: 3`; requests without an answer have no status. */
export function statusesOf({ statuses, count }: Pick<RouteRow, 'statuses' | 'count'>): string {
  const known = Object.entries(statuses).map(([status, one]) => `${status}: ${formatCount(one)}`);
  const answered = Object.values(statuses).reduce((sum, one) => sum + one, 0);
  if (count > answered) known.push(l10n.t('no answer: {0}', formatCount(count - answered)));
  return known.join(', ');
}

export class RouteTable {
  readonly grid: Grid<RouteRow>;
  private readonly sorting: Sorting;
  private rows: readonly RouteRow[] = [];

  constructor(
    host: Host,
    id: string,
    label: string,
    choose: Pick<GridOptions<RouteRow>, 'onSelect'>,
    private readonly onChanged: () => void,
  ) {
    this.sorting = new Sorting(host, id, { column: 'count', descending: true }, STARTS_DESCENDING);
    const time = (
      column: string,
      title: string,
      value: (row: RouteRow) => number,
      fromTablePx = 0,
    ): Column<RouteRow> => ({
      id: column,
      title,
      numeric: true,
      widthPx: 76,
      fromTablePx,
      compare: COMPARE_ROUTES[column],
      render: (row, cell) => cell.append(formatMs(value(row))),
    });
    const bytes = (column: 'bytesIn' | 'bytesOut', title: string): Column<RouteRow> => ({
      id: column,
      title,
      numeric: true,
      widthPx: 78,
      fromTablePx: 1_080,
      compare: COMPARE_ROUTES[column],
      render: (row, cell) => cell.append(formatWeight(row[column], 'bytes')),
    });
    this.grid = new Grid<RouteRow>({
      id,
      label,
      columns: [
        {
          id: 'method',
          title: l10n.t('Method'),
          widthPx: 78,
          compare: COMPARE_ROUTES.method,
          render: ({ method }, cell) => cell.append(element('span', { class: 'name', title: method }, method)),
        },
        {
          id: 'route',
          title: l10n.t('Route'),
          widthPx: 130,
          grow: 3,
          compare: COMPARE_ROUTES.route,
          render: ({ route, protocol, tls }, cell) =>
            cell.append(
              element('span', { class: 'name', title: `${route}\n${protocol}${tls ? ' · TLS' : ''}` }, route),
            ),
        },
        {
          id: 'count',
          title: l10n.t('Count'),
          numeric: true,
          widthPx: 76,
          compare: COMPARE_ROUTES.count,
          render: ({ count }, cell) => cell.append(formatCount(count)),
        },
        {
          id: 'perSecond',
          title: l10n.t('Per Second'),
          numeric: true,
          widthPx: 98,
          fromTablePx: 620,
          compare: COMPARE_ROUTES.perSecond,
          render: ({ perSecond }, cell) => cell.append(formatRate(perSecond)),
        },
        time('p50', 'p50', (row) => row.p50Ms),
        time('p90', 'p90', (row) => row.p90Ms, 760),
        time('p99', 'p99', (row) => row.p99Ms),
        time('max', l10n.t('Longest'), (row) => row.maxMs, 760),
        {
          id: 'errors',
          title: l10n.t('Errors'),
          numeric: true,
          widthPx: 74,
          compare: COMPARE_ROUTES.errors,
          render: (row, cell) => {
            if (row.errors === 0) return;
            cell.title = l10n.t('{0} of {1} requests failed', formatCount(row.errors), formatCount(row.count));
            cell.append(element('span', { class: 'failed' }, formatShare(errorShare(row))));
          },
        },
        {
          id: 'statuses',
          title: l10n.t('Statuses'),
          widthPx: 110,
          grow: 1,
          fromTablePx: 860,
          render: (row, cell) =>
            cell.append(element('span', { class: 'dim', title: statusesOf(row) }, statusesOf(row))),
        },
        bytes('bytesIn', l10n.t('In')),
        bytes('bytesOut', l10n.t('Out')),
        {
          id: 'handler',
          title: l10n.t('Handler'),
          widthPx: 120,
          grow: 1.4,
          fromTablePx: 700,
          compare: COMPARE_ROUTES.handler,
          render: ({ handler }, cell) => {
            if (handler) renderLink(cell, placeOf(handler), (event) => openHandler(host, handler, event));
          },
        },
      ],
      keyOf: ({ key }) => key,
      ...choose,
      onOpen: ({ handler }, event) => handler && openHandler(host, handler, event),
      onSort: (column) => {
        this.sorting.choose(column);
        this.onChanged();
      },
    });
  }

  /** Returns how many are shown. */
  show(rows: readonly RouteRow[], filter: string): number {
    const { column, descending, direction } = this.sorting;
    const compare = COMPARE_ROUTES[column] ?? COMPARE_ROUTES.count;
    this.rows = rows
      .filter((row) => matches(routeText(row), filter))
      .sort((a, b) => direction * compare(a, b) || COMPARE_ROUTES.route(a, b));
    this.grid.showSort(column, descending);
    this.grid.setRows(this.rows);
    return this.rows.length;
  }
}
