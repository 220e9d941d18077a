// The Recordings view: this workspace's recordings by day, newest first, with a dot at the one whose figures the editors show. Its
// actions are commands.

import * as vscode from 'vscode';
import { visibleText } from '../../../helper/src/protocol';
import { Command } from '../contributions';
import { formatCounted } from '../session/counted';
import { formatClock, formatElapsed } from '../session/format';
import type { RecordingStore, StoredRecording } from '../session/recordingStore';

/** All recordings of one day, in the time zone of this machine. */
interface Day {
  day: string;
  recordings: StoredRecording[];
}

export class RecordingsTree implements vscode.TreeDataProvider<Day | StoredRecording> {
  readonly onDidChangeTreeData: vscode.Event<void>;

  constructor(private readonly store: RecordingStore) {
    this.onDidChangeTreeData = store.onDidChange;
  }

  getTreeItem(element: Day | StoredRecording): vscode.TreeItem {
    if (!('day' in element)) return recordingItem(element, element.path === this.store.shownPath);
    const item = new vscode.TreeItem(element.day, vscode.TreeItemCollapsibleState.Expanded);
    item.id = `day ${element.day}`;
    item.contextValue = 'day';
    return item;
  }

  async getChildren(parent?: Day | StoredRecording): Promise<(Day | StoredRecording)[]> {
    if (parent) return 'day' in parent ? parent.recordings : [];
    await this.store.watch();
    return byDay(await this.store.list());
  }
}

function byDay(recordings: readonly StoredRecording[]): Day[] {
  const days = new Map<string, StoredRecording[]>();
  for (const recording of recordings) {
    const day = dayName(new Date(recording.modifiedMs), new Date());
    const known = days.get(day);
    if (known) known.push(recording);
    else days.set(day, [recording]);
  }
  return [...days].map(([day, list]) => ({ day, recordings: list }));
}

function dayName(at: Date, now: Date): string {
  if (at.toDateString() === now.toDateString()) return vscode.l10n.t('Today');
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (at.toDateString() === yesterday.toDateString()) return vscode.l10n.t('Yesterday');
  return at.toLocaleDateString(vscode.env.language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  });
}

function recordingItem(recording: StoredRecording, isShown: boolean): vscode.TreeItem {
  const { facts, path, name, modifiedMs, sizeBytes } = recording;
  const title = visibleText(facts?.title ?? name);
  const item = new vscode.TreeItem(title);
  const at = new Date(modifiedMs);
  item.id = path;
  item.iconPath = new vscode.ThemeIcon(facts && !facts.complete ? 'warning' : 'flame');
  const counted = facts?.counted ?? [{ unit: 'samples', count: facts?.samples ?? 0 }];
  const said = [formatClock(at), ...(facts ? [formatElapsed(facts.durationMs), formatCounted(counted)] : [])];
  item.description = `${isShown ? '● ' : ''}${said.join(' · ')}`;
  item.tooltip = new vscode.MarkdownString();
  item.tooltip.appendText(
    `${title}\n${at.toLocaleString()} · ${(sizeBytes / 1e6).toFixed(1)} MB\n${visibleText(path)}`,
  );
  if (isShown) item.tooltip.appendText(`\n${vscode.l10n.t('The editors show its figures.')}`);
  if (facts && !facts.complete)
    item.tooltip.appendText(`\n${vscode.l10n.t('It did not end in order: its last seconds are missing.')}`);
  item.contextValue = 'recording';
  item.command = { command: Command.recordingsOpen, title: vscode.l10n.t('Open'), arguments: [recording] };
  return item;
}
