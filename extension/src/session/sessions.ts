// The recordings under way in this window and what is shown of them: status-bar item, notification with Cancel, the live flame
// graph, and at the end the kept file or the reason why there is none.

import * as vscode from 'vscode';
import type { HelperConnection } from '../../../helper/src/client/helperConnection';
import {
  errorReport,
  parseRecording,
  type RecordOptions,
  readRecordingText,
  tracerError,
  visibleText,
} from '../../../helper/src/protocol';
import { ContextKey, RECORDING_EDITOR } from '../contributions';
import { TEXT_TOOLS } from '../profile/recordingText';
import { openWhileRecording } from '../settings';
import { showError } from '../showError';
import { countedIn, formatCounted } from './counted';
import { formatElapsed } from './format';
import { markHelperDied } from './helperDied';
import { RecordingSession, type SessionEnd, type SessionSubject, subjectOf } from './recordingSession';
import type { RecordingStore } from './recordingStore';
import { StatusBar } from './statusBar';

/** What was being recorded, for the window after a reload. */
export const RUNNING_KEY = 'running';

/** What sessions need of their window. */
export interface SessionParts {
  context: Pick<vscode.ExtensionContext, 'workspaceState'>;
  log: vscode.LogOutputChannel;
  recordings: RecordingStore;
}

export class Sessions implements vscode.Disposable {
  private readonly running = new Set<RecordingSession>();
  /** Ended, and still in the status bar until their graph is painted. */
  private readonly leaving = new Set<RecordingSession>();
  private readonly statusBar = new StatusBar();
  private readonly started = new vscode.EventEmitter<RecordingSession>();
  readonly onDidStart = this.started.event;

  constructor(private readonly tracer: SessionParts) {}

  list(): RecordingSession[] {
    return [...this.running];
  }

  /** Some end is being saved or drawn: a second click on the status bar's item asks for nothing more. */
  get ending(): boolean {
    return this.leaving.size > 0 || this.list().some((one) => one.state === 'stopping');
  }

  /** By one of these tracers: others may record it at the same time. */
  private isRecording(pid: number, tracers: readonly string[]): boolean {
    return this.list().some(
      ({ subject }) => subject.pids.includes(pid) && subject.tracers.some((id) => tracers.includes(id)),
    );
  }

  /** The one that writes this file. */
  byOutput(path: string): RecordingSession | null {
    return this.list().find((one) => one.subject.output === path) ?? null;
  }

  /**
   * Starts one and returns once samples can arrive; what follows is shown by itself. Throws TracerError.
   */
  async record(client: HelperConnection, options: RecordOptions): Promise<RecordingSession> {
    const subject = subjectOf(options);
    const busy = subject.pids.find((pid) => this.isRecording(pid, subject.tracers));
    if (busy !== undefined) throw tracerError('BUSY', busy);
    const session = new RecordingSession(client, subject);
    this.follow(session);
    await session.start(options);
    this.show(session);
    return session;
  }

  /**
   * After a window reload: shows again what the helper still records, and files what ended meanwhile (a helper without
   * a window saves and unloads). `client` null: the helper is gone, too.
   */
  async resume(client: HelperConnection | null): Promise<void> {
    const listed = client ? await client.request('record/list', {}) : [];
    for (const lost of this.remembered().filter((old) => listed.every((one) => one.output !== old.output))) {
      await this.fileAway(lost, client === null);
    }
    if (!client) return;
    for (const one of listed) {
      if (this.byOutput(one.output)) continue;
      const session = new RecordingSession(client, subjectOf(one));
      this.follow(session);
      session.adopt(one.recordingId, one.startedAtMs);
      this.show(session);
    }
  }

  dispose(): void {
    this.statusBar.dispose();
    this.started.dispose();
  }

  private async fileAway({ output, title }: SessionSubject, helperGone: boolean): Promise<void> {
    if (helperGone) await markHelperDied(output);
    const extra = await readRecordingText(output, TEXT_TOOLS)
      .then((text) => parseRecording(text, output).ebpfTracer)
      .catch(() => undefined);
    if (extra) {
      const { durationMs, complete } = extra;
      await this.tracer.recordings.remember(output, { title, counted: countedIn(extra), durationMs, complete });
    }
    await this.rememberRunning();
  }

