// What of a recording the page shows, as a recording: the editors' bars, lenses and hovers, and exports are of the same. Pure.

import {
  cutRecording,
  type FoldRule,
  foldRecording,
  foldsNothing,
  hasTimes,
  type RecordingFile,
  type TimeRange,
} from '../../../helper/src/protocol';

export interface ShownPart {
  /** null: all of the time. */
  range: TimeRange | null;
  rule: FoldRule;
}

export const showsAll = ({ range, rule }: ShownPart): boolean => range === null && foldsNothing(rule);

/** The recording itself where all of it is shown, and where it does not know what is asked for. */
export function partOf(recording: RecordingFile, { range, rule }: ShownPart): RecordingFile {
  const cut = range !== null && hasTimes(recording) ? cutRecording(recording, range) : recording;
  return foldRecording(cut, rule);
}

/** `12.0 s to 20.0 s`, for titles and file names alike. */
export function rangeText({ fromMs, toMs }: TimeRange): string {
  const digits = toMs - fromMs < 2_000 ? 2 : 1;
  return `${(fromMs / 1000).toFixed(digits)}–${(toMs / 1000).toFixed(digits)} s`;
}
