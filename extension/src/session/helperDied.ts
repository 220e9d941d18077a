// After the helper was killed in mid-recording: its file holds what had arrived by the last checkpoint, and is marked
// here as not complete, so that every reader can say so. Called by recordingSession.ts.

import { rename, rm, writeFile } from 'node:fs/promises';
import { parseRecording, readRecordingText } from '../../../helper/src/protocol';
import { TEXT_TOOLS } from '../profile/recordingText';

/** Samples kept in the file; null where there is none that can be read. Atomic: the old file stays until the new is whole. */
export async function markHelperDied(path: string): Promise<number | null> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = parseRecording(await readRecordingText(path, TEXT_TOOLS), path);
    if (!file.ebpfTracer) return null;
    if (file.ebpfTracer.complete) return file.ebpfTracer.metrics[0].samples;
    file.ebpfTracer.stopReason = 'helperDied';
    await writeFile(temporary, JSON.stringify(file), { mode: 0o600 });
    await rename(temporary, path);
    return file.ebpfTracer.metrics[0].samples;
  } catch {
    await rm(temporary, { force: true });
    return null;
  }
}
