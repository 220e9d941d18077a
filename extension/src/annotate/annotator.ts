// Keeps the editors' heat bars, CodeLens and hovers in step with the sources of figures, the settings and the user's edits. One
// for a window, made with the first recording shown (tracer.ts).

import * as vscode from 'vscode';
import { affectsAnnotations, codeLensEnabled, lineHeatEnabled } from '../settings';
import type { DocumentFigures, ShownFigures } from './documentFigures';
import type { FigureContext, FigureSource, FileFigures, LineFigure } from './figures';
import { FunctionLenses } from './functionLenses';
import { movedLines } from './heat';
import { LineDecorations } from './lineDecorations';
import { LineHover } from './lineHover';
import { LineTracker } from './lineTracker';
import { LineWarnings } from './lineWarnings';
import { FIGURE_SOURCES } from './sources';

const FILES: vscode.DocumentSelector = { scheme: 'file' };
/** Typing comes in bursts: CodeLens, which other extensions also redraw, follow after this pause. */
const REDRAW_DELAY_MS = 150;

export class Annotator implements ShownFigures, vscode.Disposable {
  private readonly decorations = new LineDecorations();
  private readonly warnings: LineWarnings;
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly sources: readonly FigureSource[];
  /** By the source's id. */
  private readonly shown = new WeakMap<vscode.TextDocument, Map<string, DocumentFigures>>();
  private readonly subscriptions: vscode.Disposable[];
  private timer: NodeJS.Timeout | undefined;

  constructor(context: FigureContext, sources = FIGURE_SOURCES) {
    this.sources = sources.map((make) => make(context));
    this.warnings = new LineWarnings(context.media);
    this.subscriptions = [
      this.decorations,
      this.warnings,
      this.changed,
      ...this.sources,
      ...this.sources.map((source) => source.onDidChange(() => this.drawAll())),
      vscode.languages.registerCodeLensProvider(FILES, new FunctionLenses(this)),
      vscode.languages.registerHoverProvider(FILES, new LineHover(this)),
      vscode.window.onDidChangeVisibleTextEditors(() => this.drawEditors()),
      vscode.workspace.onDidChangeTextDocument((event) => this.edited(event)),
      vscode.workspace.onDidChangeConfiguration((event) => affectsAnnotations(event) && this.drawAll()),
    ];
  }

  /** Of every source that knows this document, in the sources' order. */
  figuresOf(document: vscode.TextDocument): DocumentFigures[] {
    return this.sources.flatMap((source) => {
      const figures = source.figuresOf(document.uri);
      return figures ? [this.follow(document, source.id, figures)] : [];
    });
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private follow(document: vscode.TextDocument, sourceId: string, figures: FileFigures): DocumentFigures {
    let bySource = this.shown.get(document);
    if (!bySource) {
      bySource = new Map();
      this.shown.set(document, bySource);
    }
    const known = bySource.get(sourceId);
    if (known?.figures.identity === figures.identity) {
      // A live recording was read again: the edits made since its start still count.
      const ended = !known.figures.final && figures.final;
      known.figures = figures;
      if (ended) void this.compare(known);
      return known;
    }
    const fresh: DocumentFigures = {
      figures,
      tracker: new LineTracker(document.lineCount),
      stale: document.isDirty,
      original: document.getText(),
    };
    bySource.set(sourceId, fresh);
    void this.compare(fresh);
    return fresh;
  }

  private async compare(shown: DocumentFigures): Promise<void> {
    if (!(await shown.figures.isOutdated())) return;
    shown.stale = true;
    this.drawAll();
  }

  private edited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const bySource = this.shown.get(document);
    if (!bySource || contentChanges.length === 0) return;
    const edits = contentChanges.map(({ range, text }) => ({
      startLine: range.start.line,
      startCharacter: range.start.character,
      endLine: range.end.line,
      endCharacter: range.end.character,
      text,
    }));
    const text = document.getText();
    for (const [sourceId, shown] of bySource) {
      shown.tracker.apply(edits);
      if (text === shown.original) bySource.delete(sourceId);
      else shown.stale = true;
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
      const all = this.figuresOf(editor.document);
      const shown = lineHeatEnabled() ? all : [];
      const fresh: LineFigure[] = [];
      const stale: LineFigure[] = [];
      for (const one of shown) {
        const amount = one.figures.amount?.bind(one.figures);
        const lines = movedLines(one.figures.lines(), (line) => one.tracker.lineNow(line));
        (one.stale ? stale : fresh).push(...lines.map((line) => ({ ...line, amount })));
      }
      this.decorations.show(editor, fresh, stale);
      const warned = codeLensEnabled() ? all : [];
      this.warnings.show(
        editor,
        warned.flatMap(({ figures, tracker }) =>
          (figures.warnings?.() ?? []).flatMap((line) => tracker.lineNow(line) ?? []),
        ),
      );
    }
  }
}
