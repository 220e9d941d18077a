// What can be done with a recording in the Recordings view: open, rename, reveal, export, delete; and "Open Recording…"
// for a file from elsewhere.

import * as vscode from 'vscode';
import { FILE_SUFFIX } from '../../../helper/src/client/recordingNames';
import { runCommandLine } from '../commandLine';
import { showNotice } from '../notices';
import type { StoredRecording } from '../session/recordingStore';
import { openRecording } from '../session/sessions';
import type { Tracer } from '../tracer';

export async function openRecordingFile(tracer: Tracer, uri?: vscode.Uri): Promise<void> {
  const chosen =
    uri ??
    (
      await vscode.window.showOpenDialog({
        title: vscode.l10n.t('Open Recording'),
        filters: {
          [vscode.l10n.t('Recordings')]: ['json', 'cpuprofile', 'pprof', 'pb', 'gz', 'folded', 'collapsed', 'txt'],
        },
        defaultUri: vscode.Uri.file(tracer.recordings.folder),
      })
    )?.[0];
  if (chosen) await openRecording(chosen.fsPath, false);
}

export const openStored = (_tracer: Tracer, recording: StoredRecording) => openRecording(recording.path, false);

export async function renameStored(tracer: Tracer, recording: StoredRecording): Promise<void> {
  const current = recording.facts?.title ?? recording.name;
  const title = await vscode.window.showInputBox({
    title: vscode.l10n.t('Rename Recording'),
    value: current,
    validateInput: (value) => (value.trim() === '' ? vscode.l10n.t('A name is needed.') : undefined),
  });
  if (title && title !== current) await tracer.recordings.rename(recording.path, title.trim());
}

export async function revealStored(_tracer: Tracer, recording: StoredRecording): Promise<void> {
  // The desktop's file manager does not reach a remote machine.
  if (vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop) {
    await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(recording.path));
    return;
  }
  const copy = vscode.l10n.t('Copy Path');
  const choice = await showNotice('information', recording.path, [copy]);
  if (choice === copy) await vscode.env.clipboard.writeText(recording.path);
}

/** `source`: the recording, or what its page shows of it. */
export async function exportStored(tracer: Tracer, recording: StoredRecording, source: string): Promise<void> {
  const formats = [
    { label: 'pprof', detail: vscode.l10n.t('For "go tool pprof" and services that take pprof'), suffix: '.pb.gz' },
    { label: 'folded', detail: vscode.l10n.t('One line a stack, for flamegraph.pl and others'), suffix: '.folded' },
    {
      label: 'cpuprofile',
      detail: vscode.l10n.t('For the table of VS Code itself, and Chrome'),
      suffix: '.cpuprofile',
    },
    { label: 'firefox', detail: vscode.l10n.t('For Firefox Profiler'), suffix: '.profile.json' },
    { label: 'speedscope', detail: vscode.l10n.t('The file itself'), suffix: FILE_SUFFIX },
  ];
  const format = await vscode.window.showQuickPick(formats, { title: vscode.l10n.t('Export Recording') });
  if (!format) return;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file(tracer.recordings.folder);
  const target = await vscode.window.showSaveDialog({
    title: vscode.l10n.t('Export Recording'),
    defaultUri: vscode.Uri.joinPath(folder, `${recording.name}${format.suffix}`),
  });
  if (!target) return;
  if (format.label === 'speedscope') {
    await vscode.workspace.fs.copy(vscode.Uri.file(source), target, { overwrite: true });
  } else {
    const args = ['export', source, '--format', format.label, '--output', target.fsPath, '--json'];
    await runCommandLine(tracer.cliScript, args);
  }
  const copy = vscode.l10n.t('Copy Path');
  // Not waited for: the command has ended.
  void showNotice('information', vscode.l10n.t('Exported to {0}', target.fsPath), [copy]).then((choice) =>
    choice === copy ? vscode.env.clipboard.writeText(target.fsPath) : undefined,
  );
}

export async function deleteStored(tracer: Tracer, recording: StoredRecording): Promise<void> {
  const remove = vscode.l10n.t('Delete');
  const choice = await showNotice(
    'warning',
    vscode.l10n.t('Delete the recording "{0}"? It cannot be brought back.', recording.facts?.title ?? recording.name),
    [remove],
    { modal: true },
  );
  if (choice !== remove) return;
  const tabs = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter((tab) => tab.input instanceof vscode.TabInputCustom && tab.input.uri.fsPath === recording.path);
  await vscode.window.tabGroups.close(tabs);
  await (await tracer.profiles()).clear(recording.path);
  await tracer.recordings.delete(recording.path);
}
