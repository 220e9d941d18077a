// The line under everything: the selected function, the link to its source, its shares. Always there, so that nothing moves when
// something is selected.
import * as l10n from '@vscode/l10n';
import type { Host } from '../host';
import { describeShare, formatShare } from '../shares';
import { fullName, openSource, ownHottestLine, sourceLink } from '../sourceLinks';
import { linkText, nameElement } from './cells';
import { element } from './element';
import type { Shown } from './view';

/** Modules folded into a function that the line has room for. */
const MAX_FOLDED = 3;
const isMac = /Mac/.test(navigator.platform);

export class SelectionBar {
  readonly root = element('footer', { class: 'selection', role: 'status', 'aria-live': 'polite' });

  /** `onShowModule`: functions of this module are to be shown, although they are folded. */
  constructor(
    private readonly host: Host,
    private readonly onShowModule: (module: string) => void,
  ) {
    this.clear();
  }

  clear(): void {
    this.root.replaceChildren(
      element(
        'span',
        { class: 'dim' },
        isMac
          ? l10n.t('Click a frame to see where it is in the source; Cmd+click opens it')
          : l10n.t('Click a frame to see where it is in the source; Ctrl+click opens it'),
      ),
    );
  }

  /** `folded`: modules that count for it, heaviest first. */
  show(
    { recording, profile, tree, weights }: Shown,
    frame: number,
    folded: readonly { module: string; weight: number }[],
  ): void {
    const name = recording.frames[frame]?.name ?? '';
    const link = sourceLink(recording, frame);
    const hottest = ownHottestLine(recording, frame, profile.metric);
    const module = recording.extra?.frameDetails?.[frame]?.module;
    const parts: Node[] = [nameElement(name, fullName(recording, frame))];
    if (link && !link.opens) parts.push(element('span', { class: 'source dim', title: link.title }, ...linkText(link)));
    else if (link)
      parts.push(this.link(linkText(link), link.title, (event) => openSource(this.host, recording, frame, event)));
    else
      parts.push(
        element(
          'span',
          { class: 'dim' },
          module ? l10n.t('{0}, no source line known', module) : l10n.t('no source known'),
        ),
      );
    for (const [label, weight] of [
      [l10n.t('self'), weights.self[frame]],
      [l10n.t('total'), weights.total[frame]],
    ] as const) {
      const share = describeShare(weight, tree.totalWeight, profile);
      parts.push(
        element(
          'span',
          { class: 'figure', title: share.title },
          `${label} ${share.text}`,
          element('span', { class: 'dim' }, ` ${share.error}`),
        ),
      );
    }
    if (hottest && hottest[1] > 0 && link?.opens && hottest[0] !== link.line)
      parts.push(
        this.link(
          [l10n.t('hottest line {0}', hottest[0])],
          l10n.t(
            '{0} of all samples end in this line',
            formatShare(hottest[1] / Math.max(1, recording.extra?.metrics[profile.metric]?.total ?? 1)),
          ),
          (event) => openSource(this.host, recording, frame, event, hottest[0]),
        ),
      );
    for (const { module, weight } of folded.slice(0, MAX_FOLDED)) {
      const share = describeShare(weight, tree.totalWeight, profile);
      const title = l10n.t('{0} of it is in {1}, which is folded into it; click to show', share.text, module);
      const show = () => this.onShowModule(module);
      parts.push(
        element('button', { type: 'button', class: 'chip', title, onclick: show }, `${module} ${share.text} ▸`),
      );
    }
    this.root.replaceChildren(...parts);
  }

  private link(text: (Node | string)[], title: string, open: (event: MouseEvent) => void): HTMLElement {
    return element(
      'a',
      {
        href: '#',
        class: 'source',
        title,
        onclick: (event: MouseEvent) => {
          event.preventDefault();
          open(event);
        },
      },
      ...text,
    );
  }
}
