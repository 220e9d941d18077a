// Which cause of stacks that are not whole deserves the advice: the most frequent one. Shared by the command line and the
// extension, each of which says it in its own words.

import type { TruncationReason } from './model';

/** Above this share of a recording's samples it is worth a word. */
export const BROKEN_STACKS_SAID = 0.2;

export function mostFrequentCause(truncated: Partial<Record<TruncationReason, number>>): TruncationReason | null {
  let most: TruncationReason | null = null;
  for (const reason of Object.keys(truncated) as TruncationReason[])
    if ((truncated[reason] ?? 0) > (most === null ? 0 : (truncated[most] ?? 0))) most = reason;
  return most;
}
