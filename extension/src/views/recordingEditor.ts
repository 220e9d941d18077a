// The custom editor for *.speedscope.json: hosts the webview (webview/README.md), gives it the file's text, again with
// every change of the file while it is in sight, and opens the sources it asks for. Registered by extension.ts.

import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import { FILE_SUFFIX } from '../../../helper/src/client/recordingNames';
import {
  hottestLine,
  httpSectionOf,
  parseRecording,
  type RecordingFile,
  readRecordingText,
  type TimeRange,
  TracerError,
  toErrorReport,
  tracerError,
  visibleText,
} from '../../../helper/src/protocol';
import type { FromWebview, ToWebview } from '../../../webview/src/messages';
import { runCommandLine } from '../commandLine';
import { Command } from '../contributions';
import { showNotice } from '../notices';
import type { FoldChoices } from '../profile/foldChoices';
import { plainName } from '../profile/profileIndex';
import { TEXT_TOOLS } from '../profile/recordingText';
import type { ShownPart } from '../profile/shownPart';
import { isNewerThanBinary } from '../profile/staleness';
import { formatShare } from '../session/format';
import type { RecordingSession, SessionEnd } from '../session/recordingSession';
import type { Tracer } from '../tracer';
import { openSourceAt } from './openSource';
import { fillRecordingPage } from './recordingHtml';
import { endStatus, recordingStatus } from './recordingStatus';
import { recordingTitle } from './recordingTitle';

/** Several checkpoints or watcher events at once make one reload. */
const RELOAD_DELAY_MS = 100;
/** The editors' figures and the rest of the window wait so long for the graph to be on the screen. */
const PAINT_AWAITED_MS = 1_000;
/** Hottest sources that are compared with their binary each time a recording is opened. */
const STALE_CHECKED_FILES = 200;
/** Sources that are looked for each time a recording is opened; links to those beyond stay links. */
const MISSING_CHECKED_FILES = 1_000;

/** Our own part stands near the start. */
const OURS_WITHIN_CHARS = 100_000;

export interface RecordingDocument extends vscode.CustomDocument {
  uri: vscode.Uri;
}

export class RecordingEditorProvider implements vscode.CustomReadonlyEditorProvider<RecordingDocument> {
  private readonly open = new Map<string, RecordingEditor>();

  constructor(private readonly tracer: Tracer) {}

  openCustomDocument(uri: vscode.Uri): RecordingDocument {
    return { uri, dispose: () => undefined };
  }

  async resolveCustomEditor(document: RecordingDocument, panel: vscode.WebviewPanel): Promise<void> {
    const editor = new RecordingEditor(this.tracer, document.uri, panel);
    this.open.set(document.uri.fsPath, editor);
    panel.onDidDispose(() => {
      editor.dispose();
      if (this.open.get(document.uri.fsPath) === editor) this.open.delete(document.uri.fsPath);
    });
    await editor.start();
  }

  /** Selects a frame in the open editor of this recording, at once or as soon as it is loaded. */
  select(path: string, frame: number): void {
    this.open.get(path)?.show({ type: 'select', frame });
  }

  /** What its open page shows of a recording; null: it is not open. */
  async partOf(path: string): Promise<ShownPart | null> {
    return (await this.open.get(path)?.part()) ?? null;
  }

  /** Brings an item of a view into sight likewise. */
  showItem(path: string, view: string, key: string): void {
    this.open.get(path)?.show({ type: 'showItem', view, key });
  }
}

class RecordingEditor {
  private recording: RecordingFile | null = null;
  /** Of its time that the page shows. */
  private range: TimeRange | null = null;
  private partTimer: NodeJS.Timeout | undefined;
  private session: RecordingSession | null = null;
  /** How the session that this page showed ended. */
  private end: { end: SessionEnd; elapsedMs: number; pids: readonly number[] } | null = null;
  private readonly subscriptions: vscode.Disposable[] = [];
  private timer: NodeJS.Timeout | undefined;
  private ready = false;
  /** What the page shows, to load nothing twice: a watcher and a checkpoint often tell of the same change. */
  private shown = '';
  /** The file changed while it was out of sight. */
  private outdated = false;
  /** Asked for before there was a recording to show it in. */
  private wanted: ToWebview | null = null;
  private readonly awaitingPaint = new Set<(live: boolean) => void>();
  private disposed = false;
  private followsLocator = false;

