// CodeLens of all sources of figures, over the functions that they are of: `self 12 % · total 45 % · 1,204 samples`.

import * as vscode from 'vscode';
import { codeLensEnabled } from '../settings';
import type { ShownFigures } from './documentFigures';

export class FunctionLenses implements vscode.CodeLensProvider {
  constructor(private readonly shown: ShownFigures) {}

  get onDidChangeCodeLenses(): vscode.Event<void> {
    return this.shown.onDidChange;
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (!codeLensEnabled()) return [];
    const lenses: vscode.CodeLens[] = [];
    for (const { figures, tracker, stale } of this.shown.figuresOf(document))
      for (const { line: recorded, title, ...rest } of figures.lenses()) {
        const line = tracker.lineNow(recorded);
        if (line === null || line > document.lineCount) continue;
        lenses.push(
          new vscode.CodeLens(new vscode.Range(line - 1, 0, line - 1, 0), {
            ...rest,
            title: stale ? vscode.l10n.t('{0} (edited since)', title) : title,
          }),
        );
      }
    return lenses;
  }
}
