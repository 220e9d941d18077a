// Marks lines that deserve a look, in the gutter and in the overview ruler: a CodeLens cannot be coloured, and is out of sight as soon as
// its line is.

import { join } from 'node:path';
import * as vscode from 'vscode';

export class LineWarnings implements vscode.Disposable {
  private readonly mark: vscode.TextEditorDecorationType;

  /** `media`: the extension's folder of pictures. */
  constructor(media: string) {
    this.mark = vscode.window.createTextEditorDecorationType({
      gutterIconPath: join(media, 'warning.svg'),
      gutterIconSize: 'contain',
      overviewRulerColor: new vscode.ThemeColor('editorOverviewRuler.warningForeground'),
      overviewRulerLane: vscode.OverviewRulerLane.Right,
      rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    });
  }

  /** Replaces all that was marked in this editor. */
  show(editor: vscode.TextEditor, lines: readonly number[]): void {
    const inside = lines.filter((line) => line >= 1 && line <= editor.document.lineCount);
    editor.setDecorations(
      this.mark,
      inside.map((line) => new vscode.Range(line - 1, 0, line - 1, 0)),
    );
  }

  dispose(): void {
    this.mark.dispose();
  }
}
