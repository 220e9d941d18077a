// The table that `make benchmark` prints and the README quotes: one row a figure, with its bar beside it.

export interface Row {
  figure: string;
  /** What was asked for; empty where a figure has no bar (other tools, context). */
  bar: string;
  measured: string;
  /** null: there is no bar to keep, or it lies within the figure's interval. */
  kept: boolean | null;
}

export function markdownTable(rows: Row[]): string {
  const header = ['figure', 'bar', 'measured', 'kept'];
  const lines = rows.map((row) => [
    row.figure,
    row.bar,
    row.measured,
    row.kept === null ? (row.bar ? 'undecided' : '') : row.kept ? 'yes' : '**no**',
  ]);
  return [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
