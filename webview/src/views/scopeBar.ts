// What is shown and what is left out, in one line: my code or everything, whose functions are folded, the range of time, the function
// that is focused; and the one search field, with what it found.
import * as l10n from '@vscode/l10n';
import { type FoldChoice, type FrameOrigin, MY_CODE_ORIGINS, type TimeRange } from '../../../helper/src/protocol';
import type { Found } from '../search';
import { formatCount, formatShare } from '../shares';
import { element } from './element';
import { rangeText } from './timeStrip';

const ORIGIN_NAMES: Record<FrameOrigin, () => string> = {
  user: () => l10n.t('Mine'),
  library: () => l10n.t('Libraries'),
  runtime: () => l10n.t('Runtime'),
  kernel: () => l10n.t('Kernel'),
};

export interface ScopeEvents {
  onFold(choice: FoldChoice): void;
  onRange(range: null): void;
  onMoments(moments: null): void;
  onUnfocus(): void;
  onSearch(query: string): void;
  /** Arrow down in the search field: into the table. */
  onLeaveSearch(): void;
}

/** Whose the time is, 0..1 of self, whatever is folded. */
export type OriginShares = Partial<Record<FrameOrigin, number>>;

export class ScopeBar {
  readonly root: HTMLElement;
  private readonly mine: HTMLButtonElement;
  private readonly chips = element('div', { class: 'chips' });
  private readonly found = element('span', { class: 'found', role: 'status', 'aria-live': 'polite' });
  private readonly input: HTMLInputElement;
  private choice: FoldChoice = { origins: [], shownModules: [], hiddenModules: [] };

  constructor(
    query: string,
    private readonly events: ScopeEvents,
  ) {
    this.mine = element(
      'button',
      {
        type: 'button',
        class: 'chip mine',
        title: l10n.t('Fold functions of libraries, of the runtime and of the kernel into your own that called them'),
        onclick: () =>
          events.onFold({ ...this.choice, shownModules: [], origins: this.isMyCode ? [] : [...MY_CODE_ORIGINS] }),
      },
      l10n.t('My Code'),
    );
    this.input = element('input', {
      type: 'search',
      class: 'filter',
      placeholder: l10n.t('Search by name, module or file'),
      'aria-label': l10n.t('Search by name, module or file'),
      spellcheck: 'false',
      maxlength: 200,
      oninput: () => events.onSearch(this.input.value),
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === 'ArrowDown') events.onLeaveSearch();
        else if (event.key === 'Escape' && this.input.value !== '') {
          this.input.value = '';
          events.onSearch('');
        } else return;
        event.preventDefault();
      },
    });
    this.input.value = query;
    this.root = element(
      'div',
      { class: 'scope-bar', role: 'group', 'aria-label': l10n.t('What is shown') },
      this.chips,
      element('div', { class: 'search' }, this.found, this.input),
    );
  }

  focusSearch(): void {
    this.input.select();
  }

  /** `folds`: the recording says whose functions are. `focus`: name of the focused function. */
  show(of: {
    choice: FoldChoice;
    shares: OriginShares;
    folds: boolean;
    range: TimeRange | null;
    /** What the shown stretches of threads' time are of. */
    moments: string | null;
    focus: string | null;
  }): void {
    const { choice, shares, range, moments, focus } = of;
    this.choice = choice;
    this.mine.setAttribute('aria-pressed', String(this.isMyCode));
    const chips: HTMLElement[] = [];
    if (of.folds) {
      chips.push(this.mine);
      for (const origin of MY_CODE_ORIGINS)
        if ((shares[origin] ?? 0) > 0) chips.push(this.originChip(origin, shares[origin] ?? 0));
    }
    for (const module of choice.shownModules)
      chips.push(
        this.removable(l10n.t('{0} shown', module), l10n.t('Fold {0} again', module), () => this.fold(module)),
      );
    for (const module of choice.hiddenModules)
      chips.push(
        this.removable(l10n.t('{0} hidden', module), l10n.t('Show {0} again', module), () => this.unhide(module)),
      );
    if (range)
      chips.push(this.removable(rangeText(range), l10n.t('Show all of the time'), () => this.events.onRange(null)));
    if (moments !== null)
      chips.push(
        this.removable(l10n.t('During {0}', moments), l10n.t('Show everything again'), () =>
          this.events.onMoments(null),
        ),
      );
    if (focus !== null)
      chips.push(
        this.removable(l10n.t('Focus: {0}', focus), l10n.t('Show everything again'), () => this.events.onUnfocus()),
      );
    const active = document.activeElement;
    const label = active instanceof HTMLElement && this.chips.contains(active) ? active.dataset.key : undefined;
    this.chips.replaceChildren(...chips);
    if (label !== undefined) this.chips.querySelector<HTMLElement>(`[data-key="${CSS.escape(label)}"]`)?.focus();
  }

  showFound(found: Found | null): void {
    this.found.textContent =
      found === null
        ? ''
        : found.functions === 0
          ? l10n.t('nothing found')
          : found.functions === 1
            ? l10n.t('{0} in one function', formatShare(found.fraction))
            : l10n.t('{0} in {1} functions', formatShare(found.fraction), formatCount(found.functions));
  }

  private get isMyCode(): boolean {
    return MY_CODE_ORIGINS.every((origin) => this.choice.origins.includes(origin));
  }

  private originChip(origin: FrameOrigin, share: number): HTMLElement {
    const name = ORIGIN_NAMES[origin]();
    const shown = !this.choice.origins.includes(origin);
    const { origins } = this.choice;
    return element(
      'button',
      {
        type: 'button',
        class: 'chip',
        'data-key': origin,
        'aria-pressed': String(shown),
        title: shown
          ? l10n.t(
              '{0}: {1} of the time by themselves. Shown; click to fold them into who called them',
              name,
              formatShare(share),
            )
          : l10n.t('{0}: {1} of the time, counted for who called them; click to show', name, formatShare(share)),
        onclick: () =>
          this.events.onFold({
            ...this.choice,
            origins: shown ? [...origins, origin] : origins.filter((one) => one !== origin),
          }),
      },
      `${name} ${formatShare(share)}${shown ? '' : ' ▸'}`,
    );
  }

  private removable(text: string, title: string, remove: () => void): HTMLElement {
    return element(
      'button',
      { type: 'button', class: 'chip removable', title, 'aria-label': `${text}: ${title}`, onclick: remove },
      element('span', { class: 'chip-text' }, text),
      element('span', { 'aria-hidden': 'true' }, '×'),
    );
  }

  private fold(module: string): void {
    const shownModules = this.choice.shownModules.filter((one) => one !== module);
    this.events.onFold({ ...this.choice, shownModules });
  }

  private unhide(module: string): void {
    const hiddenModules = this.choice.hiddenModules.filter((one) => one !== module);
    this.events.onFold({ ...this.choice, hiddenModules });
  }
}
