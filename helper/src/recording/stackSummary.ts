// What the summary that `record/stop` answers with says of the samples of stacks, from what they add up to.

import { type Home, Origins } from '../export/origin';
import { functionCounts } from '../export/speedscope';
import type { ContextFigures, ContextSummaries, RecordSummary } from '../protocol';
import type { StackSnapshot } from '../stack/stackSnapshot';

const TOP_FUNCTIONS = 50;

type StackSummary = ContextSummaries &
  Pick<RecordSummary, 'samples' | 'wholeStacks' | 'truncated' | 'symbolizedFrames' | 'frames' | 'top'>;

export function stackSummary(snapshot: StackSnapshot, home: Home): StackSummary {
  const [first] = snapshot.metrics;
  const share = (figure: number) => figure / first.total;
  return {
    samples: first.samples,
    wholeStacks: first.wholeStacks,
    truncated: first.truncated,
    symbolizedFrames: first.symbolizedFrames,
    frames: first.frames,
    ...contextSummaries(first.contexts, share),
    top: functionCounts(snapshot, new Origins(home))
      .slice(0, TOP_FUNCTIONS)
      .map((row) => ({ ...row, self: share(row.self), total: share(row.total) })),
  };
}

function contextSummaries(contexts: readonly ContextFigures[], share: (figure: number) => number): ContextSummaries {
  const summaries: ContextSummaries = {};
  for (const { kind, seen, top } of contexts) {
    const [busiest] = top;
    if (!busiest) continue;
    const { pid, id, name, figure } = busiest;
    summaries[`${kind}s`] = {
      seen: seen ?? top.length,
      busiest: { pid, id, ...(name === undefined ? {} : { name }), share: share(figure) },
    };
  }
  return summaries;
}
