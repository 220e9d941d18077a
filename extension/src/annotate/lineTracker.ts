// Where the recorded lines of an edited document are now. Each document with annotations has one; edits move its lines, deleted
// ones drop out. Pure.

export interface LineEdit {
  /** 0-based, as VS Code's range. */
  startLine: number;
  startCharacter: number;
  endLine: number;
  endCharacter: number;
  text: string;
}

const GONE = 0;

export class LineTracker {
  /** Index: recorded line minus one. Value: 1-based line now. */
  private readonly now: Int32Array;

  /** `lineCount`: of the document as it was recorded. */
  constructor(lineCount: number) {
    this.now = Int32Array.from({ length: lineCount }, (_, i) => i + 1);
  }

  /** null: it was deleted, or the file had no such line. */
  lineNow(recorded: number): number | null {
    return this.now[recorded - 1] || null;
  }

  /** The recorded line that stands at `line` now. */
  recordedAt(line: number): number | null {
    return this.now.indexOf(line) + 1 || null;
  }

  /** One event's changes; VS Code gives ranges of the document before it, so they are applied from the end. */
  apply(edits: readonly LineEdit[]): void {
    const fromEnd = [...edits].sort((a, b) => b.startLine - a.startLine || b.startCharacter - a.startCharacter);
    for (const edit of fromEnd) {
      for (let i = 0; i < this.now.length; i++) {
        if (this.now[i] !== GONE) this.now[i] = (moveLine(this.now[i] - 1, edit) ?? GONE - 1) + 1;
      }
    }
  }
}

/** 0-based line after the edit, null where it is gone. */
export function moveLine(line: number, edit: LineEdit): number | null {
  const added = countNewlines(edit.text);
  const delta = added - (edit.endLine - edit.startLine);
  if (line < edit.startLine) return line;
  if (line > edit.endLine) return line + delta;
  // The text after the edit's end stays: a whole line if the edit ends at its first column.
  if (line === edit.endLine && edit.endCharacter === 0 && (edit.startLine < edit.endLine || edit.startCharacter === 0))
    return line + delta;
  // The text before its start stays.
  if (line === edit.startLine && (edit.startCharacter > 0 || edit.startLine === edit.endLine)) return line;
  return null;
}

function countNewlines(text: string): number {
  let count = 0;
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) count++;
  return count;
}
