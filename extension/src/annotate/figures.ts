// What the editors can be told about a source file, whoever found it out: line figures become bars and percents, lens figures
// become CodeLens, warnings marks beside the text, and a hover lists what a source knows of one line. A source of figures is one file and one line in
// sources.ts; where the lines are after edits, and whether the figures still fit, is the Annotator's business.

import type * as vscode from 'vscode';
import type { ProfileStore } from '../profile/profileStore';
import type { Sessions } from '../session/sessions';

/** A line worth a mark. Lines are 1-based and as they were recorded; shares are of the source's own total, 0..1. */
export interface LineFigure {
  line: number;
  selfShare: number;
  totalShare: number;
  /** Of its source, see FileFigures.amount. */
  amount?: FileFigures['amount'];
}

export interface LensFigure {
  line: number;
  title: string;
  tooltip: string;
  command: string;
  arguments: unknown[];
}

/** What one source knows of one file. Answers are made when they are asked for. */
export interface FileFigures {
  /** What the figures are of: while it stays the same, the edits made since it was first shown still count. */
  readonly identity: string;
  /** Nothing more is coming for this identity: now is the time to compare the file with what was run. */
  readonly final: boolean;
  lines(): LineFigure[];
  lenses(): LensFigure[];
  /** Lines that deserve a look: marked in the gutter and in the overview ruler. Left out: none. */
  warnings?(): number[];
  /** A share of all as time or as a number of what was counted; null where the source has no such amount: percent stands for it. */
  amount?(share: number, unit: 'time' | 'samples'): string | null;
  /** null: nothing is known of that line. */
  hover(line: number): vscode.MarkdownString | null;
  /** true: the file on this machine is newer than what the figures are of. Never rejects. */
  isOutdated(): Promise<boolean>;
}

/** What sources are made with, one set a window. */
export interface FigureContext {
  profiles: ProfileStore;
  /** Those under way, for figures that are shown as they come. */
  sessions: Pick<Sessions, 'list' | 'onDidStart'>;
  /** Folder of the extension's pictures. */
  media: string;
}

export interface FigureSource extends vscode.Disposable {
  readonly id: string;
  readonly onDidChange: vscode.Event<void>;
  /** null: it knows nothing of this file. */
  figuresOf(file: vscode.Uri): FileFigures | null;
}
