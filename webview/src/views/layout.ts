// The frame around the views: tabs, graph modes, thread choice, and a splitter that puts a table beside the flame graph
// where there is room for both. In a narrow page one tab has it all: the graph, until another is chosen there, because
// a page mostly becomes narrow by a source that was opened beside it. The flame graph itself is
// speedscope's element, which stays the body's last child: this file tells it where its place is.
import * as l10n from '@vscode/l10n';
import type { GraphMode, Host } from '../host';
import { element } from './element';
import type { View } from './view';

/** `graph`, or the id of a view. */
export type Tab = string;
const GRAPH: Tab = 'graph';

/** From this width on, a table stands beside the graph. */
const WIDE_PX = 960;
const MIN_SPLIT_PERCENT = 20;
const MAX_SPLIT_PERCENT = 80;
const DEFAULT_SPLIT_PERCENT = 55;

export interface LayoutEvents {
  onMode(mode: GraphMode): void;
  onProfile(index: number): void;
  /** The flame graph's place changed, or it came into sight. */
  onGraphResized(): void;
  onTab(tab: Tab): void;
}

export class Layout {
  readonly root = element('div', { class: 'page' });
  private readonly tabs = new Map<Tab, HTMLButtonElement>();
  private readonly panels = new Map<Tab, HTMLElement>();
  private readonly graphPanel: HTMLElement;
  private readonly modes = new Map<GraphMode, HTMLButtonElement>();
  private readonly threads: HTMLSelectElement;
  private readonly graphControls: HTMLElement;
  private readonly splitter: HTMLElement;
  private readonly notice = element('div', { class: 'notice', role: 'status', hidden: true });
  private readonly main: HTMLElement;
  /** Whose tabs are there. */
  private offered: ReadonlySet<Tab>;
  private wide = true;
  private wideTab: Tab;
  private narrowTab: Tab;
  private splitPercent: number;

  constructor(
    private readonly host: Host,
    private readonly parts: Record<'status' | 'scope' | 'strip' | 'threads' | 'selection', HTMLElement>,
    private readonly views: readonly View[],
    private readonly graphRoot: HTMLElement,
    private readonly events: LayoutEvents,
  ) {
    this.wideTab = host.state.tab ?? views[0].id;
    this.narrowTab = host.state.narrowTab ?? GRAPH;
    this.offered = new Set([GRAPH, ...views.map(({ id }) => id)]);
    this.splitPercent = host.state.splitPercent ?? DEFAULT_SPLIT_PERCENT;
    const tabList = element('div', { class: 'tabs', role: 'tablist', 'aria-label': l10n.t('Views') });
    const addTab = (tab: Tab, text: string, content: Node) => {
      const button = element(
        'button',
        {
          type: 'button',
          id: `tab-${tab}`,
          role: 'tab',
          'aria-controls': `panel-${tab}`,
          onclick: () => this.select(tab),
        },
        text,
      );
      this.tabs.set(tab, button);
      tabList.append(button);
      const panel = element(
        'section',
        { id: `panel-${tab}`, class: `panel ${tab}`, role: 'tabpanel', 'aria-labelledby': `tab-${tab}` },
        content,
      );
      this.panels.set(tab, panel);
      return panel;
    };
    this.graphPanel = addTab(GRAPH, l10n.t('Flame Graph'), this.notice);
    this.graphPanel.setAttribute('aria-owns', graphRoot.id);
    const viewPanels = views.map(({ id, title, root }) => addTab(id, title, root));
    tabList.addEventListener('keydown', (event) => this.onTabKey(event));

    this.graphControls = element('div', {
      class: 'segments',
      role: 'group',
      'aria-label': l10n.t('Order of the flame graph'),
    });
    const addMode = (mode: GraphMode, text: string, title: string) => {
      const button = element('button', { type: 'button', title, onclick: () => events.onMode(mode) }, text);
      this.modes.set(mode, button);
      this.graphControls.append(button);
    };
    addMode('left-heavy', l10n.t('Left Heavy'), l10n.t('Equal stacks merged, heaviest first (2)'));
    addMode('time-order', l10n.t('Time Order'), l10n.t('Stacks in the order in which they were sampled (1)'));
    addMode('sandwich', l10n.t('Sandwich'), l10n.t('One function with all its callers and callees (3)'));
    this.threads = element('select', {
      class: 'threads',
      'aria-label': l10n.t('Thread'),
      onchange: () => events.onProfile(Number(this.threads.value)),
    });

    this.splitter = element('div', {
      class: 'splitter',
      role: 'separator',
      tabindex: 0,
      'aria-orientation': 'vertical',
      'aria-label': l10n.t('Width of the flame graph'),
      'aria-valuemin': MIN_SPLIT_PERCENT,
      'aria-valuemax': MAX_SPLIT_PERCENT,
      onpointerdown: (event: PointerEvent) => this.splitter.setPointerCapture(event.pointerId),
      onpointermove: (event: PointerEvent) => {
        if (!this.splitter.hasPointerCapture(event.pointerId)) return;
        const { left, width } = this.main.getBoundingClientRect();
        this.split(((event.clientX - left) / width) * 100);
      },
      ondblclick: () => this.split(DEFAULT_SPLIT_PERCENT),
      onkeydown: (event: KeyboardEvent) => {
        const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        this.split(this.splitPercent + step);
      },
    });
    this.main = element('main', { class: 'panes' }, this.graphPanel, this.splitter, ...viewPanels);
    this.root.append(
      parts.status,
      element(
        'div',
        { class: 'toolbar' },
        tabList,
        element('div', { class: 'controls' }, this.graphControls, this.threads, parts.threads),
      ),
      parts.scope,
      parts.strip,
      this.main,
      parts.selection,
    );
    this.split(this.splitPercent);
    this.showMode(host.state.graphMode ?? 'left-heavy');
  }

