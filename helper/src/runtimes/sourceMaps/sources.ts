// From the name that a map has for a source to a path. Bundlers write URLs of their own (`webpack://app/./src/a.ts?f00d`), whose
// path is relative to a folder that the map does not name: it is looked for above the script.

import { posix } from 'node:path';
import { MAX_PARENTS, MAX_PATH_LENGTH } from './limits';
import { decoded, pathOfFileUrl } from './locate';

/** Whether a regular file is there. */
export type FileExists = (path: string) => boolean;

/**
 * `source`: resolved against sourceRoot and the map's own URL. `scriptFolder` null: the script is no file. Null: the name is
 * unusable.
 */
export function pathOfSource(source: string, scriptFolder: string | null, exists: FileExists): string | null {
  if (source === '' || source.endsWith('/') || source.length > MAX_PATH_LENGTH || hasControls(source)) return null;
  if (/^file:/i.test(source)) {
    const literal = literalPath(source);
    // A name that was never encoded, `100%25.ts` on disk.
    if (literal && /[%?#]/.test(literal) && exists(literal)) return literal;
    const path = pathOfFileUrl(source);
    return path === null || hasControls(path) ? null : path;
  }
  const bundled = /^[a-z][a-z0-9+.-]*:\/\/[^/]*\/*(.*)$/is.exec(source);
  if (!bundled) return source.startsWith('/') ? posix.normalize(source) : source;
  const inner = decoded(bundled[1].replace(/[?#].*$/s, ''));
  if (inner === '' || hasControls(inner)) return null;
  const relative = posix.normalize(inner);
  // webpack://app/home/me/app/src/a.ts: the slash that an absolute path begins with is the URL's.
  if (exists(`/${relative}`)) return `/${relative}`;
  return scriptFolder === null ? relative : (above(relative, scriptFolder, exists) ?? relative);
}

function above(relative: string, from: string, exists: FileExists): string | null {
  let folder = from;
  for (let i = 0; i < MAX_PARENTS; i++) {
    const path = posix.join(folder, relative);
    if (exists(path)) return path;
    if (folder === '/') break;
    folder = posix.dirname(folder);
  }
  return null;
}

function literalPath(url: string): string | null {
  const path = /^file:\/\/(\/.*)$/is.exec(url)?.[1];
  return path === undefined ? null : posix.normalize(path);
}

function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 32 || unit === 127) return true;
  }
  return false;
}
