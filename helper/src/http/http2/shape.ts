// The shape of a path of HTTP/2, folded as the kernel folds those of HTTP/1 (bpf/lib/route.bpf.h), so that a route has one name
// whichever of the two it was asked by.

import { HTTP_ROUTE_BYTES } from '../../abi/httpEvents.gen';

/** Where the table of headers does not know it. */
export const UNKNOWN = '?';

const UUID_CHARACTERS = 36;
const HASH_DIGITS = 16;

function foldSegment(segment: string): string {
  if (segment === '' || !/^[\dA-Fa-f-]+$/.test(segment)) return segment;
  if (/^\d+$/.test(segment)) return ':id';
  if (segment.length === UUID_CHARACTERS && segment.split('-').length === 5) return ':uuid';
  if (!segment.includes('-') && /\d/.test(segment) && segment.length >= HASH_DIGITS) return ':hash';
  return segment;
}

/** Null: the request has no path (CONNECT). */
export function shapeOf(path: string | null): string {
  if (path === null) return ':host';
  if (path === '*' || path === UNKNOWN) return path;
  const end = path.search(/[?#]/);
  return (end < 0 ? path : path.slice(0, end)).split('/').map(foldSegment).join('/').slice(0, HTTP_ROUTE_BYTES);
}
