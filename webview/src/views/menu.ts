// A menu at a place of the page: a frame's verbs. By mouse, and by keyboard as in the ARIA practices for menus
// (https://www.w3.org/WAI/ARIA/apg/patterns/menubar/); what had the focus gets it back.
import { element } from './element';

export interface MenuItem {
  text: string;
  /** Shown at its right; it works without the menu, too. */
  keys?: string;
  run(): void;
}

export function openMenu(label: string, items: readonly MenuItem[], at: { x: number; y: number }): void {
  const before = document.activeElement;
  const buttons = items.map(({ text, keys, run }) =>
    element(
      'button',
      {
        type: 'button',
        role: 'menuitem',
        tabindex: -1,
        onclick: () => {
          close();
          run();
        },
      },
      element('span', {}, text),
      element('span', { class: 'keys', 'aria-hidden': 'true' }, keys ?? ''),
    ),
  );
  const menu = element('div', { class: 'menu', role: 'menu', 'aria-label': label }, ...buttons);
  const close = () => {
    document.removeEventListener('pointerdown', outside, true);
    window.removeEventListener('blur', close);
    menu.remove();
    if (before instanceof HTMLElement) before.focus();
  };
  const outside = (event: Event) => {
    if (!(event.target instanceof Node && menu.contains(event.target))) close();
  };
  menu.addEventListener('keydown', (event) => {
    const index = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const last = buttons.length - 1;
    const next = {
      ArrowDown: index === last ? 0 : index + 1,
      ArrowUp: index <= 0 ? last : index - 1,
      Home: 0,
      End: last,
    };
    event.stopPropagation();
    if (event.key in next) buttons[next[event.key as keyof typeof next]]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') close();
    else return;
    event.preventDefault();
  });
  menu.addEventListener('contextmenu', (event) => event.preventDefault());
  // speedscope's element stays the body's last child.
  document.body.prepend(menu);
  const { width, height } = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(0, Math.min(at.x, window.innerWidth - width - 4))}px`;
  menu.style.top = `${Math.max(0, Math.min(at.y, window.innerHeight - height - 4))}px`;
  document.addEventListener('pointerdown', outside, true);
  window.addEventListener('blur', close);
  buttons[0]?.focus();
}
