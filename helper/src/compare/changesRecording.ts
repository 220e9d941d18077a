// A comparison as a recording: that of B, with what changed since A beside its figures. It opens as any recording does, with one more tab.

import { mergeRecordings } from '../import/merge';
import { CHANGES_SECTION, type ChangeRow, type ChangesSection, type RecordingFile } from '../protocol';
import type { Comparison, FunctionChange } from './compare';

/** The largest changes first; a file must not hold more than anybody looks through. */
const MAX_ROWS = 5_000;

export function changesRecording(comparison: Comparison, b: readonly RecordingFile[]): RecordingFile {
  const file = mergeRecordings(b);
  const extra = file.ebpfTracer!;
  const { a, b: after, unit, functions } = comparison;
  const section: ChangesSection = {
    a: { title: a.title, recordings: a.recordings },
    b: { title: after.title, recordings: after.recordings },
    unit,
    rows: functions.slice(0, MAX_ROWS).map(rowOf),
  };
  const title = `${a.title} → ${after.title}`;
  return {
    ...file,
    name: title,
    ebpfTracer: { ...extra, title, sections: { ...extra.sections, [CHANGES_SECTION]: section } },
  };
}

/** JSON has no infinity. */
const finite = (value: number) => (Number.isFinite(value) ? value : null);

function rowOf({ name, file, line, before, how, total }: FunctionChange): ChangeRow {
  const { a, b, change, verdict } = total;
  const elsewhere = before !== null && (how !== 'same' || before.name !== name) ? before : null;
  const { estimate, low, high } = change;
  return {
    name,
    file,
    line,
    before: elsewhere,
    a,
    b,
    change: finite(estimate),
    low: finite(low) ?? -1,
    high: finite(high),
    verdict,
  };
}
