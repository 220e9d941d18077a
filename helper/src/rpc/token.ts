// The helper's side of the folder in which it meets its client: checks that the folder is what it should be before anything in it is
// trusted, and compares what a client shows.

import { timingSafeEqual } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TOKEN_BYTES, TOKEN_NAME } from '../client/socketFolder';
import { tracerError } from '../protocol';

/**
 * The token in `dir`, for the helper, after it became the caller. Throws HELPER_START where the folder is not the
 * caller's own, or is open to others.
 */
export function readToken(dir: string, uid: number): string {
  const stat = lstatSync(dir);
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0)
    throw tracerError('HELPER_START', `${dir} is not a folder that only user ${uid} can open.`);
  const token = readFileSync(join(dir, TOKEN_NAME), 'utf8').trim();
  if (token.length < TOKEN_BYTES) throw tracerError('HELPER_START', `the token in ${dir} is too short.`);
  return token;
}

/** Compares in a time that tells nothing about where they differ. */
export function sameToken(shown: string, expected: string): boolean {
  const [a, b] = [Buffer.from(shown), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
