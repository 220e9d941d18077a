// "Profile This Process…", from the palette, the debug toolbar and a terminal's context menu, and "Trace HTTP of This Process…":
// choose, then record.

import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { type ProcessInfo, visibleText } from '../../../helper/src/protocol';
import { Command, Setting } from '../contributions';
import { debuggedPids } from '../picker/debugTarget';
import type { RecordingLimit } from '../picker/limits';
import { displayName } from '../picker/processItems';
import { pickProcess } from '../picker/processPicker';
import { readProcesses } from '../picker/processSource';
import { httpWithProfile, type Recorded, recordingSettings, toggleSetting } from '../settings';
import type { Tracer } from '../tracer';
import { lastRecorded, rememberRecorded } from './lastRecorded';
import { startRecording } from './startRecording';

/** Opens the picker, with the active terminal's children first (its context menu makes a terminal active). */
export async function profileProcess(tracer: Tracer, recorded: Recorded = 'cpu'): Promise<void> {
  const host = await tracer.host();
  const picked = await pickProcess({
    read: () => readProcesses(host, tracer.cliScript),
    debugSession: tracer.debugWatcher.active(),
    terminalPid: (await vscode.window.activeTerminal?.processId) ?? null,
    log: tracer.log,
    title: recorded === 'http' ? vscode.l10n.t('Trace HTTP of This Process') : vscode.l10n.t('Profile This Process'),
    again: lastRecorded(tracer)?.title ?? null,
    limit: { durationMs: recordingSettings(recorded).durationMs, samples: null },
    workspace: (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
    http: recorded === 'http' ? null : { on: httpWithProfile(), toggle: () => toggleSetting(Setting.httpWithProfile) },
  });
  if (picked === 'again') await vscode.commands.executeCommand(Command.recordAgain);
  else if (picked) await recordProcess(tracer, recorded, picked);
}

/** From the debug toolbar: no question where there is exactly one process that it can mean. */
export async function profileDebugged(tracer: Tracer): Promise<void> {
  const session = tracer.debugWatcher.active();
  if (session) {
    const processes = await readProcesses(await tracer.host(), tracer.cliScript);
    const [pid, ...more] = debuggedPids(session, processes);
    if (pid !== undefined && more.length === 0) {
      await recordProcess(tracer, 'cpu', { pid, process: processes.find((one) => one.pid === pid) ?? null });
      return;
    }
  }
  await profileProcess(tracer);
}

/** `limit` left out: as the settings say. */
export async function recordProcess(
  tracer: Tracer,
  recorded: Recorded,
  { pid, process, limit }: { pid: number; process: ProcessInfo | null; limit?: RecordingLimit },
): Promise<void> {
  const title = process ? displayName(process) : nameOf(pid);
  const session = await startRecording(tracer, { pid, title, startAtExec: false, recorded, limit }, process);
  const command = process?.command ?? '';
  if (session && command !== '') await rememberRecorded(tracer, { kind: 'process', pid, command, title, recorded });
}

function nameOf(pid: number): string {
  try {
    return visibleText(readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
  } catch {
    return String(pid);
  }
}