  private remembered(): SessionSubject[] {
    return this.tracer.context.workspaceState.get<SessionSubject[]>(RUNNING_KEY, []);
  }

  private rememberRunning(): Thenable<void> {
    const subjects = this.list().map(({ subject }) => subject);
    return this.tracer.context.workspaceState.update(RUNNING_KEY, subjects.length > 0 ? subjects : undefined);
  }

  private follow(session: RecordingSession): void {
    this.running.add(session);
    void this.rememberRunning();
    const update = () => {
      this.statusBar.show(this.list().filter((one) => one.state !== 'starting'));
      const recording = this.list().some((one) => one.state === 'recording');
      void vscode.commands.executeCommand('setContext', ContextKey.recording, recording);
    };
    session.onDidChange(() => session.state !== 'ended' && update());
    void session.ended.then(() => {
      this.running.delete(session);
      this.leaving.add(session);
      void this.rememberRunning();
    });
    // The window draws one thing after the other: first the graph that the user waits for.
    void session.endShown.then(() => {
      this.leaving.delete(session);
      update();
    });
  }

  private show(session: RecordingSession): void {
    this.started.fire(session);
    // The page says all that a notification would, and has its own button for the end.
    if (openWhileRecording()) void openRecording(session.subject.output, true);
    else void this.showProgress(session);
    void session.ended.then((end) => this.showEnd(session, end));
  }

  private async showProgress(session: RecordingSession): Promise<void> {
    const { title, pids } = session.subject;
    await vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: vscode.l10n.t('Recording {0} (process {1})', visibleText(title), pids.join(', ')),
        cancellable: true,
      },
      async (progress, token) => {
        token.onCancellationRequested(() => void session.stop());
        session.onDidChange(() => {
          if (session.state === 'ended') return;
          const message = session.saving
            ? vscode.l10n.t('saving…')
            : `${formatElapsed(session.elapsedMs)} · ${formatCounted(session.tracers)}`;
          progress.report({ message });
        });
        await session.endShown;
      },
    );
  }

  private async showEnd(session: RecordingSession, end: SessionEnd): Promise<void> {
    const { title, output } = session.subject;
    this.tracer.log.info(
      `recording of ${title} ended: ${end.tracers.map(({ unit, count }) => `${count} ${unit}`).join(', ')}, ${end.summary?.stopReason ?? end.error?.code ?? 'stopped'}`,
    );
    if (end.count > 0) {
      // Whatever the user is typing into keeps the focus. A graph in sight shows the end by itself, and sooner undisturbed.
      if (!tabOf(output)?.isActive) await openRecording(output, true);
      await this.tracer.recordings.remember(output, {
        title,
        counted: end.tracers.map(({ unit, count }) => ({ unit, count })),
        durationMs: end.summary?.durationMs ?? session.elapsedMs,
        complete: end.summary !== null,
      });
    }
    // Its page tells the end, where it is open.
    if (tabOf(output))
      this.tracer.log.info(end.error ? `${end.error.code}: ${end.error.message}` : 'shown in its page');
    else if (end.error) await showError(this.tracer, end.error);
    else if (end.count === 0)
      await showError(this.tracer, errorReport('NOTHING_RECORDED_IDLE', session.subject.pids.join(', ')));
    const lost = end.summary?.lost ?? 0;
    if (lost > 0) this.tracer.log.warn(`${lost} samples were lost`);
  }
}

/** Opens it beside the code that it is about, or brings it to the front. */
export async function openRecording(path: string, preserveFocus: boolean): Promise<void> {
  const uri = vscode.Uri.file(path);
  const beside = vscode.window.activeTextEditor ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active;
  await vscode.commands.executeCommand('vscode.openWith', uri, RECORDING_EDITOR, {
    viewColumn: tabOf(path)?.group.viewColumn ?? beside,
    preserveFocus,
    preview: false,
  } satisfies vscode.TextDocumentShowOptions);
}

function tabOf(path: string): vscode.Tab | undefined {
  return vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .find(({ input }) => input instanceof vscode.TabInputCustom && input.uri.fsPath === path);
}
