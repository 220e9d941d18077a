// Reads a recording file back: ours, or any speedscope file with sampled profiles. Called by the CLI's export, and after
// a recording in another format than speedscope's.

import { readFile } from 'node:fs/promises';
import { RECORDING_FORMAT_VERSION, type RecordingFile, tracerError } from '../protocol';

/** Throws NOT_A_RECORDING or RECORDING_TOO_NEW. */
export async function readRecording(path: string): Promise<RecordingFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw tracerError('NOT_A_RECORDING', path, code === 'ENOENT' ? 'there is no such file' : message);
  }
  return parseRecording(text, path);
}

export function parseRecording(text: string, path: string): RecordingFile {
  const refuse = (why: string) => tracerError('NOT_A_RECORDING', path, why);
  let file: RecordingFile;
  try {
    file = JSON.parse(text);
  } catch {
    throw refuse('it is not JSON');
  }
  const version = file?.ebpfTracer?.formatVersion;
  if (typeof version === 'number' && version > RECORDING_FORMAT_VERSION)
    throw tracerError('RECORDING_TOO_NEW', path, version);
  const frames = file?.shared?.frames;
  if (!Array.isArray(frames) || !Array.isArray(file.profiles)) throw refuse('it has no frames and profiles');
  if (!frames.every((frame) => typeof frame?.name === 'string')) throw refuse('a frame has no name');
  for (const profile of file.profiles) {
    const { type, samples, weights } = profile ?? {};
    if (type !== 'sampled') throw refuse('it holds other than sampled profiles');
    if (!Array.isArray(samples) || !Array.isArray(weights) || samples.length !== weights.length)
      throw refuse('samples and weights do not match');
    const known = (frame: number) => Number.isInteger(frame) && frame >= 0 && frame < frames.length;
    if (!samples.every((stack) => Array.isArray(stack) && stack.every(known)) || !weights.every(Number.isFinite))
      throw refuse('a sample names a frame that is not there');
  }
  return file;
}

/** ns a sample in our own files, 1 in others': then weights are taken as they are. */
export function periodOf(file: RecordingFile): number {
  return file.ebpfTracer ? Math.round(1e9 / file.ebpfTracer.frequencyHz) : 1;
}
