// Reads a recording file back: ours, or a speedscope file of any other program, checked before it is trusted.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import {
  NotSpeedscope,
  OddEvents,
  parseSpeedscope,
  RECORDING_FORMAT_VERSION,
  type RecordingFile,
  readRecordingText,
  tracerError,
} from '../protocol';

/** Throws NOT_A_RECORDING, RECORDING_TOO_LARGE or RECORDING_TOO_NEW. `warn` hears what was odd in a file that could be read. */
export async function readRecording(path: string, warn: (text: string) => void = () => {}): Promise<RecordingFile> {
  const text = await readRecordingText(path, {
    open: (name) => open(name, constants.O_RDONLY | constants.O_NONBLOCK),
    gunzip: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
    decode: (bytes, encoding) => new TextDecoder(encoding).decode(bytes),
  });
  return parseRecording(text, path, warn);
}

export function parseRecording(text: string, path: string, warn: (text: string) => void = () => {}): RecordingFile {
  const refuse = (why: string) => tracerError('NOT_A_RECORDING', path, why);
  const first = (extra: unknown) => {
    const version = (extra as RecordingFile['ebpfTracer'])?.formatVersion;
    if (typeof version === 'number' && version > RECORDING_FORMAT_VERSION)
      throw tracerError('RECORDING_TOO_NEW', path, version);
  };
  let file: RecordingFile;
  try {
    const { file: found, oddEvents } = parseSpeedscope(text, { repair: true, first });
    file = found;
    if (oddEvents > 0) warn(`${path}: ${new OddEvents(oddEvents).message}.`);
  } catch (error) {
    throw error instanceof NotSpeedscope ? refuse(error.message) : error;
  }
  return file;
}

/** What one of a profile's figures weighs: a period of its metric in our own files, 1 in others': then weights are figures. */
export function weightOfFigure(file: RecordingFile, profile = 0): number {
  const { metrics, profiles } = file.ebpfTracer ?? {};
  const period = metrics?.[profiles?.[profile]?.metric ?? 0]?.period ?? null;
  return period === null ? 1 : Math.round(period);
}
