// One trace over incoming and outgoing requests: each a line, indented below the one that made it, with a bar where its time was.
import * as l10n from '@vscode/l10n';
import { formatMs } from '../../shares';
import { element } from '../element';
import { Grid } from '../grid';
import type { SpanRow, TraceRow } from './rows';
import { nameOf, statusOf } from './spanTable';

const INDENT_PX = 14;

export class Waterfall {
  readonly grid: Grid<TraceRow>;
  private range = { fromNs: 0, lengthNs: 1 };

  constructor(
    id: string,
    choose: (row: SpanRow) => void,
    open: (row: SpanRow, event: MouseEvent | KeyboardEvent) => void,
  ) {
    this.grid = new Grid<TraceRow>({
      id,
      label: l10n.t('Requests of this trace'),
      columns: [
        {
          id: 'name',
          title: l10n.t('Request'),
          widthPx: 150,
          grow: 2,
          render: (row, cell) => {
            cell.style.paddingLeft = `${10 + INDENT_PX * Math.min(row.depth, 8)}px`;
            cell.append(nameOf(row));
          },
        },
        {
          id: 'status',
          title: l10n.t('Status'),
          numeric: true,
          widthPx: 84,
          fromTablePx: 560,
          render: (row, cell) => cell.append(statusOf(row)),
        },
        {
          id: 'duration',
          title: l10n.t('Duration'),
          numeric: true,
          widthPx: 94,
          render: ({ durationMs }, cell) => cell.append(formatMs(durationMs)),
        },
        { id: 'time', title: l10n.t('Time'), widthPx: 160, grow: 3, render: (row, cell) => this.renderBar(row, cell) },
      ],
      keyOf: ({ key }) => key,
      onSelect: choose,
      onOpen: open,
      tree: { level: ({ depth }) => depth + 1, expanded: () => null, toggle: () => {} },
    });
  }

  show(rows: readonly TraceRow[], chosen: string): void {
    const fromNs = Math.min(...rows.map(({ span }) => span.startNs));
    this.range = { fromNs, lengthNs: Math.max(1, ...rows.map(({ span }) => span.endNs - fromNs)) };
    this.grid.setRows(rows);
    this.grid.reveal(({ key }) => key === chosen);
  }

  private renderBar({ span, durationMs }: TraceRow, cell: HTMLElement): void {
    const { fromNs, lengthNs } = this.range;
    const percent = (ns: number) => `${Math.min(100, Math.max(0, (100 * ns) / lengthNs)).toFixed(2)}%`;
    const waitedNs =
      span.firstByteNs === null ? span.endNs - span.startNs : Math.max(0, span.firstByteNs - span.startNs);
    const bar = element('span', {
      class: `span-bar ${span.side}${span.error ? ' error' : ''}`,
      style: `left: ${percent(span.startNs - fromNs)}; width: ${percent(span.endNs - span.startNs)}`,
    });
    const inBar = span.endNs > span.startNs ? Math.min(100, (100 * waitedNs) / (span.endNs - span.startNs)) : 100;
    bar.append(element('span', { class: 'waited', style: `width: ${inBar.toFixed(2)}%` }));
    cell.title = [
      l10n.t('Began {0} after the first', formatMs((span.startNs - fromNs) / 1e6)),
      l10n.t('First byte of the answer after {0}', formatMs(waitedNs / 1e6)),
      l10n.t('Took {0}', formatMs(durationMs)),
      ...(span.parent?.evidence.length
        ? [l10n.t('Belongs to the one above: {0}', span.parent.evidence.join(', '))]
        : []),
    ].join('\n');
    cell.classList.add('span-time');
    cell.append(bar);
  }
}
