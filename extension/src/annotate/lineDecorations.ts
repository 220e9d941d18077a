// Draws hot lines into an editor: a quiet bar behind the text as long as the line's share, and the percents at its end.
// Called by annotator.ts.

import * as vscode from 'vscode';
import { Color } from '../contributions';
import { formatShare } from '../session/format';
import { barWidths, type HeatLine } from './heat';

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

  show(editor: vscode.TextEditor, lines: readonly HeatLine[], stale: boolean): void {
    const inside = lines.filter(({ line }) => line <= editor.document.lineCount);
    const bar = (pick: 'self' | 'total') =>
      inside.map((heat): vscode.DecorationOptions => {
        const start = new vscode.Position(heat.line - 1, 0);
        return { range: new vscode.Range(start, start), renderOptions: { before: { width: barWidths(heat)[pick] } } };
      });
    editor.setDecorations(this.total, stale ? [] : bar('total'));
    editor.setDecorations(this.self, stale ? [] : bar('self'));
    editor.setDecorations(this.stale, stale ? bar('total') : []);
    editor.setDecorations(
      this.text,
      inside.map((heat): vscode.DecorationOptions => {
        const { end } = editor.document.lineAt(heat.line - 1).range;
        return { range: new vscode.Range(end, end), renderOptions: { after: { contentText: label(heat, stale) } } };
      }),
    );
  }

  clear(editor: vscode.TextEditor): void {
    for (const type of [this.total, this.self, this.stale, this.text]) editor.setDecorations(type, []);
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
function label({ selfShare, totalShare }: HeatLine, stale: boolean): string {
  const self = vscode.l10n.t('self {0}', formatShare(selfShare));
  const total = vscode.l10n.t('total {0}', formatShare(totalShare));
  const text = selfShare === 0 ? total : selfShare === totalShare ? self : `${self} · ${total}`;
  return stale ? `~ ${text}` : text;
}
