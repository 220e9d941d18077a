// The tab of HTTP requests: routes, outgoing calls, WebSockets, and the single requests that the recording kept, each as a table
// with one filter over all; below it what is known of the chosen one.
import * as l10n from '@vscode/l10n';
import { type HttpSection, httpRouteKey, httpSectionOf, mergedProfile } from '../../../../helper/src/protocol';
import type { Host } from '../../host';
import type { Recording } from '../../load';
import { samplesWithin } from '../../part';
import { formatCount } from '../../shares';
import { element } from '../element';
import type { ShowMoments, Shown, View } from '../view';
import { Details } from './details';
import { openHandler } from './handler';
import { notesOf } from './notes';
import { RouteTable } from './routeTable';
import { isOfRoute, momentsOf, type RouteRow, routeRows, type SpanRow, spanRows, traceOf } from './rows';
import { SpanTable } from './spanTable';
import { WebSocketTable } from './webSocketTable';

/** In the order of their buttons. */
const LISTS = ['routes', 'clients', 'websockets', 'spans', 'errors'] as const;
type List = (typeof LISTS)[number];

export class HttpView implements View {
  readonly id = 'http';
  readonly title = l10n.t('HTTP Requests');
  readonly standsAlone = true;
  readonly root: HTMLElement;
  private readonly buttons = new Map<List, HTMLButtonElement>();
  private readonly notes = element('p', { class: 'http-notes', hidden: true });
  private readonly empty = element('p', { class: 'http-empty', role: 'status', hidden: true });
  private readonly count = element('span', { class: 'count', role: 'status', 'aria-live': 'polite' });
  private readonly input: HTMLInputElement;
  private readonly routes: RouteTable;
  private readonly clients: RouteTable;
  private readonly sockets: WebSocketTable;
  private readonly spans: SpanTable;
  private readonly errors: SpanTable;
  private readonly details: Details;
  private shown: Shown | null = null;
  private section: HttpSection | null = null;
  private rows: { routes: RouteRow[]; clients: RouteRow[]; spans: SpanRow[] } = { routes: [], clients: [], spans: [] };
  /** Key of what the details are of. */
  private chosen: { list: List; key: string } | null = null;
  private toShow: string | null = null;

