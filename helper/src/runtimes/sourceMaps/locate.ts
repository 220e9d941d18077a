// Where the map of a script is: in the URL itself, or in a file beside the script. Other places are not asked: nothing is fetched
// over a network for a target's sake.
// Specification: Source Map Revision 3 (ECMA-426), "Linking generated code to source maps"; data URLs: RFC 2397.

import { posix } from 'node:path';
import { MAX_MAP_BYTES, MAX_PATH_LENGTH } from './limits';
import { MapError, type MappedScript } from './types';

/** `url`: what relative names of sources are resolved against. */
export type MapPlace = { kind: 'text'; text: string; url: string } | { kind: 'file'; path: string; url: string };

export function locateMap({ scriptName, mapUrl }: MappedScript): MapPlace {
  const scriptPath = pathOfScript(scriptName);
  if (/^data:/i.test(mapUrl)) return { kind: 'text', text: textOfDataUrl(mapUrl), url: urlOfPath(scriptPath ?? '/') };
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(mapUrl)?.[1].toLowerCase();
  if (scheme !== undefined && scheme !== 'file') throw new MapError(`lies behind a ${scheme} URL`);
  if (scriptPath === null && scheme === undefined && !mapUrl.startsWith('/'))
    throw new MapError('is named relative to a script that is no file');
  const path =
    scheme === 'file'
      ? pathOfFileUrl(mapUrl)
      : posix.resolve(posix.dirname(scriptPath ?? '/'), decoded(mapUrl.replace(/[?#].*$/s, '')));
  if (path === null || path.length > MAX_PATH_LENGTH || path.includes('\0')) throw new MapError('has no usable name');
  return { kind: 'file', path, url: urlOfPath(path) };
}

/** Null where it is no file of a file system. */
export function pathOfScript(name: string): string | null {
  if (name.startsWith('file:')) return pathOfFileUrl(name);
  return name.startsWith('/') && name.length <= MAX_PATH_LENGTH ? name : null;
}

/** Null where it names another machine, or is damaged. */
export function pathOfFileUrl(url: string): string | null {
  const match = /^file:(?:\/\/(?:localhost)?)?(\/[^?#]*)/i.exec(url);
  if (!match || match[1].startsWith('//')) return null;
  const path = decoded(match[1]);
  return path.includes('\0') || path.length > MAX_PATH_LENGTH ? null : posix.normalize(path);
}

/** Only what a URL cannot have as it is: the resolver collapses `..` and leaves the rest. */
export function urlOfPath(path: string): string {
  return `file://${path.replace(/[%?#]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`;
}

/** As it is where it is not encoded rightly: then a `%` is a `%`. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function textOfDataUrl(url: string): string {
  const comma = url.indexOf(',');
  if (comma < 0) throw new MapError('is a damaged data URL');
  if (url.length - comma > MAX_MAP_BYTES * 1.4) throw new MapError('is too large');
  const isBase64 = /;\s*base64\s*$/i.test(url.slice(0, comma));
  const body = url.slice(comma + 1);
  return isBase64 ? Buffer.from(decoded(body), 'base64').toString('utf8') : decoded(body);
}
