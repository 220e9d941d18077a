// Reads a recording file's text. Everything after this may trust its shape. Called by the recording editor, which shows
// the error in its place.

import {
  type AnyRecordingFile,
  isWholeExtra,
  RECORDING_FORMAT_VERSION,
  type RecordingFile,
  tracerError,
  upgradeRecording,
} from '../../../helper/src/protocol';

/** Throws NOT_A_RECORDING or RECORDING_TOO_NEW. A speedscope file of another profiler is fine: it has no `ebpfTracer`. */
export function readRecording(text: string, path: string): RecordingFile {
  const refuse = (why: string) => tracerError('NOT_A_RECORDING', path, why);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse(text.trim() === '' ? 'it is empty' : 'it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('it holds no object');
  const file = value as Partial<AnyRecordingFile>;
  if (!Array.isArray(file.shared?.frames)) throw refuse('it has no list of frames');
  if (!Array.isArray(file.profiles)) throw refuse('it has no list of profiles');
  if (file.shared.frames.some((frame) => typeof frame?.name !== 'string')) throw refuse('a frame has no name');
  const extra = file.ebpfTracer;
  if (extra !== undefined) {
    if (typeof extra !== 'object' || extra === null || typeof extra.formatVersion !== 'number')
      throw refuse('its ebpfTracer part has no format version');
    if (extra.formatVersion > RECORDING_FORMAT_VERSION)
      throw tracerError('RECORDING_TOO_NEW', path, extra.formatVersion);
    if (!isWholeExtra(extra)) throw refuse('its ebpfTracer part is not whole');
  }
  return upgradeRecording(file as AnyRecordingFile);
}
