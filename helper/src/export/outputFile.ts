// The one place that puts a result on the disk: checked before anything is recorded, written beside its final name with mode 0600
// and renamed over it, so that what stands there is whole at every moment.

import { randomBytes } from 'node:crypto';
import { constants, type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { toErrorReport, tracerError } from '../protocol';

const PROBE_BYTES = 4096;
const OUR_START = Buffer.from('{"$schema":"https://www.speedscope.app/file-format-schema.json","exporter":"universal-');

/** Name of a file of ours that is being written; none is left behind after a rename or a failure. */
function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
}

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Throws OUTPUT_EXISTS where something stands that we did not write (`isOurs` reads its first bytes; default: a
 * recording of ours), OUTPUT_NOT_WRITABLE or DISK_FULL where no file can be made.
 */
export async function checkOutput(path: string, isOurs: (start: Buffer) => boolean = isOurRecording): Promise<void> {
  const status = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw tracerError('OUTPUT_NOT_WRITABLE', path, reason(error));
  });
  if (status?.isDirectory()) throw tracerError('OUTPUT_NOT_WRITABLE', path, 'it is a folder');
  if (status && !status.isFile()) throw tracerError('OUTPUT_EXISTS', path);
  if (status && status.size > 0 && !isOurs(await readStart(path))) throw tracerError('OUTPUT_EXISTS', path);
  // Some bytes, too: a full disk may still take an empty file.
  await writeProbe(temporaryName(path), path);
}

async function writeProbe(probe: string, path: string): Promise<void> {
  try {
    const file = await open(probe, CREATE, 0o600);
    try {
      await file.write(Buffer.alloc(PROBE_BYTES));
    } finally {
      await file.close();
      await unlink(probe);
    }
  } catch (error) {
    throw writeError(path, error);
  }
}

export function isOurRecording(start: Buffer): boolean {
  return start.subarray(0, OUR_START.length).equals(OUR_START);
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => {
    throw tracerError('OUTPUT_EXISTS', path);
  });
  try {
    const start = Buffer.alloc(256);
    return start.subarray(0, (await file.read(start, 0, start.length, 0)).bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * Writes `pieces` to `path` in one step. Throws DISK_FULL or OUTPUT_NOT_WRITABLE; what stood at `path` then stays.
 * `between` is awaited between pieces: a chance for others to work.
 */
export async function writeAtomically(
  path: string,
  pieces: Iterable<string | Uint8Array>,
  between: () => Promise<void> = async () => {},
): Promise<number> {
  const part = temporaryName(path);
  let file: FileHandle | null = null;
  let sizeBytes = 0;
  try {
    file = await open(part, CREATE, 0o600);
    for (const piece of pieces) {
      const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
      for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
      sizeBytes += bytes.length;
      await between();
    }
    await file.close();
    file = null;
    await rename(part, path);
    return sizeBytes;
  } catch (error) {
    await file?.close().catch(() => {});
    await unlink(part).catch(() => {});
    throw writeError(path, error);
  }
}

/** As TracerError where the system refused, else the error itself. */
function writeError(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return tracerError('DISK_FULL', path);
  return code ? tracerError('OUTPUT_NOT_WRITABLE', path, reason(error)) : error;
}

function reason(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ENOENT':
      return 'its folder does not exist';
    case 'ENOTDIR':
      return 'a part of its path is not a folder';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENAMETOOLONG':
      return 'the name is too long';
    default:
      return toErrorReport(error).message;
  }
}
