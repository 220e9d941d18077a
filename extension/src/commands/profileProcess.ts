// "Profile This Process…", from the palette, the debug toolbar and a terminal's context menu, and "Trace HTTP of This Process…":
// choose, then record.

import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { type ProcessInfo, visibleText } from '../../../helper/src/protocol';
import { Setting } from '../contributions';
import { debuggedPids } from '../picker/debugTarget';
import { displayName } from '../picker/processItems';
import { pickProcess } from '../picker/processPicker';
import { readProcesses } from '../picker/processSource';
import { httpWithProfile, type Recorded, toggleSetting } from '../settings';
import type { Tracer } from '../tracer';
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
    http: recorded === 'http' ? null : { on: httpWithProfile(), toggle: () => toggleSetting(Setting.httpWithProfile) },
  });
  if (picked) await record(tracer, recorded, picked.pid, picked.process);
}

/** From the debug toolbar: no question where there is exactly one process that it can mean. */
export async function profileDebugged(tracer: Tracer): Promise<void> {
  const session = tracer.debugWatcher.active();
  if (session) {
    const processes = await readProcesses(await tracer.host(), tracer.cliScript);
    const [pid, ...more] = debuggedPids(session, processes);
    if (pid !== undefined && more.length === 0) {
      await record(tracer, 'cpu', pid, processes.find((one) => one.pid === pid) ?? null);
      return;
    }
  }
  await profileProcess(tracer);
}

async function record(tracer: Tracer, recorded: Recorded, pid: number, process: ProcessInfo | null): Promise<void> {
  const title = process ? displayName(process) : nameOf(pid);
  await startRecording(tracer, { pid, title, startAtExec: false, recorded }, process);
}

function nameOf(pid: number): string {
  try {
    return visibleText(readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
  } catch {
    return String(pid);
  }
}
