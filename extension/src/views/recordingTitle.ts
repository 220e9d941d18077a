// A recording's face: what its tab is called, `orders 20:47`, and with it the range of time that its page shows.

import { basename } from 'node:path';
import { FILE_SUFFIX } from '../../../helper/src/client/recordingNames';
import { type RecordingFile, type TimeRange, visibleText } from '../../../helper/src/protocol';
import { rangeText } from '../profile/shownPart';
import { formatClock } from '../session/format';

/** Tabs cut longer ones themselves; nobody needs a title of a megabyte. */
const MAX_TITLE_CHARS = 80;

export function recordingTitle(path: string, { ebpfTracer: extra }: RecordingFile, range: TimeRange | null): string {
  const file = basename(path);
  const name = file.endsWith(FILE_SUFFIX) ? file.slice(0, -FILE_SUFFIX.length) : file;
  const face = extra
    ? `${visibleText(extra.title.slice(0, MAX_TITLE_CHARS))} ${formatClock(new Date(extra.startedAt))}`
    : name;
  return range === null ? face : `${face} · ${rangeText(range)}`;
}