  constructor(
    private readonly tracer: Tracer,
    private readonly uri: vscode.Uri,
    private readonly panel: vscode.WebviewPanel,
  ) {}

  async start(): Promise<void> {
    const { webview } = this.panel;
    const assets = join(this.tracer.context.extensionPath, 'dist', 'webview');
    const icon = (shade: string) =>
      vscode.Uri.file(join(this.tracer.context.extensionPath, 'extension', 'media', `tracer-${shade}.svg`));
    this.panel.iconPath = { light: icon('light'), dark: icon('dark') };
    webview.options = { enableScripts: true, localResourceRoots: [vscode.Uri.file(assets)] };
    this.subscriptions.push(
      webview.onDidReceiveMessage((message: FromWebview) => void this.receive(message)),
      this.panel.onDidChangeViewState(() => this.visibilityChanged()),
      this.watchFile(),
    );
    webview.html = fillRecordingPage(await readFile(join(assets, 'index.html'), 'utf8'), {
      lang: vscode.env.language,
      cspSource: webview.cspSource,
      assets: webview.asWebviewUri(vscode.Uri.file(assets)).toString(),
      l10n: vscode.l10n.bundle ?? {},
    });
    const folds = await this.tracer.folds();
    this.subscriptions.push(folds.onDidChange(() => this.postFold(folds)));
    const sessions = await this.tracer.sessions();
    this.follow(sessions.byOutput(this.uri.fsPath));
    this.subscriptions.push(sessions.onDidStart((one) => one.subject.output === this.uri.fsPath && this.follow(one)));
  }

