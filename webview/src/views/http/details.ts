// What is told of the chosen route or request below the tables: figures, latencies, the trace that a request belongs to, and what can
// be done with it.
import * as l10n from '@vscode/l10n';
import { HTTP_LATENCY_BOUNDS_S, type HttpHandler } from '../../../../helper/src/protocol';
import type { Host } from '../../host';
import { formatCount, formatMs, formatWeight } from '../../shares';
import { linkText } from '../cells';
import { element } from '../element';
import { curlOf } from './curl';
import { openHandler, placeOf, sureness } from './handler';
import { histogram } from './histogram';
import { formatRate, statusesOf } from './routeTable';
import { latencyBars, type RouteRow, type SpanRow, type TraceRow, targetOf } from './rows';
import { statusOf } from './spanTable';
import { Waterfall } from './waterfall';

export interface DetailsEvents {
  /** The single requests of this route are wanted. */
  onSpans(route: RouteRow): void;
  onSpan(row: SpanRow): void;
  /** What ran in the thread of these requests meanwhile; null: the recording does not know. */
  flameGraph(rows: readonly SpanRow[], title: string): (() => void) | null;
}

type Fact = [title: string, value: string | Node];

export class Details {
  readonly root = element('section', { class: 'http-details', 'aria-label': l10n.t('Chosen request'), hidden: true });
  private readonly waterfall: Waterfall;
  private handler: HttpHandler | null = null;

  constructor(
    private readonly host: Host,
    private readonly events: DetailsEvents,
  ) {
    this.waterfall = new Waterfall(
      'http-trace',
      (row) => events.onSpan(row),
      (_, event) => this.handler && openHandler(host, this.handler, event),
    );
  }

  clear(): void {
    this.root.hidden = true;
    this.root.replaceChildren();
  }

  /** `spans`: those of this route that the recording kept. */
  showRoute(row: RouteRow, spans: readonly SpanRow[]): void {
    this.handler = row.handler;
    const bars = latencyBars(row.latency.counts, HTTP_LATENCY_BOUNDS_S);
    this.fill(
      `${row.method} ${row.route}`,
      [
        ...this.flameButton(spans, `${row.method} ${row.route}`),
        ...(spans.length > 0
          ? [button(l10n.t('{0} Single Requests', formatCount(spans.length)), () => this.events.onSpans(row))]
          : []),
      ],
      [
        [l10n.t('Requests'), l10n.t('{0}, {1} a second', formatCount(row.count), formatRate(row.perSecond))],
        [l10n.t('Statuses'), statusesOf(row)],
        [
          l10n.t('Latency'),
          [
            ...(
              [
                ['p50', row.p50Ms],
                ['p90', row.p90Ms],
                ['p99', row.p99Ms],
              ] as const
            ).map(([name, ms]) => `${name} ${formatMs(ms)}`),
            l10n.t('longest {0}', formatMs(row.maxMs)),
          ].join(' · '),
        ],
        [l10n.t('First byte'), l10n.t('after {0} on average', formatMs(row.firstByteMs))],
        [
          l10n.t('Bytes'),
          l10n.t('{0} in, {1} out', formatWeight(row.bytesIn, 'bytes'), formatWeight(row.bytesOut, 'bytes')),
        ],
        [l10n.t('Protocol'), row.tls ? `${row.protocol} · TLS` : row.protocol],
      ],
      bars.length > 0 ? histogram(bars) : null,
    );
  }

  /** `trace`: all that belongs together with it, itself among them. */
  showSpan(row: SpanRow, trace: readonly TraceRow[], handler: HttpHandler | null): void {
    this.handler = handler;
    const { span } = row;
    const remark = l10n.t('Ids and values were left out when this was recorded: put yours in.');
    const curl = curlOf(span, /[…:]/.test(targetOf(span).replace(/^\w+:\/\//, '')) ? remark : '');
    this.fill(
      `${span.method} ${targetOf(span)}`,
      [
        ...this.flameButton([row], `${span.method} ${targetOf(span)}`),
        button(l10n.t('Copy as curl'), () => this.host.send({ type: 'copy', text: curl })),
      ],
      [
        [l10n.t('Status'), statusOf(row)],
        [
          l10n.t('Duration'),
          span.firstByteNs === null
            ? formatMs(row.durationMs)
            : l10n.t(
                '{0}, first byte after {1}',
                formatMs(row.durationMs),
                formatMs((span.firstByteNs - span.startNs) / 1e6),
              ),
        ],
        [
          l10n.t('Bytes'),
          l10n.t('{0} in, {1} out', formatWeight(span.bytesIn, 'bytes'), formatWeight(span.bytesOut, 'bytes')),
        ],
        [
          l10n.t('Connection'),
          l10n.t('{0} with {1}, request {2} on it', span.local, span.peer, formatCount(span.sequence)),
        ],
        [
          l10n.t('Process'),
          span.tid === 0 ? String(span.pid) : l10n.t('{0}, thread {1}', String(span.pid), String(span.tid)),
        ],
        [l10n.t('Route'), span.route],
        ...(span.trace ? [[l10n.t('Trace'), span.trace.traceId] as Fact] : []),
        [
          l10n.t('Kept'),
          span.every === 0
            ? l10n.t('because it was slow or failed')
            : span.every === 1
              ? l10n.t('as every one was')
              : l10n.t('as one of {0}', formatCount(span.every)),
        ],
      ],
      this.waterfall.grid.root,
    );
    this.waterfall.show(trace, row.key);
  }

  private flameButton(rows: readonly SpanRow[], title: string): HTMLElement[] {
    const show = this.events.flameGraph(rows, title);
    return show ? [button(l10n.t('Flame Graph'), show)] : [];
  }

  private fill(
    heading: string,
    buttons: readonly HTMLElement[],
    facts: readonly Fact[],
    picture: HTMLElement | null,
  ): void {
    const { handler } = this;
    const list = element('dl', {}, ...(handler ? this.handlerFact(handler) : []));
    for (const [title, value] of facts)
      if (value !== '') list.append(element('dt', {}, title), element('dd', {}, value));
    // The trace's table keeps its focus and its place while another of its requests is chosen.
    const kept = picture && this.root.contains(picture) && picture.contains(document.activeElement);
    const head = element(
      'header',
      {},
      element('h2', { class: 'name', title: heading }, heading),
      element('div', { class: 'actions' }, ...buttons),
    );
    this.root.replaceChildren(head, element('div', { class: 'body' }, list, ...(picture ? [picture] : [])));
    this.root.hidden = false;
    if (kept) picture.focus();
  }

  private handlerFact(handler: HttpHandler): Node[] {
    const place = placeOf(handler);
    const attributes = { class: place.opens ? 'source' : 'source dim', title: place.title };
    const link = place.opens
      ? element(
          'a',
          {
            ...attributes,
            href: '#',
            onclick: (event: MouseEvent) => {
              event.preventDefault();
              openHandler(this.host, handler, event);
            },
          },
          ...linkText(place),
        )
      : element('span', attributes, ...linkText(place));
    const evidence = [sureness(handler.confidence), ...handler.evidence].join(' · ');
    return [
      element('dt', {}, l10n.t('Handler')),
      element(
        'dd',
        {},
        element('span', { class: 'name' }, handler.function),
        ' ',
        link,
        ' ',
        element('span', { class: 'dim' }, evidence),
      ),
    ];
  }
}

function button(text: string, onclick: () => void): HTMLElement {
  return element('button', { type: 'button', class: 'action', onclick }, text);
}
