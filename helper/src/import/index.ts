// THE table of formats of other programs that can be opened, and the one way to open a file whatever wrote it: a reader is a file here
// and a line in the table. What none of them can read is refused once, with the reason of the one that knows such files.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { type RecordingFile, readRecordingBytes, textOfBytes, tracerError } from '../protocol';
import { CPU_PROFILE } from './cpuProfile';
import { FIREFOX } from './firefox';
import { FOLDED } from './folded';
import { PERF_SCRIPT } from './perfScript';
import { PPROF } from './pprof';
import type { ForeignFile, Reader } from './reader';
import { SPEEDSCOPE } from './speedscope';
import { Unreadable } from './unreadable';

export const READERS: readonly Reader[] = [SPEEDSCOPE, CPU_PROFILE, FIREFOX, PPROF, PERF_SCRIPT, FOLDED];

/** Looked at to know a format. */
const START_BYTES = 8_192;

/** Throws NOT_A_RECORDING, RECORDING_TOO_LARGE or RECORDING_TOO_NEW. `warn` hears what was odd in a file that could be read. */
export async function readAnyRecording(path: string, warn: (text: string) => void = () => {}): Promise<RecordingFile> {
  const bytes = await readRecordingBytes(path, {
    open: (name) => open(name, constants.O_RDONLY | constants.O_NONBLOCK),
    gunzip: (packed, maxOutputLength) => gunzipSync(packed, { maxOutputLength }),
  });
  return readForeign(path, bytes, warn);
}

export async function readForeign(
  path: string,
  bytes: Uint8Array,
  warn: (text: string) => void = () => {},
): Promise<RecordingFile> {
  let decoded: string | null = null;
  const decode = (encoding: string) => new TextDecoder(encoding).decode(bytes);
  const text = () => (decoded ??= textOfBytes(bytes, (_, encoding) => decode(encoding)));
  const file: ForeignFile = { path, bytes, text };
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(START_BYTES, bytes.length)).toString('latin1');
  const reader = READERS.find((one) => one.recognizes(file, start));
  if (!reader)
    throw tracerError('NOT_A_RECORDING', path, `it is in none of the formats that can be read (${formats()})`);
  try {
    const recording = await reader.read(file, warn);
    for (const remark of remarksOf(recording)) warn(`${path}: ${remark}`);
    return recording;
  } catch (error) {
    if (error instanceof Unreadable) throw tracerError('NOT_A_RECORDING', path, error.message);
    throw error;
  }
}

function formats(): string {
  return READERS.map(({ title }) => title).join('; ');
}

function remarksOf({ ebpfTracer }: RecordingFile): string[] {
  const section = ebpfTracer?.sections?.import as { remarks?: unknown } | undefined;
  return Array.isArray(section?.remarks) ? section.remarks.filter((one) => typeof one === 'string') : [];
}
