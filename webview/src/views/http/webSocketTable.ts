// The table of WebSocket connections by the route that opened them.
import * as l10n from '@vscode/l10n';
import type { HttpWebSocketRow } from '../../../../helper/src/protocol';
import type { Host } from '../../host';
import { formatCount, formatWeight } from '../../shares';
import { element } from '../element';
import { type Column, Grid } from '../grid';
import { Sorting } from '../sorting';
import { matches } from './rows';

type Count = 'opened' | 'closed' | 'framesIn' | 'framesOut' | 'controlIn' | 'controlOut' | 'bytesIn' | 'bytesOut';
const COUNTS: readonly Count[] = [
  'opened',
  'closed',
  'framesIn',
  'framesOut',
  'controlIn',
  'controlOut',
  'bytesIn',
  'bytesOut',
];

const byRoute = (a: HttpWebSocketRow, b: HttpWebSocketRow) => (a.route < b.route ? -1 : a.route > b.route ? 1 : 0);
const COMPARE: Record<string, (a: HttpWebSocketRow, b: HttpWebSocketRow) => number> = {
  route: byRoute,
  ...Object.fromEntries(COUNTS.map((id) => [id, (a: HttpWebSocketRow, b: HttpWebSocketRow) => a[id] - b[id]])),
};

export class WebSocketTable {
  readonly grid: Grid<HttpWebSocketRow>;
  private readonly sorting: Sorting;

  constructor(
    host: Host,
    id: string,
    label: string,
    private readonly onChanged: () => void,
  ) {
    this.sorting = new Sorting(host, id, { column: 'framesIn', descending: true }, new Set(COUNTS));
    const count = (column: Count, title: string, fromTablePx = 0): Column<HttpWebSocketRow> => ({
      id: column,
      title,
      numeric: true,
      widthPx: 96,
      fromTablePx,
      compare: COMPARE[column],
      render: (row, cell) =>
        cell.append(column.startsWith('bytes') ? formatWeight(row[column], 'bytes') : formatCount(row[column])),
    });
    this.grid = new Grid<HttpWebSocketRow>({
      id,
      label,
      columns: [
        {
          id: 'route',
          title: l10n.t('Route'),
          widthPx: 140,
          grow: 3,
          compare: COMPARE.route,
          render: ({ route, side }, cell) => {
            if (side === 'client')
              cell.append(
                element('span', { class: 'outgoing', role: 'img', 'aria-label': l10n.t('outgoing call') }, '→'),
                ' ',
              );
            cell.append(element('span', { class: 'name', title: route }, route));
          },
        },
        count('opened', l10n.t('Opened')),
        count('closed', l10n.t('Closed'), 560),
        count('framesIn', l10n.t('Frames In')),
        count('framesOut', l10n.t('Frames Out')),
        count('controlIn', l10n.t('Control In'), 900),
        count('controlOut', l10n.t('Control Out'), 900),
        count('bytesIn', l10n.t('In'), 720),
        count('bytesOut', l10n.t('Out'), 720),
      ],
      keyOf: ({ side, route }) => `${side}\n${route}`,
      onSelect: () => {},
      onOpen: () => {},
      onSort: (column) => {
        this.sorting.choose(column);
        this.onChanged();
      },
    });
  }

  /** Returns how many are shown. */
  show(rows: readonly HttpWebSocketRow[], filter: string): number {
    const { column, descending, direction } = this.sorting;
    const compare = COMPARE[column] ?? COMPARE.framesIn;
    const shown = rows
      .filter(({ route }) => matches(route, filter))
      .sort((a, b) => direction * compare(a, b) || byRoute(a, b));
    this.grid.showSort(column, descending);
    this.grid.setRows(shown);
    return shown.length;
  }
}
