// CodeLens over each recorded function: `self 12 % · total 45 % · 1,204 samples`; a click shows it in the flame graph.
// Registered by annotator.ts while there is a recording to show.

import * as vscode from 'vscode';
import { Command } from '../contributions';
import { formatCount, formatShare } from '../session/format';
import { codeLensEnabled, minimumShare } from '../settings';
import type { Annotator } from './annotator';

export class FunctionLenses implements vscode.CodeLensProvider {
  constructor(private readonly annotator: Annotator) {}

  get onDidChangeCodeLenses(): vscode.Event<void> {
    return this.annotator.onDidChange;
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const state = this.annotator.stateOf(document);
    if (!state || !codeLensEnabled()) return [];
    const { index, heat, tracker, stale } = state;
    const lenses: vscode.CodeLens[] = [];
    for (const one of heat.functions) {
      const line = tracker.lineNow(one.line);
      if (line === null || line > document.lineCount || index.share(one.total) < minimumShare()) continue;
      const title = vscode.l10n.t(
        'self {0} · total {1} · {2} samples',
        formatShare(index.share(one.self)),
        formatShare(index.share(one.total)),
        formatCount(one.total),
      );
      lenses.push(
        new vscode.CodeLens(new vscode.Range(line - 1, 0, line - 1, 0), {
          title: stale ? vscode.l10n.t('{0} (edited since)', title) : title,
          tooltip: vscode.l10n.t('Show {0} in the Flame Graph', one.name),
          command: Command.showInFlameGraph,
          arguments: [index.path, one.frame],
        }),
      );
    }
    return lenses;
  }
}
