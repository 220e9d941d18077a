// What recordings have counted so far, as every view says it: `1,204 samples · 87 requests`. Each tracer counts in a unit of its own.

import * as vscode from 'vscode';
import { type RecordingExtra, type TracerProgress, visibleText } from '../../../helper/src/protocol';
import { formatCount } from './format';

export type Counted = Pick<TracerProgress, 'unit' | 'count'>;

/** Of a recording file; old ones hold samples alone and do not say so. */
export const countedIn = ({ tracers, metrics }: RecordingExtra): Counted[] =>
  tracers?.map(({ unit, count }) => ({ unit, count })) ?? [{ unit: 'samples', count: metrics[0].samples }];

const UNITS: Record<string, (count: string) => string> = {
  samples: (count) => vscode.l10n.t('{0} samples', count),
  requests: (count) => vscode.l10n.t('{0} requests', count),
};

export function formatCounted(counted: readonly Counted[]): string {
  return counted
    .map(({ unit, count }) => {
      const text = formatCount(count);
      // A newer version's recording may count what this one has no words for.
      return Object.hasOwn(UNITS, unit) ? UNITS[unit](text) : `${text} ${visibleText(unit)}`;
    })
    .join(' · ');
}

/** Of several recordings together, by unit. */
export function addCounted(all: readonly (readonly Counted[])[]): Counted[] {
  const sums = new Map<string, number>();
  for (const { unit, count } of all.flat()) sums.set(unit, (sums.get(unit) ?? 0) + count);
  return [...sums].map(([unit, count]) => ({ unit, count }));
}
