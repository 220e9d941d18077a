// "Record Again": the last recording's command once more, or its process, which may have been started anew meanwhile: then the one
// with the same command line. Where there is none the picker asks.

import * as vscode from 'vscode';
import { readProcesses } from '../picker/processSource';
import type { Tracer } from '../tracer';
import { lastRecorded } from './lastRecorded';
import { profileProcess, recordProcess } from './profileProcess';
import { recordCommand } from './recordCommand';

export async function recordAgain(tracer: Tracer): Promise<void> {
  const last = lastRecorded(tracer);
  if (last?.kind === 'command' && vscode.workspace.isTrusted) {
    await recordCommand(tracer, last.line);
    return;
  }
  if (last?.kind === 'process') {
    const processes = await readProcesses(await tracer.host(), tracer.cliScript);
    const same = processes.filter(({ command }) => command === last.command);
    const found = same.find(({ pid }) => pid === last.pid) ?? same.sort((a, b) => b.startTimeMs - a.startTimeMs)[0];
    if (found) {
      await recordProcess(tracer, last.recorded, { pid: found.pid, process: found });
      return;
    }
  }
  await profileProcess(tracer, last?.kind === 'process' ? last.recorded : 'cpu');
}
