// What the summary that `record/stop` answers with says of the samples of stacks, from what they add up to.

import { functionCounts } from '../export/speedscope';
import type { RecordSummary } from '../protocol';
import type { StackSnapshot } from '../stack/stackSnapshot';

const TOP_FUNCTIONS = 50;

type StackSummary = Pick<
  RecordSummary,
  'samples' | 'wholeStacks' | 'truncated' | 'symbolizedFrames' | 'frames' | 'goroutines' | 'top'
>;

export function stackSummary(snapshot: StackSnapshot): StackSummary {
  const [first] = snapshot.metrics;
  const share = (figure: number) => figure / first.total;
  const goroutines = first.contexts.find(({ kind }) => kind === 'goroutine');
  const busiest = goroutines?.top[0];
  return {
    samples: first.samples,
    wholeStacks: first.wholeStacks,
    truncated: first.truncated,
    symbolizedFrames: first.symbolizedFrames,
    frames: first.frames,
    ...(goroutines && busiest
      ? {
          goroutines: {
            seen: goroutines.seen ?? goroutines.top.length,
            busiest: { pid: busiest.pid, id: busiest.id, share: share(busiest.figure) },
          },
        }
      : {}),
    top: functionCounts(snapshot)
      .slice(0, TOP_FUNCTIONS)
      .map((row) => ({ ...row, self: share(row.self), total: share(row.total) })),
  };
}
