// The one status-bar item while anything is recorded: time and samples, a click stops.

import * as vscode from 'vscode';
import { visibleText } from '../../../helper/src/protocol';
import { Command } from '../contributions';
import { addCounted, formatCounted } from './counted';
import { formatCount, formatElapsed } from './format';
import type { RecordingSession } from './recordingSession';

export class StatusBar implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;

  constructor() {
    this.item = vscode.window.createStatusBarItem('ebpfTracer.recording', vscode.StatusBarAlignment.Left, 100);
    this.item.name = vscode.l10n.t('Universal eBPF Tracer');
    this.item.command = Command.stopRecording;
    this.item.backgroundColor = new vscode.ThemeColor('statusBarItem.warningBackground');
  }

  show(sessions: readonly RecordingSession[]): void {
    if (sessions.length === 0) {
      this.item.hide();
      return;
    }
    const counted = formatCounted(addCounted(sessions.map((one) => one.tracers)));
    const elapsed = formatElapsed(Math.max(...sessions.map((one) => one.elapsedMs)));
    const what =
      sessions.length === 1 ? visibleText(sessions[0].subject.title) : vscode.l10n.t('{0} recordings', sessions.length);
    this.item.text = sessions.every((one) => one.saving)
      ? `$(loading~spin) ${vscode.l10n.t('Saving {0}', what)}`
      : `$(record) ${vscode.l10n.t('{0}  {1} · {2}', what, elapsed, counted)}`;
    this.item.tooltip = tooltip(sessions);
    this.item.accessibilityInformation = {
      label: vscode.l10n.t('Recording {0}, {1}, {2}. Press to stop.', what, elapsed, counted),
      role: 'button',
    };
    this.item.show();
  }

  dispose(): void {
    this.item.dispose();
  }
}

function tooltip(sessions: readonly RecordingSession[]): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  for (const { subject, tracers, health } of sessions) {
    text.appendText(vscode.l10n.t('Recording {0} (process {1})', visibleText(subject.title), subject.pids.join(', ')));
    text.appendMarkdown('\n\n');
    const facts = [formatCounted(tracers)];
    if (health) {
      facts.push(vscode.l10n.t('{0} lost', formatCount(health.lost)));
      facts.push(vscode.l10n.t('helper: {0} MB', Math.round(health.helperRssBytes / 1e6)));
      const samples = tracers.find(({ id }) => id === 'cpu')?.count ?? 0;
      // Of several tracers together it says nothing of a sample.
      if (health.bpfNs !== null && samples > 0 && tracers.length === 1)
        facts.push(vscode.l10n.t('{0} µs of BPF a sample', (health.bpfNs / 1000 / samples).toFixed(1)));
    }
    text.appendText(facts.join(' · '));
    text.appendMarkdown('\n\n');
  }
  text.appendText(vscode.l10n.t('Click to stop.'));
  return text;
}