  /** Once the page is in the document. */
  start(): void {
    new ResizeObserver(() => this.arrange()).observe(this.main);
    new ResizeObserver(() => this.placeGraph()).observe(this.graphPanel);
    this.arrange();
  }

  get isGraphVisible(): boolean {
    return !this.graphPanel.hidden;
  }
  get visibleTab(): Tab {
    const tab = this.wide ? this.wideTab : this.narrowTab;
    if (this.offered.has(tab)) return tab;
    const first = this.views.find(({ id }) => this.offered.has(id))?.id;
    return first !== undefined && (this.wide || !this.offered.has(GRAPH)) ? first : GRAPH;
  }

  select(tab: Tab): void {
    if (this.wide) this.wideTab = tab;
    else {
      this.narrowTab = tab;
      if (tab !== GRAPH) this.wideTab = tab;
    }
    this.host.remember({ tab: this.wideTab, narrowTab: this.narrowTab });
    this.arrange();
    this.events.onTab(tab);
  }

  /** The views that have anything to show, and whether the graph has; a remembered choice of another one waits for a recording that has it. */
  offer(views: readonly View[], graph: boolean): void {
    this.offered = new Set([...(graph ? [GRAPH] : []), ...views.map(({ id }) => id)]);
    this.arrange();
  }

  /** A narrow page shows one of them. */
  showGraph(): void {
    if (!this.isGraphVisible) this.select(GRAPH);
  }

  showMode(mode: GraphMode): void {
    for (const [id, button] of this.modes) button.setAttribute('aria-pressed', String(id === mode));
  }

  /** `index`: of the recording's profiles. */
  showProfiles(
    profiles: readonly { index: number; text: string; title: string }[],
    selected: number,
    label: string,
  ): void {
    this.threads.setAttribute('aria-label', label);
    const same =
      this.threads.length === profiles.length && profiles.every(({ text }, i) => this.threads.options[i].text === text);
    if (!same)
      this.threads.replaceChildren(
        ...profiles.map(({ index, text, title }) => element('option', { title, value: index }, text)),
      );
    this.threads.value = String(selected);
    this.threads.hidden = profiles.length < 2;
  }

  /** A sentence in place of the graph; null shows the graph again. */
  notify(text: string | null): void {
    this.notice.hidden = text === null;
    this.notice.textContent = text ?? '';
    this.placeGraph();
  }

  private arrange(): void {
    this.wide = this.main.clientWidth >= WIDE_PX;
    const tab = this.visibleTab;
    const beside = this.wide && tab !== GRAPH && this.offered.has(GRAPH);
    this.main.classList.toggle('beside', beside);
    for (const [id, panel] of this.panels) panel.hidden = id !== tab;
    this.graphPanel.hidden = !beside && tab !== GRAPH;
    for (const [id, button] of this.tabs) button.hidden = !this.offered.has(id);
    this.splitter.hidden = !beside;
    for (const part of [this.parts.selection, this.parts.scope]) part.hidden = !this.offered.has(GRAPH);
    this.graphControls.hidden = this.graphPanel.hidden;
    for (const [id, button] of this.tabs) {
      button.setAttribute('aria-selected', String(id === tab));
      button.tabIndex = id === tab ? 0 : -1;
    }
    this.placeGraph();
  }

  private placeGraph(): void {
    const visible = this.isGraphVisible && this.notice.hidden;
    this.graphRoot.classList.toggle('out-of-sight', !visible);
    const { left, top, width, height } = this.graphPanel.getBoundingClientRect();
    if (!visible || width === 0) return;
    const { style } = this.graphRoot;
    style.setProperty('--graph-left', `${left}px`);
    style.setProperty('--graph-top', `${top}px`);
    style.setProperty('--graph-width', `${width}px`);
    style.setProperty('--graph-height', `${height}px`);
    this.events.onGraphResized();
  }

  private split(percent: number): void {
    this.splitPercent = Math.round(Math.min(MAX_SPLIT_PERCENT, Math.max(MIN_SPLIT_PERCENT, percent)) * 10) / 10;
    this.main.style.setProperty('--split', `${this.splitPercent}%`);
    this.splitter.setAttribute('aria-valuenow', String(Math.round(this.splitPercent)));
    this.host.remember({ splitPercent: this.splitPercent });
  }

  private onTabKey(event: KeyboardEvent): void {
    const order = [...this.tabs.keys()].filter((tab) => this.offered.has(tab));
    const next = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.select(order[(order.indexOf(this.visibleTab) + next + order.length) % order.length]);
    this.tabs.get(this.visibleTab)?.focus();
  }
}