  constructor(
    private readonly host: Host,
    private readonly showMoments: ShowMoments,
  ) {
    const refresh = () => this.refresh();
    const route = (list: 'routes' | 'clients') => ({ onSelect: ({ key }: RouteRow) => this.choose(list, key) });
    const span = (list: 'spans' | 'errors') => ({
      onSelect: ({ key }: SpanRow) => this.choose(list, key),
      onOpen: (row: SpanRow, event: MouseEvent | KeyboardEvent) => {
        const handler = this.handlerOf(row);
        if (handler) openHandler(host, handler, event);
      },
    });
    this.routes = new RouteTable(host, 'http-routes', l10n.t('Routes of incoming requests'), route('routes'), refresh);
    this.clients = new RouteTable(host, 'http-clients', l10n.t('Outgoing calls by route'), route('clients'), refresh);
    this.sockets = new WebSocketTable(host, 'http-websockets', l10n.t('WebSocket connections by route'), refresh);
    this.spans = new SpanTable(host, 'http-spans', l10n.t('Single requests'), span('spans'), refresh);
    this.errors = new SpanTable(host, 'http-errors', l10n.t('Single requests that failed'), span('errors'), refresh);
    this.details = new Details(host, {
      onSpans: ({ method, route }) => this.select('spans', `${method} ${route}`),
      onSpan: ({ key }) => this.choose('spans', key),
      flameGraph: (rows, title) => this.flameGraph(rows, title),
    });
    this.input = this.filterInput();
    const segments = element('div', { class: 'segments', role: 'group', 'aria-label': l10n.t('Which requests') });
    for (const list of LISTS) {
      const button = element('button', { type: 'button', onclick: () => this.select(list) });
      this.buttons.set(list, button);
      segments.append(button);
    }
    this.root = element(
      'div',
      {
        class: 'table-view http-view',
        onkeydown: (event: KeyboardEvent) => {
          if (event.key !== 'f' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          this.input.select();
        },
      },
      element('div', { class: 'table-bar' }, segments, this.input, this.count),
      this.notes,
      this.empty,
      ...LISTS.map((list) => this.tableOf(list).grid.root),
      this.details.root,
    );
  }

  isFor({ extra }: Recording): boolean {
    return httpSectionOf(extra) !== null;
  }

  show(shown: Shown): void {
    const { recording } = shown;
    // Another thread of the same recording has the same requests.
    if (this.shown?.recording !== recording) {
      const section = httpSectionOf(recording.extra);
      this.section = section === null || 'wrong' in section ? null : section;
      this.empty.textContent =
        section !== null && 'wrong' in section
          ? l10n.t('The HTTP part of this recording is not whole: {0}.', section.wrong)
          : l10n.t('No HTTP request was seen.');
      this.readRows(recording);
    }
    this.shown = shown;
    this.refresh();
    if (this.toShow !== null) this.showItem(this.toShow);
  }

  /** `key`: of a route, see httpRouteKey. */
  showItem(key: string): void {
    const list = this.rows.routes.some((row) => row.key === key) ? 'routes' : 'clients';
    const found = this.rows[list].some((row) => row.key === key);
    // It may come with the next version of the file.
    this.toShow = found ? null : key;
    if (!found) return;
    this.chosen = { list, key };
    this.select(list, '');
    this.tableOf(list).grid.reveal((row) => (row as RouteRow).key === key);
  }

  private readRows({ extra }: Recording): void {
    const { section } = this;
    const durationMs = extra?.durationMs ?? 0;
    this.rows = {
      routes: routeRows(section?.routes ?? [], 'server', durationMs),
      clients: routeRows(section?.clients ?? [], 'client', durationMs),
      spans: section ? spanRows(section, extra?.beganNs) : [],
    };
  }

  private get list(): List {
    const { httpList } = this.host.state;
    return LISTS.find((list) => list === httpList) ?? 'routes';
  }

  private tableOf(list: List) {
    return {
      routes: this.routes,
      clients: this.clients,
      websockets: this.sockets,
      spans: this.spans,
      errors: this.errors,
    }[list];
  }

  /** `filter` left out: it stays. */
  private select(list: List, filter = this.input.value): void {
    this.input.value = filter;
    this.host.remember({ httpList: list, httpFilter: filter });
    this.refresh();
  }

  private choose(list: List, key: string): void {
    this.chosen = { list, key };
    this.showDetails();
  }

  private refresh(): void {
    const { list, rows } = this;
    const failed = rows.spans.filter(({ span }) => span.error !== null);
    const sockets = this.section?.websockets ?? [];
    const titles: Record<List, [title: string, count: number]> = {
      routes: [l10n.t('Routes'), rows.routes.length],
      clients: [l10n.t('Outgoing Calls'), rows.clients.length],
      websockets: [l10n.t('WebSockets'), sockets.length],
      spans: [l10n.t('Slowest'), rows.spans.length],
      errors: [l10n.t('Errors'), failed.length],
    };
    for (const [id, button] of this.buttons) {
      const [title, count] = titles[id];
      button.textContent = count > 0 ? `${title} ${formatCount(count)}` : title;
      button.setAttribute('aria-pressed', String(id === list));
      // What a recording has none of is no choice, but for what stands there at first.
      button.hidden = count === 0 && id !== 'routes' && id !== list;
    }
    const filter = this.input.value;
    for (const id of LISTS) this.tableOf(id).grid.root.hidden = id !== list || titles[list][1] === 0;
    const count = {
      routes: () => this.routes.show(rows.routes, filter),
      clients: () => this.clients.show(rows.clients, filter),
      websockets: () => this.sockets.show(sockets, filter),
      spans: () => this.spans.show(rows.spans, filter),
      errors: () => this.errors.show(failed, filter),
    }[list]();
    const all = titles[list][1];
    this.empty.hidden = all > 0;
    this.count.textContent = count === all ? '' : l10n.t('{0} of {1}', formatCount(count), formatCount(all));
    const notes = this.section ? notesOf(this.section) : [];
    this.notes.textContent = notes.map((note) => `${note}.`).join(' ');
    this.notes.hidden = notes.length === 0;
    this.showDetails();
  }

  private showDetails(): void {
    const { chosen, list, rows } = this;
    if (chosen?.list === list && (list === 'routes' || list === 'clients')) {
      const row = rows[list].find(({ key }) => key === chosen.key);
      if (row) {
        this.details.showRoute(
          row,
          rows.spans.filter(({ span }) => isOfRoute(span, row)),
        );
        return;
      }
    }
    if (isOfSpans(list) && chosen && isOfSpans(chosen.list)) {
      const row = rows.spans.find(({ key }) => key === chosen.key);
      if (row) {
        this.details.showSpan(row, traceOf(rows.spans, row), this.handlerOf(row));
        return;
      }
    }
    this.details.clear();
  }

  /** Where samples were taken in the threads that worked for them, meanwhile. */
  private flameGraph(rows: readonly SpanRow[], title: string): (() => void) | null {
    const { recording } = this.shown ?? {};
    // Without it nobody knows when a request was by the samples' clock.
    if (!recording?.extra || recording.extra.beganNs === undefined) return null;
    const moments = { title, of: momentsOf(rows) };
    const profile = mergedProfile(recording.extra, 0);
    if (profile < 0 || samplesWithin(recording, profile, moments) === 0) return null;
    return () => this.showMoments(moments);
  }

  /** Of its route: one request's own stack is not kept. */
  private handlerOf({ span }: SpanRow) {
    const key = httpRouteKey(span.side, span);
    return [...this.rows.routes, ...this.rows.clients].find((row) => row.key === key)?.handler ?? null;
  }

  private filterInput(): HTMLInputElement {
    const label = l10n.t('Filter by method, route, status or file');
    const input = element('input', {
      type: 'search',
      class: 'filter',
      placeholder: label,
      'aria-label': label,
      spellcheck: 'false',
      oninput: () => this.select(this.list, input.value),
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === 'ArrowDown') this.tableOf(this.list).grid.enter();
        else if (event.key === 'Escape' && input.value !== '') this.select(this.list, '');
        else return;
        event.preventDefault();
      },
    });
    input.value = this.host.state.httpFilter ?? '';
    return input;
  }
}

const isOfSpans = (list: List): boolean => list === 'spans' || list === 'errors';
