// "Stop Recording", also the status-bar item's click: asks which only when there are several.

import * as vscode from 'vscode';
import { visibleText } from '../../../helper/src/protocol';
import { showNotice } from '../notices';
import { formatCounted } from '../session/counted';
import { formatElapsed } from '../session/format';
import type { Tracer } from '../tracer';

export async function stopRecording(tracer: Tracer): Promise<void> {
  const sessions = await tracer.sessions();
  const running = sessions.list().filter((one) => one.state === 'recording');
  if (running.length === 0) {
    if (sessions.ending) return;
    void showNotice('information', vscode.l10n.t('Nothing is being recorded.'));
    return;
  }
  if (running.length === 1) {
    await running[0].stop();
    return;
  }
  const picked = await vscode.window.showQuickPick(
    running.map((session) => ({
      label: visibleText(session.subject.title),
      description: session.subject.pids.join(', '),
      detail: `${formatElapsed(session.elapsedMs)} · ${formatCounted(session.tracers)}`,
      session,
    })),
    { title: vscode.l10n.t('Stop Recording'), canPickMany: true },
  );
  await Promise.all((picked ?? []).map(({ session }) => session.stop()));
}
