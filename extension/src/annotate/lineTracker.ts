// Where the recorded lines of an edited document are now. Each document with annotations has one; edits move its lines,
// deleted ones drop out. Pure; called by annotator.ts.

export interface LineEdit {
  /** 0-based, as VS Code's range. */
  startLine: number;
  startCharacter: number;
  endLine: number;
  endCharacter: number;
  text: string;
}

export class LineTracker {
  /** Recorded line -> line now, both 1-based. */
  private readonly now = new Map<number, number>();

  constructor(recordedLines: Iterable<number>) {
    for (const line of recordedLines) this.now.set(line, line);
  }

  /** null: it was deleted. */
  lineNow(recorded: number): number | null {
    return this.now.get(recorded) ?? null;
  }

  /** The recorded line that stands at `line` now. */
  recordedAt(line: number): number | null {
    for (const [recorded, now] of this.now) if (now === line) return recorded;
    return null;
  }

  /** One event's changes; VS Code gives ranges of the document before it, so they are applied from the end. */
  apply(edits: readonly LineEdit[]): void {
    const fromEnd = [...edits].sort((a, b) => b.startLine - a.startLine || b.startCharacter - a.startCharacter);
    for (const edit of fromEnd) {
      for (const [recorded, now] of [...this.now]) {
        const moved = moveLine(now - 1, edit);
        if (moved === null) this.now.delete(recorded);
        else this.now.set(recorded, moved + 1);
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
