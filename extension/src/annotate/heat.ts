// How hot lines are shown: which ones, how long their bar is. Pure; called by lineDecorations.ts and functionLenses.ts.

import type { Counts } from '../profile/profileIndex';

export interface HeatLine {
  /** 1-based, where it is now. */
  line: number;
  selfShare: number;
  totalShare: number;
}

/** Lines worth a mark, in file order. A line that only calls (self 0) is marked for its total. */
export function heatLines(
  lines: ReadonlyMap<number, Counts>,
  samples: number,
  minimumShare: number,
  lineNow: (recorded: number) => number | null,
): HeatLine[] {
  if (samples <= 0) return [];
  const result: HeatLine[] = [];
  for (const [recorded, { self, total }] of lines) {
    const line = lineNow(recorded);
    const totalShare = Math.max(self, total) / samples;
    if (line !== null && totalShare > 0 && totalShare >= minimumShare)
      result.push({ line, selfShare: self / samples, totalShare });
  }
  return result.sort((a, b) => a.line - b.line);
}

/** Width of the widest bar (100 %), in characters: under most code, clear of most line ends. */
const BAR_CHARS = 60;

/** CSS widths of a line's two bars: self lies on total. Never invisible. */
export function barWidths({ selfShare, totalShare }: HeatLine): { self: string; total: string } {
  const width = (share: number) => (share > 0 ? `${Math.max(0.5, share * BAR_CHARS).toFixed(1)}ch` : '0');
  return { self: width(selfShare), total: width(totalShare) };
}