  show(wanted: ToWebview): void {
    if (this.ready && this.recording) this.post(wanted);
    else this.wanted = wanted;
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
    clearTimeout(this.partTimer);
    this.session?.watch(false);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private follow(session: RecordingSession | null): void {
    if (!session) return;
    this.session = session;
    // Until its file tells more.
    if (!this.recording) this.panel.title = visibleText(session.subject.title);
    session.watch(this.panel.visible);
    session.onCheckpoint(() => this.changed());
    session.onDidChange(() => session.state !== 'ended' && this.postStatus());
    this.postStatus();
    void session.ended.then((end) => {
      this.session = null;
      this.end = { end, elapsedMs: session.elapsedMs, pids: session.subject.pids };
      // Nothing follows that would be worth waiting for.
      this.reload();
      void this.painted(false).then(session.paintedEnd);
    });
  }

  private async receive(message: FromWebview): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.ready = true;
        this.shown = '';
        this.postFold(await this.tracer.folds());
        await this.load();
        return;
      case 'part':
        this.partChosen(message.range);
        await (await this.tracer.folds()).choose(message.fold);
        return;
      case 'openSource':
        await this.openSource(message.frame, message.line, message.beside);
        return;
      case 'openFile':
        await this.openFile(message.file, message.line, message.beside);
        return;
      case 'act':
        if (message.action === 'stop') void this.session?.stop();
        else await vscode.commands.executeCommand(Command.recordAgain);
        return;
      case 'copy':
        await vscode.env.clipboard.writeText(message.text);
        vscode.window.setStatusBarMessage(vscode.l10n.t('Copied to the clipboard'), 3000);
        return;
      case 'painted':
        this.paintEnded(message.live);
        this.tracer.log.debug(
          `painted ${message.samples} samples in ${Math.round(message.ms)} ms at ${new Date(message.atMs).toISOString()}`,
        );
        return;
      case 'error':
        this.paintEnded(false);
        this.tracer.log.error(`webview: ${message.text}`);
        return;
    }
  }

  private async load(): Promise<void> {
    if (!this.ready || this.disposed) return;
    this.outdated = false;
    try {
      const path = this.uri.fsPath;
      const refuse = (error: Error) => {
        throw tracerError('NOT_A_RECORDING', path, error.message);
      };
      const found = await stat(path).catch((error) => (this.awaitsFile ? null : refuse(error)));
      // Its page is there from the start, its file with the first samples, or never.
      if (!found) {
        this.postStatus();
        return;
      }
      const { ino, mtimeMs, size } = found;
      const version = `${ino} ${mtimeMs} ${size} ${this.session !== null}`;
      if (version === this.shown) return;
      this.shown = version;
      const text = await this.recordingText(path);
      // A newer version is being read.
      if (version !== this.shown) return;
      this.recording = parseRecording(text, path);
      const live = this.session !== null;
      this.panel.title = recordingTitle(path, this.recording, this.range);
      this.post({ type: 'load', name: basename(path), text, live });
      if (this.wanted !== null) this.post(this.wanted);
      this.wanted = null;
      this.postStatus();
      await this.painted(live);
      if (version !== this.shown || this.disposed) return;
      if (!this.panel.visible) {
        // Another recording may be in sight by now, whose figures stay. This one's come when it is seen again.
        this.outdated = true;
        this.shown = '';
        return;
      }
      await this.activate();
      await this.postMissingSources();
      if (!this.session) await this.postStale();
    } catch (error) {
      const report = toErrorReport(error);
      this.tracer.log.error(`${report.code}: ${report.message}`);
      if (!(error instanceof TracerError)) this.tracer.log.error(String((error as Error).stack));
      this.post({ type: 'status', severity: 'error', text: `${report.message} ${report.fix}` });
    }
  }

  /** The part of its recording that its page shows. */
  async part(): Promise<ShownPart> {
    return { range: this.range, rule: (await this.tracer.folds()).rule() };
  }

  /** The editors show the figures of what this page shows. */
  private async activate(): Promise<void> {
    const { recording } = this;
    if (recording) await (await this.tracer.profiles()).activate(this.uri.fsPath, recording, await this.part());
  }

  /** A drag tells of many: the editors follow where it rests. */
  private partChosen(range: TimeRange | null): void {
    this.range = range;
    if (this.recording) this.panel.title = recordingTitle(this.uri.fsPath, this.recording, range);
    this.activateSoon();
  }

  private activateSoon(): void {
    clearTimeout(this.partTimer);
    this.partTimer = setTimeout(() => this.panel.visible && void this.activate(), RELOAD_DELAY_MS);
  }

  private postFold(folds: FoldChoices): void {
    this.post({ type: 'fold', rule: folds.rule() });
    this.activateSoon();
  }

  /** It is being recorded, or nothing came of it. */
  private get awaitsFile(): boolean {
    return this.session !== null || (this.end !== null && this.end.end.count === 0);
  }

  /** Of another profiler's file what the command line makes of it: with figures, and lines where the file has some. */
  private async recordingText(path: string): Promise<string> {
    if (path.endsWith(FILE_SUFFIX)) {
      const text = await readRecordingText(path, TEXT_TOOLS);
      // Asked for as text: ours are long, and are parsed soon enough.
      if (text.slice(0, OURS_WITHIN_CHARS).includes('"ebpfTracer":')) return text;
      return runCommandLine(this.tracer.cliScript, ['import', path, '--output', '-', '--json']).catch(() => text);
    }
    return runCommandLine(this.tracer.cliScript, ['import', path, '--output', '-', '--json']);
  }

  private changed(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      // The last version is about to come: the page should be free for it.
      if (this.session?.state !== 'stopping') this.reload();
    }, RELOAD_DELAY_MS);
  }

  private reload(): void {
    clearTimeout(this.timer);
    // Its session goes on, and a closed panel must not be asked for anything.
    if (this.disposed) return;
    if (this.panel.visible) void this.load();
    else this.outdated = true;
  }

  /** Resolves when the page has shown a live version or the last one, or why it cannot. */
  private painted(live: boolean): Promise<void> {
    return new Promise((resolve) => {
      const done = (isLive: boolean) => {
        if (isLive && !live) return;
        clearTimeout(timer);
        this.awaitingPaint.delete(done);
        resolve();
      };
      const timer = setTimeout(done, PAINT_AWAITED_MS, false);
      this.awaitingPaint.add(done);
    });
  }

  private paintEnded(live: boolean): void {
    for (const done of this.awaitingPaint) done(live);
  }

  private visibilityChanged(): void {
    this.session?.watch(this.panel.visible);
    if (this.panel.visible && this.outdated) void this.load();
    else if (this.panel.active) void this.activate();
  }

  private watchFile(): vscode.Disposable {
    const folder = vscode.Uri.joinPath(this.uri, '..');
    const watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(folder, basename(this.uri.fsPath)),
      false,
      false,
      true,
    );
    watcher.onDidChange(() => this.session ?? this.changed());
    watcher.onDidCreate(() => this.session ?? this.changed());
    return watcher;
  }

  private postStatus(): void {
    const extra = this.recording?.ebpfTracer ?? null;
    const status =
      this.session === null && this.end !== null
        ? endStatus(this.end.end, this.end, extra)
        : recordingStatus(this.session, extra);
    this.post({ type: 'status', ...status });
  }

  private async postStale(): Promise<void> {
    const extra = this.recording?.ebpfTracer;
    if (!extra) return;
    const { locator } = await this.tracer.profiles();
    const newer: string[] = [];
    for (const source of extra.sources.slice(0, STALE_CHECKED_FILES)) {
      const path = await locator.find(source.file, extra.cwd);
      if (path && (await isNewerThanBinary(source, path))) newer.push(basename(path));
    }
    if (newer.length === 0) return;
    const text =
      newer.length === 1
        ? vscode.l10n.t('{0} is newer than the program that was recorded: lines may be off. Build again.', newer[0])
        : vscode.l10n.t(
            '{0} source files are newer than the program that was recorded: lines may be off. Build again.',
            newer.length,
          );
    this.post({ type: 'status', severity: 'warning', text });
  }

  /** Links to files that are not here would lead nowhere. */
  private async postMissingSources(): Promise<void> {
    const { recording } = this;
    if (!recording) return;
    const files = new Set<string>();
    for (const { file } of recording.shared.frames) if (file && files.size < MISSING_CHECKED_FILES) files.add(file);
    const http = httpSectionOf(recording.ebpfTracer);
    if (http !== null && 'routes' in http)
      for (const { handler } of [...http.routes, ...http.clients])
        if (handler && files.size < MISSING_CHECKED_FILES) files.add(handler.file);
    const { locator } = await this.tracer.profiles();
    if (!this.followsLocator) this.subscriptions.push(locator.onDidChange(() => void this.postMissingSources()));
    this.followsLocator = true;
    const missing = await locator.cannotOpen([...files], recording.ebpfTracer?.cwd ?? null);
    if (recording === this.recording) this.post({ type: 'missingSources', files: missing });
  }

  private async openSource(index: number, line: number | null, beside: boolean): Promise<void> {
    const frame = this.recording?.shared.frames[index];
    if (!frame) return;
    if (!frame.file) {
      void showNotice(
        'information',
        vscode.l10n.t('{0} has no known source: its file carries no line information.', frame.name),
      );
      return;
    }
    const hottest = await this.hottestLine(index, line);
    if (hottest === null) await this.openFile(frame.file, line ?? frame.line ?? null, beside);
    else await this.openFile(frame.file, hottest.line, beside, hottest.text);
  }

  /** Where a function was asked for and no other line of it: its hottest one of what is shown, and what to say of it. */
  private async hottestLine(frame: number, asked: number | null): Promise<{ line: number; text: string } | null> {
    const whole = this.recording?.ebpfTracer?.metrics[0];
    const { active } = await this.tracer.profiles();
    if (!whole || !this.recording) return null;
    const declared = this.recording.shared.frames[frame]?.line ?? null;
    if (asked !== null && asked !== declared && asked !== hottestLine(whole, frame)?.[0]) return null;
    const shown = active?.path === this.uri.fsPath ? active.metric : whole;
    const hottest = hottestLine(shown, frame);
    if (!hottest || shown.total === 0) return null;
    const [line, , total] = hottest;
    const name = visibleText(plainName(this.recording.shared.frames[frame].name));
    return {
      line,
      text: vscode.l10n.t('hottest line of {0}: {1} of everything shown', name, formatShare(total / shown.total)),
    };
  }

  private async openFile(file: string, line: number | null, beside: boolean, remark?: string): Promise<void> {
    const { locator } = await this.tracer.profiles();
    const cwd = this.recording?.ebpfTracer?.cwd ?? null;
    const column = beside ? undefined : this.panel.viewColumn;
    await openSourceAt(locator, file, cwd, { line, remark }, column, this.panel.viewColumn);
  }

  private post(message: ToWebview): void {
    if (this.ready && !this.disposed) void this.panel.webview.postMessage(message);
  }
}
