// Keeps the editors' heat bars, CodeLens and hovers in step with the active recording, the settings and the user's
// edits. One for a window, made with the first recording shown (tracer.ts).

import * as vscode from 'vscode';
import type { FileHeat, ProfileIndex } from '../profile/profileIndex';
import type { ProfileStore } from '../profile/profileStore';
import { isNewerThanBinary } from '../profile/staleness';
import { affectsAnnotations, lineHeatEnabled, minimumShare } from '../settings';
import { FunctionLenses } from './functionLenses';
import { heatLines } from './heat';
import { LineDecorations } from './lineDecorations';
import { LineHover } from './lineHover';
import { LineTracker } from './lineTracker';

const FILES: vscode.DocumentSelector = { scheme: 'file' };
/** Typing comes in bursts: CodeLens, which other extensions also redraw, follow after this pause. */
const REDRAW_DELAY_MS = 150;

export interface DocumentState {
  index: ProfileIndex;
  heat: FileHeat;
  tracker: LineTracker;
  /** Edited since it was opened, or newer than the binary. */
  stale: boolean;
  /** Text when it was opened: undoing every edit makes it fresh again. */
  original: string;
  newer: boolean;
}

export class Annotator implements vscode.Disposable {
  private readonly decorations = new LineDecorations();
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly states = new WeakMap<vscode.TextDocument, DocumentState>();
  private readonly subscriptions: vscode.Disposable[];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly profiles: ProfileStore) {
    this.subscriptions = [
      this.decorations,
      this.changed,
      vscode.languages.registerCodeLensProvider(FILES, new FunctionLenses(this)),
      vscode.languages.registerHoverProvider(FILES, new LineHover(this)),
      profiles.onDidChange(() => this.drawAll()),
      vscode.window.onDidChangeVisibleTextEditors(() => this.drawEditors()),
      vscode.workspace.onDidChangeTextDocument((event) => this.edited(event)),
      vscode.workspace.onDidChangeConfiguration((event) => affectsAnnotations(event) && this.drawAll()),
    ];
  }

  /** null: nothing was recorded of this document. */
  stateOf(document: vscode.TextDocument): DocumentState | null {
    const index = this.profiles.active;
    const heat = document.uri.scheme === 'file' ? this.profiles.heatOf(document.uri.fsPath) : null;
    if (!index || !heat) return null;
    const known = this.states.get(document);
    if (known?.index.path === index.path) {
      // A live recording was read again: the edits made since its start still count.
      const ended = known.index !== index && index.extra.complete;
      known.index = index;
      known.heat = heat;
      if (ended) void this.compareWithBinary(document, known);
      return known;
    }
    const state: DocumentState = {
      index,
      heat,
      tracker: new LineTracker(document.lineCount),
      stale: document.isDirty,
      original: document.getText(),
      newer: false,
    };
    this.states.set(document, state);
    void this.compareWithBinary(document, state);
    return state;
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private async compareWithBinary(document: vscode.TextDocument, state: DocumentState): Promise<void> {
    const known = state.index.extra.sources.find((source) => state.index.absolute(source.file) === state.heat.file);
    if (!(await isNewerThanBinary(known, document.uri.fsPath))) return;
    state.newer = true;
    state.stale = true;
    this.drawAll();
  }

  private edited(event: vscode.TextDocumentChangeEvent): void {
    const state = this.states.get(event.document);
    if (!state || event.contentChanges.length === 0) return;
    state.tracker.apply(
      event.contentChanges.map(({ range, text }) => ({
        startLine: range.start.line,
        startCharacter: range.start.character,
        endLine: range.end.line,
        endCharacter: range.end.character,
        text,
      })),
    );
    if (event.document.getText() === state.original) {
      this.states.delete(event.document);
    } else {
      state.stale = true;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.drawAll(), REDRAW_DELAY_MS);
  }

  private drawAll(): void {
    this.drawEditors();
    this.changed.fire();
  }

  private drawEditors(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const state = lineHeatEnabled() ? this.stateOf(editor.document) : null;
      if (!state) {
        this.decorations.clear(editor);
        continue;
      }
      const { heat, index, tracker, stale } = state;
      const lines = heatLines(heat.lines, index.samples, minimumShare(), (line) => tracker.lineNow(line));
      this.decorations.show(editor, lines, stale);
    }
  }
}
