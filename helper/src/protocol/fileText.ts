// A recording file -> its text, as programs leave it: UTF-8 or UTF-16 with a byte order mark, compressed by gzip (as stock speedscope
// takes it). What is no regular file, or too large for one string, is refused before it is read. Command line and extension bring
// the parts that need Node.

import { tracerError } from './errors';

/** V8 holds no longer string (2^29 - 24 characters). */
export const MAX_RECORDING_BYTES = 512 * 1024 * 1024 - 24;

/** Read at once: others get their turn in between. */
const PIECE_BYTES = 16 * 1024 * 1024;

/** A file that was opened, in such a way that a pipe does not make us wait. */
export interface OpenedRecording {
  stat(): Promise<{ size: number; isFile(): boolean }>;
  /** Fills `bytes` from `from` on with what stands at `from` in the file; how many bytes there were. */
  read(bytes: Uint8Array, from: number, length: number, position: number): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}

export interface TextTools {
  open(path: string): Promise<OpenedRecording>;
  /** Throws where there would be more than `maxBytes`. */
  gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array;
  /** Leaves the byte order mark out. */
  decode(bytes: Uint8Array, encoding: 'utf-8' | 'utf-16le' | 'utf-16be'): string;
}

/** Throws NOT_A_RECORDING or RECORDING_TOO_LARGE. */
export async function readRecordingText(path: string, tools: TextTools): Promise<string> {
  return textOfBytes(await readRecordingBytes(path, tools), tools.decode);
}

export function textOfBytes(bytes: Uint8Array, decode: TextTools['decode']): string {
  return decode(bytes, encodingOf(bytes));
}

/** What is in the file, without its compression. Throws NOT_A_RECORDING or RECORDING_TOO_LARGE. */
export async function readRecordingBytes(path: string, tools: Omit<TextTools, 'decode'>): Promise<Uint8Array> {
  const refuse = (error: { code?: string; message: string }) => {
    const why = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw error.code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(path) : tracerError('NOT_A_RECORDING', path, why);
  };
  const file = await tools.open(path).catch(refuse);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return refuse({ message: 'it is no regular file' });
    if (stat.size > MAX_RECORDING_BYTES) throw tooLarge(path);
    const bytes = await readBounded(file, stat.size).catch(refuse);
    try {
      return bytes[0] === 0x1f && bytes[1] === 0x8b ? tools.gunzip(bytes, MAX_RECORDING_BYTES) : bytes;
    } catch (error) {
      return refuse(error as Error);
    }
  } finally {
    await file.close();
  }
}

/** Not to its end: a file that grows has none, and some files of /proc and FUSE have no size but endless content. */
async function readBounded(file: OpenedRecording, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let done = 0;
  while (done < sizeBytes) {
    const { bytesRead } = await file.read(bytes, done, Math.min(PIECE_BYTES, sizeBytes - done), done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
}

function tooLarge(path: string): Error {
  return tracerError('RECORDING_TOO_LARGE', path, Math.floor(MAX_RECORDING_BYTES / 2 ** 20) + 1);
}
