// What a comparison leaves in the recording of its second side, under the name `changes`: each function's change with its interval, for
// whoever shows it. Checked when it is read: recordings come from anywhere.

import type { RecordingExtra } from './recordingFile';

export const CHANGES_SECTION = 'changes';

export const VERDICTS = ['more', 'less', 'new', 'gone', 'noise'] as const;

/** Of one function, as a share of everything or in the unit that the section names. */
export interface ChangeRow {
  name: string;
  file: string | null;
  line: number | null;
  /** What it was, where that is another name or place. */
  before: { name: string; file: string | null; line: number | null } | null;
  a: number;
  b: number;
  /** Relative: 0.05 is 5 % more. Null: without an end, or it had nothing before. */
  change: number | null;
  low: number;
  high: number | null;
  verdict: (typeof VERDICTS)[number];
}

export interface ChangesSection {
  a: { title: string; recordings: number };
  b: { title: string; recordings: number };
  /** `share`, or a unit of the metric. */
  unit: string;
  rows: ChangeRow[];
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isFigure = (value: unknown) => typeof value === 'number' && Number.isFinite(value);
const isPlace = ({ name, file, line }: Record<string, unknown>) =>
  typeof name === 'string' &&
  (file === null || typeof file === 'string') &&
  (line === null || (Number.isSafeInteger(line) && (line as number) >= 0));

function isRow(row: unknown): boolean {
  if (!isObject(row) || !isPlace(row)) return false;
  const { before, a, b, change, low, high, verdict } = row;
  return (
    (before === null || (isObject(before) && isPlace(before))) &&
    [a, b, low].every(isFigure) &&
    [change, high].every((value) => value === null || isFigure(value)) &&
    VERDICTS.some((known) => known === verdict)
  );
}

const isSide = (side: unknown) => isObject(side) && typeof side.title === 'string' && isFigure(side.recordings);

/** Null: the recording has none, or one that is not right. */
export function changesOf(extra: RecordingExtra | null | undefined): ChangesSection | null {
  const section = extra?.sections?.[CHANGES_SECTION];
  if (!isObject(section) || !isSide(section.a) || !isSide(section.b) || typeof section.unit !== 'string') return null;
  return Array.isArray(section.rows) && section.rows.every(isRow) ? (section as unknown as ChangesSection) : null;
}
