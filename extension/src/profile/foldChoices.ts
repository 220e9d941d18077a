// Whose code the user wants to see: chosen in the page, remembered for the workspace, the same in every recording. The workspace's own
// folders and those of a setting are the user's whoever wrote the recording.

import * as vscode from 'vscode';
import { FOLDS_NOTHING, type FoldChoice, type FoldRule } from '../../../helper/src/protocol';
import { affectsOwnFolders, ownFolders } from '../settings';

const STATE_KEY = 'fold';
/** A page that chose more is none of ours. */
const MAX_MODULES = 1_000;

export class FoldChoices implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly state: vscode.Memento) {
    this.subscriptions = [
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.changed.fire()),
      vscode.workspace.onDidChangeConfiguration((event) => affectsOwnFolders(event) && this.changed.fire()),
    ];
  }

  rule(): FoldRule {
    return {
      ...this.state.get<FoldChoice>(STATE_KEY, FOLDS_NOTHING),
      folders: ownFolders(),
      workspace: (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
    };
  }

  async choose({ origins, shownModules, hiddenModules }: FoldChoice): Promise<void> {
    const choice = {
      origins,
      shownModules: shownModules.slice(0, MAX_MODULES),
      hiddenModules: hiddenModules.slice(0, MAX_MODULES),
    };
    if (JSON.stringify(choice) === JSON.stringify(this.state.get<FoldChoice>(STATE_KEY, FOLDS_NOTHING))) return;
    await this.state.update(STATE_KEY, choice);
    this.changed.fire();
  }

  dispose(): void {
    this.changed.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
