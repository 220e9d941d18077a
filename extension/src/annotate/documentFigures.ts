// The figures of one open document, as the Annotator keeps them and the CodeLens and the hover show them. Apart from both, so
// that neither needs to know how they are kept.

import type * as vscode from 'vscode';
import type { FileFigures } from './figures';
import type { LineTracker } from './lineTracker';

/** What one source says of one document, and where that is now. */
export interface DocumentFigures {
  figures: FileFigures;
  tracker: LineTracker;
  /** Edited since these figures were first shown, or newer than what they are of. */
  stale: boolean;
  /** Text when they were first shown: undoing every edit makes them fresh again. */
  original: string;
}

/** Where CodeLens and hover get them. */
export interface ShownFigures {
  readonly onDidChange: vscode.Event<void>;
  /** Of every source that knows this document, in the sources' order. */
  figuresOf(document: vscode.TextDocument): DocumentFigures[];
}
