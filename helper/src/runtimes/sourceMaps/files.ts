// Files that maps and scripts name, read with the rights of the user who records and no more: regular ones only, never waiting,
// links followed within the target's own file system.

import { closeSync, readSync } from 'node:fs';
import { openRegular, pathInRoot } from '../../process/roots';
import { MAX_MAP_BYTES } from './limits';
import { MapError } from './types';

const CHUNK_BYTES = 8 * 1024 * 1024;

/** Throws MapError where it cannot be had. */
export function readMapFile(rootPrefix: string, path: string): string {
  const real = pathInRoot({ prefix: rootPrefix, fd: null }, path);
  const opened = real === null ? null : openRegular(real);
  if (!opened) throw new MapError('is not there, or may not be read');
  try {
    if (opened.sizeBytes > MAX_MAP_BYTES) throw new MapError('is too large');
    const bytes = Buffer.allocUnsafe(opened.sizeBytes);
    let at = 0;
    while (at < bytes.length) {
      const got = readSync(opened.fd, bytes, at, Math.min(CHUNK_BYTES, bytes.length - at), at);
      if (got === 0) break;
      at += got;
    }
    return bytes.toString('utf8', 0, at);
  } catch (error) {
    if (error instanceof MapError) throw error;
    throw new MapError('could not be read');
  } finally {
    closeSync(opened.fd);
  }
}

export function fileExists(rootPrefix: string, path: string): boolean {
  const real = pathInRoot({ prefix: rootPrefix, fd: null }, path);
  const opened = real === null ? null : openRegular(real);
  if (!opened) return false;
  closeSync(opened.fd);
  return true;
}
