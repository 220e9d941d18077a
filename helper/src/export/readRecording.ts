// Reads a recording file back: ours, or a speedscope file of any other program, checked before it is trusted.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { parseRecording, type RecordingFile, readRecordingText } from '../protocol';

/** Throws NOT_A_RECORDING, RECORDING_TOO_LARGE or RECORDING_TOO_NEW. `warn` hears what was odd in a file that could be read. */
export async function readRecording(path: string, warn: (text: string) => void = () => {}): Promise<RecordingFile> {
  const text = await readRecordingText(path, {
    open: (name) => open(name, constants.O_RDONLY | constants.O_NONBLOCK),
    gunzip: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
    decode: (bytes, encoding) => new TextDecoder(encoding).decode(bytes),
  });
  return parseRecording(text, path, warn);
}

/** What one of a profile's figures weighs: a period of its metric in our own files, 1 in others': then weights are figures. */
export function weightOfFigure(file: RecordingFile, profile = 0): number {
  const { metrics, profiles } = file.ebpfTracer ?? {};
  const period = metrics?.[profiles?.[profile]?.metric ?? 0]?.period ?? null;
  return period === null ? 1 : Math.round(period);
}
