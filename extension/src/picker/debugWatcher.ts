// Remembers which process each debug session said it runs (DAP's `process` event), as long as the session lives.
// Registered at activation; asked by commands/profileProcess.ts.

import * as vscode from 'vscode';
import type { DebuggedSession } from './debugTarget';

interface DapProcessEvent {
  type: 'event';
  event: 'process';
  body?: { systemProcessId?: number };
}

export class DebugWatcher implements vscode.Disposable {
  private readonly pids = new Map<string, number>();
  private readonly subscriptions: vscode.Disposable[];

  constructor() {
    this.subscriptions = [
      vscode.debug.registerDebugAdapterTrackerFactory('*', {
        createDebugAdapterTracker: (session) => ({
          onDidSendMessage: (message: DapProcessEvent) => {
            const pid = message?.event === 'process' ? message.body?.systemProcessId : undefined;
            if (pid) this.pids.set(session.id, pid);
          },
        }),
      }),
      vscode.debug.onDidTerminateDebugSession((session) => this.pids.delete(session.id)),
    ];
  }

  active(): DebuggedSession | null {
    const session = vscode.debug.activeDebugSession;
    if (!session) return null;
    return { systemProcessId: this.pids.get(session.id) ?? null, configuration: session.configuration };
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
