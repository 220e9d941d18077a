// What the HTTP figures do not hold, in words: requests that were not counted and why, spans that were lost, routes that are estimates.
import * as l10n from '@vscode/l10n';
import type { HttpSection } from '../../../../helper/src/protocol';
import { formatCount } from '../../shares';

/** The tracer's reasons; a newer version may know others, which are shown as they are. */
const REASONS: Record<string, (count: string) => string> = {
  'request before attach': (count) => l10n.t('{0} that began before the tracer was attached', count),
  'pipelined too deep': (count) => l10n.t('{0} that waited behind too many others on one connection', count),
  'not HTTP after all': (count) => l10n.t('{0} that turned out not to be HTTP', count),
  'bytes not readable': (count) => l10n.t('{0} whose bytes could not be read', count),
  'too many rows': (count) => l10n.t('{0} beyond the number of rows', count),
};

export function notesOf({ uncounted, lost, routesExact }: HttpSection): string[] {
  const reasons = Object.entries(uncounted)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) =>
      Object.hasOwn(REASONS, reason) ? REASONS[reason](formatCount(count)) : `${reason}: ${formatCount(count)}`,
    );
  return [
    ...(reasons.length > 0 ? [l10n.t('Not counted: {0}', reasons.join('; '))] : []),
    ...(routesExact ? [] : [l10n.t('Requests are counted exactly, their routes are estimated from a part of them')]),
    ...(lost > 0 ? [l10n.t('{0} single requests found no room; counts are complete', formatCount(lost))] : []),
  ];
}
