// Draws hot lines into an editor: a quiet bar behind the text as long as the line's share, and the percents at its end.

import * as vscode from 'vscode';
import { Color } from '../contributions';
import { formatShare } from '../session/format';
import type { LineFigure } from './figures';
import { barWidths } from './heat';

/**
 * Places an attachment behind the line's text without moving it. VS Code has no option for it; `textDecoration` is
 * passed into the style as it is, which extensions have relied on for years.
 */
const BEHIND = 'none; position: absolute; left: 0; height: 100%; z-index: -1; pointer-events: none;';

export class LineDecorations implements vscode.Disposable {
  private readonly total = barType(Color.heatBar);
  private readonly self = barType(Color.heatBar);
  private readonly stale = barType(Color.heatBarStale);
  private readonly text = vscode.window.createTextEditorDecorationType({
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedOpen,
    after: { color: new vscode.ThemeColor(Color.heatText), margin: '0 0 0 3ch', fontStyle: 'normal' },
  });

  /** Replaces all that was drawn in this editor. */
  show(editor: vscode.TextEditor, fresh: readonly LineFigure[], stale: readonly LineFigure[]): void {
    const { document } = editor;
    const inside = (lines: readonly LineFigure[]) => lines.filter(({ line }) => line <= document.lineCount);
    const bars = (lines: readonly LineFigure[], pick: 'self' | 'total') =>
      inside(lines).map((figure): vscode.DecorationOptions => {
        const start = new vscode.Position(figure.line - 1, 0);
        return { range: new vscode.Range(start, start), renderOptions: { before: { width: barWidths(figure)[pick] } } };
      });
    const texts = (lines: readonly LineFigure[], isStale: boolean) =>
      inside(lines).map((figure): vscode.DecorationOptions => {
        const { end } = document.lineAt(figure.line - 1).range;
        const contentText = label(figure, isStale);
        return { range: new vscode.Range(end, end), renderOptions: { after: { contentText } } };
      });
    editor.setDecorations(this.total, bars(fresh, 'total'));
    editor.setDecorations(this.self, bars(fresh, 'self'));
    editor.setDecorations(this.stale, bars(stale, 'total'));
    editor.setDecorations(this.text, [...texts(fresh, false), ...texts(stale, true)]);
  }

  dispose(): void {
    for (const type of [this.total, this.self, this.stale, this.text]) type.dispose();
  }
}

function barType(color: string): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    before: { contentText: '', backgroundColor: new vscode.ThemeColor(color), textDecoration: BEHIND },
  });
}

/** A line without calls has one figure. Stale figures are marked as rough; the hover says why. */
function label({ selfShare, totalShare }: LineFigure, stale: boolean): string {
  const self = vscode.l10n.t('self {0}', formatShare(selfShare));
  const total = vscode.l10n.t('total {0}', formatShare(totalShare));
  const text = selfShare === 0 ? total : selfShare === totalShare ? self : `${self} · ${total}`;
  return stale ? `~ ${text}` : text;
}
