// The cells that the tables share: a function's name, a share with its bar, its error, and a source link.
import * as l10n from '@vscode/l10n';
import { INLINED_MARK, nameParts } from '../names';
import type { Share } from '../shares';
import type { SourceLink } from '../sourceLinks';
import { element } from './element';

export function renderShare(cell: HTMLElement, share: Share): void {
  cell.title = share.title;
  cell.style.setProperty('--fraction', share.fraction.toFixed(4));
  cell.classList.add('share');
  cell.append(element('span', { class: 'value' }, share.text));
}

/** Half the interval of the share that a table is sorted by, without its sign: the column's title has it. */
export function renderError(cell: HTMLElement, share: Share): void {
  cell.title = share.title;
  cell.append(element('span', { class: 'dim' }, share.error.replace(/^±\u00a0/, '')));
}

/** Where room is short the way to a name is cut from its left, and its last component stays. `title`: in full. */
export function nameElement(name: string, title: string): HTMLElement {
  const { scope, last, inlined } = nameParts(name);
  const text = element('span', {
    class: 'name',
    title: inlined ? l10n.t('{0}\nInlined into its caller', title) : title,
  });
  if (inlined) text.append(element('span', { class: 'inlined', 'aria-label': l10n.t('inlined') }, INLINED_MARK));
  if (scope !== '') text.append(element('span', { class: 'scope' }, element('bdi', { dir: 'ltr' }, scope)));
  text.append(element('bdi', { class: 'last' }, last));
  return text;
}

/** `server.cpp:120`; where room is short the name is cut, never the line. */
export function linkText({ file, line }: SourceLink): Node[] {
  const name = element('span', { class: 'file' }, file);
  return line === null ? [name] : [name, element('span', {}, `:${line}`)];
}

/** The link is not in the tab order: Enter on its row does the same. */
export function renderLink(cell: HTMLElement, link: SourceLink | null, open: (event: MouseEvent) => void): void {
  if (!link) return;
  if (!link.opens) {
    cell.append(element('span', { class: 'source dim', title: link.title }, ...linkText(link)));
    return;
  }
  cell.append(
    element(
      'a',
      {
        href: '#',
        class: 'source',
        tabindex: -1,
        title: link.title,
        onclick: (event: MouseEvent) => {
          event.preventDefault();
          if (!event.ctrlKey && !event.metaKey) open(event);
        },
      },
      ...linkText(link),
    ),
  );
}
