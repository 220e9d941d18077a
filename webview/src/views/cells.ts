// The cells that the tables share: a share with its bar and error, and a source link.
import type { Share } from '../shares';
import type { SourceLink } from '../sourceLinks';
import { element } from './element';

export function renderShare(cell: HTMLElement, share: Share): void {
  cell.title = share.title;
  cell.style.setProperty('--fraction', share.fraction.toFixed(4));
  cell.classList.add('share');
  cell.append(element('span', { class: 'value' }, share.text), element('span', { class: 'error' }, share.error));
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
