// How hot lines are shown: which ones, where they are now, how long their bar is.

import type { Counts } from '../profile/profileIndex';
import type { LineFigure } from './figures';

/** Lines worth a mark, of `samples` in all. A line that only calls (self 0) is marked for its total. */
export function hotLines(lines: ReadonlyMap<number, Counts>, samples: number, minimumShare: number): LineFigure[] {
  if (samples <= 0) return [];
  const result: LineFigure[] = [];
  for (const [line, { self, total }] of lines) {
    const totalShare = Math.max(self, total) / samples;
    if (totalShare > 0 && totalShare >= minimumShare) result.push({ line, selfShare: self / samples, totalShare });
  }
  return result;
}

/** The same figures where their lines are now, in file order; lines that were deleted have none. */
export function movedLines(figures: readonly LineFigure[], lineNow: (recorded: number) => number | null): LineFigure[] {
  const moved: LineFigure[] = [];
  for (const figure of figures) {
    const line = lineNow(figure.line);
    if (line !== null) moved.push({ ...figure, line });
  }
  return moved.sort((a, b) => a.line - b.line);
}

/** Width of the widest bar (100 %), in characters: under most code, clear of most line ends. */
const BAR_CHARS = 60;

/** CSS widths of a line's two bars: self lies on total. Never invisible. */
export function barWidths({ selfShare, totalShare }: LineFigure): { self: string; total: string } {
  const width = (share: number) => (share > 0 ? `${Math.max(0.5, share * BAR_CHARS).toFixed(1)}ch` : '0');
  return { self: width(selfShare), total: width(totalShare) };
}
