// The line of a function on which to begin to read: where most of its samples passed or ended. By total, since the line that calls
// what is slow is the one to change; among equals the one that is most itself.

import type { MetricFigures } from './recordingFile';

export function hottestLine({ functionLines }: Pick<MetricFigures, 'functionLines'>, frame: number) {
  let best: (typeof functionLines)[number][number] | null = null;
  for (const line of functionLines[frame] ?? [])
    if (best === null || line[2] > best[2] || (line[2] === best[2] && line[1] > best[1])) best = line;
  return best;
}
