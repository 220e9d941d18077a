// Which threads are shown: a button that says it, and a list by process and name in which several can be chosen at once. Where a
// recording keeps no times of its samples, and of other programs' files, one profile is chosen at a time: the page's plain list.
import * as l10n from '@vscode/l10n';
import type { Recording } from '../load';
import { formatCount, formatShare } from '../shares';
import { groupThreads, type NameGroup, type ProcessGroup, threadsOfProcess } from '../threadGroups';
import { element } from './element';

/** More rows of one group are not of use: its own row has them all. */
const MAX_THREADS_LISTED = 300;

export class ThreadChooser {
  readonly root: HTMLElement;
  private readonly button: HTMLButtonElement;
  private readonly panel = element('div', { class: 'thread-panel', id: 'threads', role: 'dialog', hidden: true });
  private readonly open = new Set<string>();
  private recording: Recording | null = null;
  private metric = 0;
  private chosen: ReadonlySet<number> | null = null;
  private groups: ProcessGroup[] = [];

  constructor(private readonly onChoose: (threads: ReadonlySet<number> | null) => void) {
    this.panel.setAttribute('aria-label', l10n.t('Threads'));
    this.button = element('button', {
      type: 'button',
      class: 'thread-button',
      'aria-haspopup': 'dialog',
      'aria-expanded': 'false',
      'aria-controls': 'threads',
      onclick: () => this.toggle(this.panel.hidden === true),
    });
    this.root = element(
      'div',
      {
        class: 'thread-chooser',
        hidden: true,
        onkeydown: (event: KeyboardEvent) => {
          if (event.key !== 'Escape' || this.panel.hidden) return;
          event.stopPropagation();
          this.toggle(false);
          this.button.focus();
        },
      },
      this.button,
      this.panel,
    );
    document.addEventListener('mousedown', (event) => {
      if (event.target instanceof Node && !this.root.contains(event.target)) this.toggle(false);
    });
  }

  /** `chosen` null: all of them. */
  show(recording: Recording, metric: number, chosen: ReadonlySet<number> | null): void {
    const same = this.recording === recording && this.metric === metric;
    this.recording = recording;
    this.metric = metric;
    this.chosen = chosen;
    if (!same) this.groups = groupThreads(recording, metric);
    const count = this.groups.reduce((sum, group) => sum + threadsOfProcess(group).length, 0);
    this.root.hidden = count < 2;
    this.button.textContent = this.label(count);
    if (!this.panel.hidden) this.render();
  }

  private label(count: number): string {
    if (this.chosen === null) return l10n.t('All {0} threads', formatCount(count));
    const names = new Set([...this.chosen].map((thread) => this.recording?.extra?.threads[thread]?.name ?? ''));
    const [name] = names;
    if (this.chosen.size === 1) return l10n.t('Thread {0}', name);
    return names.size === 1
      ? l10n.t('{0} threads {1}', formatCount(this.chosen.size), name)
      : l10n.t('{0} of {1} threads', formatCount(this.chosen.size), formatCount(count));
  }

  private toggle(open: boolean): void {
    this.panel.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
    if (!open) return;
    this.render();
    this.panel.querySelector<HTMLElement>('input')?.focus();
  }

  private render(): void {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined;
    const total = this.groups.reduce((sum, { figure }) => sum + figure, 0);
    const all = this.row({ key: 'all', text: l10n.t('All threads'), part: 1, threads: null, level: 0, opens: false });
    this.panel.replaceChildren(all, ...this.groups.flatMap((group) => this.processRows(group, total)));
    if (focused !== undefined) this.panel.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  private processRows(group: ProcessGroup, total: number): HTMLElement[] {
    const key = `p${group.name}`;
    const [pid] = group.pids;
    const count = threadsOfProcess(group).length;
    const text =
      group.pids.size === 1
        ? l10n.t('{0} · process {1} · {2} threads', group.name, pid, formatCount(count))
        : l10n.t('{0} · {1} processes · {2} threads', group.name, formatCount(group.pids.size), formatCount(count));
    const part = group.figure / Math.max(1, total);
    const row = this.row({ key, text, part, threads: threadsOfProcess(group), level: 0, opens: count > 1 });
    if (!this.open.has(key)) return [row];
    return [row, ...group.names.flatMap((names) => this.nameRows(key, names, total))];
  }

  private nameRows(above: string, { name, figure, threads }: NameGroup, total: number): HTMLElement[] {
    const key = `${above}\0${name}`;
    const indexes = threads.map(({ thread }) => thread);
    const text = threads.length === 1 ? name : l10n.t('{0} · {1} threads', name, formatCount(threads.length));
    const opens = threads.length > 1;
    const row = this.row({ key, text, part: figure / Math.max(1, total), threads: indexes, level: 1, opens });
    if (!this.open.has(key)) return [row];
    const rows = threads.slice(0, MAX_THREADS_LISTED).map(({ thread, pid, tid, figure: own }) =>
      this.row({
        key: `t${pid}/${tid}`,
        text: l10n.t('Thread {0} of process {1}', tid, pid),
        part: own / Math.max(1, total),
        threads: [thread],
        level: 2,
        opens: false,
      }),
    );
    if (threads.length > MAX_THREADS_LISTED)
      rows.push(
        element('div', { class: 'thread-more' }, l10n.t('{0} more', formatCount(threads.length - MAX_THREADS_LISTED))),
      );
    return [row, ...rows];
  }

  private row(of: {
    key: string;
    text: string;
    part: number;
    threads: readonly number[] | null;
    level: number;
    opens: boolean;
  }): HTMLElement {
    const { key, text, part, threads, level, opens } = of;
    const input = element('input', {
      type: 'checkbox',
      'data-key': key,
      onchange: () => this.choose(threads, input.checked),
    });
    const chosen = threads?.filter((thread) => this.chosen?.has(thread)).length ?? 0;
    input.checked = threads === null ? this.chosen === null : chosen === threads.length;
    input.indeterminate = threads !== null && chosen > 0 && chosen < threads.length;
    const twistie = opens ? this.twistie(key) : element('span', { class: 'twistie leaf' });
    return element(
      'div',
      { class: 'thread-row', style: `--level: ${level}` },
      twistie,
      element('label', { title: text }, input, element('span', {}, text)),
      element('span', { class: 'thread-part' }, formatShare(part)),
    );
  }

  private twistie(key: string): HTMLElement {
    const isOpen = this.open.has(key);
    return element('button', {
      type: 'button',
      class: `twistie${isOpen ? ' open' : ''}`,
      'aria-label': isOpen ? l10n.t('Close') : l10n.t('Open'),
      'aria-expanded': String(isOpen),
      'data-key': `open ${key}`,
      onclick: () => {
        if (!this.open.delete(key)) this.open.add(key);
        this.render();
      },
    });
  }

  private choose(threads: readonly number[] | null, on: boolean): void {
    const all = this.groups.flatMap(threadsOfProcess);
    const next = new Set(threads === null ? [] : (this.chosen ?? []));
    for (const thread of threads ?? [])
      if (on) next.add(thread);
      else next.delete(thread);
    // Known at once: the next click may come before the page has shown this one.
    this.chosen = next.size === 0 || next.size === all.length ? null : next;
    this.render();
    this.onChoose(this.chosen);
  }
}
