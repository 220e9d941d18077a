// The latencies of one route as bars: exact counts of the kernel, by bounds that grow.
import * as l10n from '@vscode/l10n';
import { formatCount, formatMs, formatShare } from '../../shares';
import { element } from '../element';
import type { Bar } from './rows';

const labelOf = ({ belowMs }: Bar, before: Bar | undefined): string =>
  belowMs !== null ? l10n.t('up to {0}', formatMs(belowMs)) : l10n.t('over {0}', formatMs(before?.belowMs ?? 0));

/** A list, so that a screen reader says each bar's bound and count. */
export function histogram(bars: readonly Bar[]): HTMLElement {
  const most = Math.max(1, ...bars.map(({ count }) => count));
  const sum = bars.reduce((all, { count }) => all + count, 0);
  return element(
    'ul',
    { class: 'histogram', 'aria-label': l10n.t('Latencies') },
    ...bars.map((bar, i) =>
      element(
        'li',
        { title: formatShare(sum > 0 ? bar.count / sum : 0) },
        element('span', { class: 'bound' }, labelOf(bar, bars[i - 1])),
        element(
          'span',
          { class: 'track', 'aria-hidden': 'true' },
          element('span', { class: 'bar', style: `width: ${((100 * bar.count) / most).toFixed(2)}%` }),
        ),
        element('span', { class: 'number' }, formatCount(bar.count)),
      ),
    ),
  );
}
