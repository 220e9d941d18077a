// From a source path as the binary knows it to the file on this machine, when they differ: built in a container or by CI, or the
// folder was moved. Matches by the longest common end of the paths. Pure.

export interface PathMapping {
  /** Folder as recorded, and the folder that stands for it here. Without a slash at the end. */
  from: string;
  to: string;
}

/** The candidate that shares the most trailing segments with `recorded`; null where two share as many. */
export function longestSuffixMatch(recorded: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestCount = 0;
  for (const candidate of candidates) {
    const count = commonEnd(recorded, candidate);
    if (count > bestCount) {
      best = candidate;
      bestCount = count;
    } else if (count === bestCount) best = null;
  }
  return best;
}

/** The folders that differ, above the common end: `/build/app/src/a.c`, `/home/me/app/src/a.c` -> /build, /home/me. */
export function mappingBetween(recorded: string, local: string): PathMapping {
  const count = commonEnd(recorded, local);
  const cut = (path: string) =>
    path
      .split('/')
      .slice(0, -count || undefined)
      .join('/');
  return { from: cut(recorded), to: cut(local) };
}

/** `recorded` moved by the mapping with the longest matching folder; null where none matches. */
export function applyMappings(recorded: string, mappings: readonly PathMapping[]): string | null {
  let best: PathMapping | null = null;
  for (const mapping of mappings) {
    const inside = recorded.startsWith(`${mapping.from}/`);
    if (inside && mapping.from.length >= (best?.from.length ?? 0)) best = mapping;
  }
  return best && best.to + recorded.slice(best.from.length);
}

function commonEnd(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  let count = 0;
  while (count < left.length && count < right.length && left.at(-1 - count) === right.at(-1 - count)) count++;
  return count;
}
