// Draws hot lines into an editor: a quiet bar behind the text as long as the line's share, its figure before the text, where no minimap
// and no long line hides it, and a mark in the overview ruler.

import * as vscode from 'vscode';
import { Color } from '../contributions';
import { formatShare } from '../session/format';
import { type FigureUnit, figureUnit } from '../settings';
import type { LineFigure } from './figures';
import { barWidths } from './heat';

/**
 * Places an attachment behind the line's text without moving it. VS Code has no option for it; `textDecoration` is
 * passed into the style as it is, which extensions have relied on for years.
 */
const BEHIND = 'none; position: absolute; left: 0; height: 100%; z-index: -1; pointer-events: none;';
/** Every line begins as far to the right, or indentation would lie. */
const COLUMN_CHARS = 9;
const COLUMN = 'none; display: inline-block; text-align: right; box-sizing: border-box; padding-right: 1ch;';
/** Past it the lines without a figure begin at the left: a decoration each would make scrolling slow. */
const MAX_ALIGNED_LINES = 20_000;
/** Hottest of all in the ruler; lines below the first share have no mark there. */
const RULER_SHARES = { some: 0.02, hot: 0.1 };

export class LineDecorations implements vscode.Disposable {
  private readonly total = barType(Color.heatBar);
  private readonly self = barType(Color.heatBar);
  private readonly stale = barType(Color.heatBarStale);
  private readonly text = vscode.window.createTextEditorDecorationType({
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedOpen,
    before: {
      color: new vscode.ThemeColor(Color.heatText),
      width: `${COLUMN_CHARS}ch`,
      fontStyle: 'normal',
      textDecoration: COLUMN,
    },
  });
  private readonly some = rulerType('charts.yellow');
  private readonly hot = rulerType('charts.red');

  /** Replaces all that was drawn in this editor. */
  show(editor: vscode.TextEditor, fresh: readonly LineFigure[], stale: readonly LineFigure[]): void {
    const { document } = editor;
    const inside = (lines: readonly LineFigure[]) => lines.filter(({ line }) => line <= document.lineCount);
    const startOf = (line: number) => new vscode.Range(line - 1, 0, line - 1, 0);
    const bars = (lines: readonly LineFigure[], pick: 'self' | 'total') =>
      inside(lines).map(
        (figure): vscode.DecorationOptions => ({
          range: startOf(figure.line),
          renderOptions: { before: { width: barWidths(figure)[pick] } },
        }),
      );
    editor.setDecorations(this.total, bars(fresh, 'total'));
    editor.setDecorations(this.self, bars(fresh, 'self'));
    editor.setDecorations(this.stale, bars(stale, 'total'));
    const labels = labelsByLine(inside(fresh), inside(stale), figureUnit());
    const aligned = labels.size === 0 ? 0 : Math.min(document.lineCount, MAX_ALIGNED_LINES);
    const lines = new Set([...Array.from({ length: aligned }, (_, i) => i + 1), ...labels.keys()]);
    editor.setDecorations(
      this.text,
      [...lines].map(
        (line): vscode.DecorationOptions => ({
          range: startOf(line),
          renderOptions: { before: { contentText: labels.get(line) ?? '\u00a0' } },
        }),
      ),
    );
    const marked = (from: number, below: number) =>
      inside(fresh).flatMap(({ line, totalShare }) =>
        totalShare >= from && totalShare < below ? [startOf(line)] : [],
      );
    editor.setDecorations(this.some, marked(RULER_SHARES.some, RULER_SHARES.hot));
    editor.setDecorations(this.hot, marked(RULER_SHARES.hot, Number.POSITIVE_INFINITY));
  }

  dispose(): void {
    for (const type of [this.total, this.self, this.stale, this.text, this.some, this.hot]) type.dispose();
  }
}

function barType(color: string): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    before: { contentText: '', backgroundColor: new vscode.ThemeColor(color), textDecoration: BEHIND },
  });
}

function rulerType(color: string): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    overviewRulerColor: new vscode.ThemeColor(color),
    overviewRulerLane: vscode.OverviewRulerLane.Right,
  });
}

/** A line's total, which its own part is in; that one the bar and the hover tell. Stale figures are marked as rough. */
export function labelsByLine(
  fresh: readonly LineFigure[],
  stale: readonly LineFigure[],
  unit: FigureUnit,
): Map<number, string> {
  const label = ({ totalShare, amount }: LineFigure) =>
    (unit === 'percent' ? null : amount?.(totalShare, unit)) ?? formatShare(totalShare);
  return new Map([
    ...stale.map((figure): [number, string] => [figure.line, `~${label(figure)}`]),
    ...fresh.map((figure): [number, string] => [figure.line, label(figure)]),
  ]);
}
