// Opens a recorded source at its line, in an editor group that leaves the flame graph in sight.

import * as vscode from 'vscode';
import { Color } from '../contributions';
import type { SourceLocator } from '../profile/sourceLocator';

const REMARK_SHOWN_MS = 5_000;

/** `line` is 1-based; `remark` stands behind it until the cursor moves. `column` undefined: another group than `graphColumn`, an existing one where there is one. */
export async function openSourceAt(
  locator: SourceLocator,
  file: string,
  cwd: string | null,
  { line, remark }: { line: number | null; remark?: string },
  column: vscode.ViewColumn | undefined,
  graphColumn: vscode.ViewColumn | undefined,
): Promise<void> {
  const path = await locator.findOrAsk(file, cwd);
  if (path === null) return;
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
  const at = new vscode.Position(Math.min(Math.max(0, (line ?? 1) - 1), document.lineCount - 1), 0);
  const start = at.with({ character: document.lineAt(at.line).firstNonWhitespaceCharacterIndex });
  const editor = await vscode.window.showTextDocument(document, {
    viewColumn: column ?? columnBeside(path, graphColumn),
    preview: true,
  });
  editor.selection = new vscode.Selection(start, start);
  editor.revealRange(new vscode.Range(start, start), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  if (remark !== undefined) say(editor, remark);
}

/** Behind the line of the cursor, until that moves. */
function say(editor: vscode.TextEditor, contentText: string): void {
  const type = vscode.window.createTextEditorDecorationType({
    after: { contentText: `← ${contentText}`, color: new vscode.ThemeColor(Color.heatText), margin: '0 0 0 3ch' },
  });
  const { line } = editor.selection.active;
  const { end } = editor.document.lineAt(line).range;
  editor.setDecorations(type, [new vscode.Range(end, end)]);
  const moved = vscode.window.onDidChangeTextEditorSelection(({ textEditor, selections }) => {
    if (textEditor.document !== editor.document || selections[0].active.line === line) return;
    type.dispose();
    moved.dispose();
  });
  vscode.window.setStatusBarMessage(contentText, REMARK_SHOWN_MS);
}

function columnBeside(path: string, graphColumn: vscode.ViewColumn | undefined): vscode.ViewColumn {
  const groups = vscode.window.tabGroups.all.filter((group) => group.viewColumn !== graphColumn);
  const holds = (group: vscode.TabGroup) =>
    group.tabs.some((tab) => tab.input instanceof vscode.TabInputText && tab.input.uri.fsPath === path);
  return (groups.find(holds) ?? groups[0])?.viewColumn ?? vscode.ViewColumn.Beside;
}
