// The hover of a line: what each source of figures knows of it.

import * as vscode from 'vscode';
import { lineHeatEnabled } from '../settings';
import type { ShownFigures } from './documentFigures';

export class LineHover implements vscode.HoverProvider {
  constructor(private readonly shown: ShownFigures) {}

  provideHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | null {
    if (!lineHeatEnabled()) return null;
    const texts: vscode.MarkdownString[] = [];
    for (const { figures, tracker, stale } of this.shown.figuresOf(document)) {
      const recorded = tracker.recordedAt(position.line + 1);
      const text = recorded === null ? null : figures.hover(recorded);
      if (!text) continue;
      if (stale) text.appendText(vscode.l10n.t('The file was edited since it was recorded: the figures may not fit.'));
      texts.push(text);
    }
    return texts.length > 0 ? new vscode.Hover(texts, document.lineAt(position.line).range) : null;
  }
}
