// What the call tree by line says of lines, for views of a recording that are not the whole of it: a range of time, or the user's own
// code alone. The helper counts the whole recording itself, exactly; this follows the same rules from the file.

import type { LineCount, MetricFigures, RecordingExtra, SpeedscopeFrame } from './recordingFile';

type LineTree = NonNullable<RecordingExtra['lineTree']>;

/** `lines` and `functionLines` of a metric, from what ended at each node. Recursion counts once in a total. */
export function linesOfTree(
  { parent, frame, line }: LineTree,
  treeSelf: readonly number[],
  frames: readonly SpeedscopeFrame[],
): Pick<MetricFigures, 'lines' | 'functionLines'> {
  const total = [...treeSelf];
  for (let node = parent.length - 1; node >= 0; node--) if (parent[node] >= 0) total[parent[node]] += total[node];
  const functionLines: [number, number, number][][] = frames.map(() => []);
  const ofFunction = new Map<string, [number, number, number]>();
  const ofFile = new Map<string, LineCount>();
  // A node's own line may stand above it already: then its figures are in that one's total.
  const isAbove = (node: number, same: (above: number) => boolean) => {
    for (let above = parent[node]; above >= 0; above = parent[above]) if (same(above)) return true;
    return false;
  };
  for (let node = 0; node < parent.length; node++) {
    if (total[node] === 0 || line[node] === 0) continue;
    const { file } = frames[frame[node]];
    const key = `${frame[node]}:${line[node]}`;
    let counts = ofFunction.get(key);
    if (!counts) {
      counts = [line[node], 0, 0];
      ofFunction.set(key, counts);
      functionLines[frame[node]].push(counts);
    }
    counts[1] += treeSelf[node];
    if (!isAbove(node, (above) => frame[above] === frame[node] && line[above] === line[node])) counts[2] += total[node];
    if (file === undefined) continue;
    const fileKey = `${line[node]}:${file}`;
    let count = ofFile.get(fileKey);
    if (!count) {
      count = { file, line: line[node], self: 0, total: 0 };
      ofFile.set(fileKey, count);
    }
    count.self += treeSelf[node];
    if (!isAbove(node, (above) => line[above] === line[node] && frames[frame[above]].file === file))
      count.total += total[node];
  }
  for (const lines of functionLines) lines.sort((a, b) => a[0] - b[0]);
  return { lines: [...ofFile.values()], functionLines };
}
