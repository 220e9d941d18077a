// The table of single requests that the recording kept: the slowest, those that failed, and a sample of the rest.
import * as l10n from '@vscode/l10n';
import type { Host } from '../../host';
import { formatMs } from '../../shares';
import { element } from '../element';
import { Grid, type GridOptions } from '../grid';
import { Sorting } from '../sorting';
import { COMPARE_SPANS, matches, type SpanRow, spanText, targetOf } from './rows';

const STARTS_DESCENDING = new Set(['duration', 'firstByte', 'status']);

export const ERRORS = {
  status: () => l10n.t('failed'),
  'no answer': () => l10n.t('no answer'),
  unfinished: () => l10n.t('broken off'),
  reset: () => l10n.t('reset'),
};

/** An outgoing call is told apart by an arrow, which a screen reader reads as words. */
export function nameOf({ span }: SpanRow): HTMLElement {
  const name = element('span', { class: 'name', title: `${span.method} ${targetOf(span)}\n${span.route}` });
  if (span.side === 'client')
    name.append(element('span', { class: 'outgoing', role: 'img', 'aria-label': l10n.t('outgoing call') }, '→'), ' ');
  name.append(`${span.method} ${targetOf(span)}`);
  return name;
}

export function statusOf({ span }: SpanRow): HTMLElement {
  const said = [
    span.grpcStatus !== undefined ? `grpc:${span.grpcStatus}` : span.status === null ? '' : String(span.status),
    span.error && span.error !== 'status' ? ERRORS[span.error]() : '',
  ];
  return element('span', { class: span.error ? 'failed' : '' }, said.filter(Boolean).join(' '));
}

export class SpanTable {
  readonly grid: Grid<SpanRow>;
  private readonly sorting: Sorting;

  constructor(
    host: Host,
    id: string,
    label: string,
    choose: Pick<GridOptions<SpanRow>, 'onSelect' | 'onOpen'>,
    private readonly onChanged: () => void,
  ) {
    this.sorting = new Sorting(host, id, { column: 'duration', descending: true }, STARTS_DESCENDING);
    this.grid = new Grid<SpanRow>({
      id,
      label,
      columns: [
        {
          id: 'duration',
          title: l10n.t('Duration'),
          numeric: true,
          widthPx: 92,
          compare: COMPARE_SPANS.duration,
          render: ({ durationMs }, cell) => cell.append(formatMs(durationMs)),
        },
        {
          id: 'firstByte',
          title: l10n.t('First Byte'),
          numeric: true,
          widthPx: 98,
          fromTablePx: 620,
          compare: COMPARE_SPANS.firstByte,
          render: ({ span: { startNs, firstByteNs } }, cell) => {
            if (firstByteNs !== null) cell.append(formatMs((firstByteNs - startNs) / 1e6));
          },
        },
        {
          id: 'status',
          title: l10n.t('Status'),
          numeric: true,
          widthPx: 88,
          compare: COMPARE_SPANS.status,
          render: (row, cell) => cell.append(statusOf(row)),
        },
        {
          id: 'target',
          title: l10n.t('Request'),
          widthPx: 180,
          grow: 3,
          compare: COMPARE_SPANS.target,
          render: (row, cell) => cell.append(nameOf(row)),
        },
        {
          id: 'start',
          title: l10n.t('Start'),
          numeric: true,
          widthPx: 88,
          fromTablePx: 480,
          compare: COMPARE_SPANS.start,
          render: ({ startMs }, cell) => {
            cell.title = l10n.t('After the start of the recording');
            cell.append(formatMs(Math.max(0, startMs)));
          },
        },
        {
          id: 'peer',
          title: l10n.t('Peer'),
          widthPx: 120,
          grow: 1,
          fromTablePx: 760,
          compare: COMPARE_SPANS.peer,
          render: ({ span }, cell) => cell.append(element('span', { class: 'dim', title: span.peer }, span.peer)),
        },
        {
          id: 'thread',
          title: l10n.t('Thread'),
          numeric: true,
          widthPx: 110,
          fromTablePx: 860,
          compare: COMPARE_SPANS.thread,
          render: ({ span: { pid, tid } }, cell) =>
            cell.append(tid === 0 || tid === pid ? String(pid) : `${pid}/${tid}`),
        },
      ],
      keyOf: ({ key }) => key,
      ...choose,
      onSort: (column) => {
        this.sorting.choose(column);
        this.onChanged();
      },
    });
  }

  /** Returns how many are shown. */
  show(rows: readonly SpanRow[], filter: string): number {
    const { column, descending, direction } = this.sorting;
    const compare = COMPARE_SPANS[column] ?? COMPARE_SPANS.duration;
    const shown = rows
      .filter(({ span }) => matches(spanText(span), filter))
      .sort((a, b) => direction * compare(a, b) || COMPARE_SPANS.start(a, b));
    this.grid.showSort(column, descending);
    this.grid.setRows(shown);
    return shown.length;
  }
}
