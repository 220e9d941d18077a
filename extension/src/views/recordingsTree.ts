// The Recordings view: this workspace's recordings, newest first. Its actions are commands.

import * as vscode from 'vscode';
import { visibleText } from '../../../helper/src/protocol';
import { Command } from '../contributions';
import { formatCounted } from '../session/counted';
import { formatElapsed } from '../session/format';
import type { RecordingStore, StoredRecording } from '../session/recordingStore';

export class RecordingsTree implements vscode.TreeDataProvider<StoredRecording> {
  readonly onDidChangeTreeData: vscode.Event<void>;

  constructor(private readonly store: RecordingStore) {
    this.onDidChangeTreeData = store.onDidChange;
  }

  getTreeItem(recording: StoredRecording): vscode.TreeItem {
    const { facts, path, name, modifiedMs, sizeBytes } = recording;
    const title = visibleText(facts?.title ?? name);
    const item = new vscode.TreeItem(title);
    const when = new Date(modifiedMs).toLocaleString();
    item.id = path;
    item.iconPath = new vscode.ThemeIcon(facts && !facts.complete ? 'warning' : 'flame');
    item.description = facts
      ? `${formatElapsed(facts.durationMs)} · ${formatCounted(facts.counted ?? [{ unit: 'samples', count: facts.samples ?? 0 }])}`
      : when;
    item.tooltip = new vscode.MarkdownString();
    item.tooltip.appendText(`${title}\n${when} · ${(sizeBytes / 1e6).toFixed(1)} MB\n${visibleText(path)}`);
    if (facts && !facts.complete)
      item.tooltip.appendText(`\n${vscode.l10n.t('It did not end in order: its last seconds are missing.')}`);
    item.contextValue = 'recording';
    item.command = { command: Command.recordingsOpen, title: vscode.l10n.t('Open'), arguments: [recording] };
    return item;
  }

  async getChildren(parent?: StoredRecording): Promise<StoredRecording[]> {
    if (parent) return [];
    await this.store.watch();
    return this.store.list();
  }
}
