// After the helper was killed in mid-recording: its file holds what had arrived by the last checkpoint, and is marked here as not complete,
// in place as the command line does it, so that every reader can say so. A file that is no sound recording is left alone.

import { markIncomplete } from '../../../helper/src/client/recordingMark';
import { parseRecording, readRecordingText, type TracerProgress } from '../../../helper/src/protocol';
import { TEXT_TOOLS } from '../profile/recordingText';

/** What all tracers have counted together. */
export const countOf = (tracers: readonly TracerProgress[]): number =>
  tracers.reduce((sum, { count }) => sum + count, 0);

/** What the file holds, of all tracers together; null where there is none that can be read. */
export async function markHelperDied(path: string): Promise<number | null> {
  try {
    const { ebpfTracer } = parseRecording(await readRecordingText(path, TEXT_TOOLS), path);
    if (!ebpfTracer) return null;
    if (!ebpfTracer.complete) markIncomplete(path, 'helperDied');
    return ebpfTracer.tracers ? countOf(ebpfTracer.tracers) : ebpfTracer.metrics[0].samples;
  } catch {
    return null;
  }
}
