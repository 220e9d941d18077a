// What leaves the helper of a request: targets without the values of their queries, without what names a person or opens a door,
// headers only where their name is on the list. Everything that shows or writes a span takes it from here.

import { foldPiece } from './routeShapes';
import { isToken } from './secrets';

export const REDACTED = '…';

/** Names of parameters that may be shown; their values never are. */
const PLAIN_NAME = /^[\w.[\]-]{1,40}$/;

/** A request's target as it was sent: `/users/17?token=x` becomes `/users/:id?token=…`. */
export function redactTarget(target: string): string {
  const end = target.search(/[?#]/);
  const place = end < 0 ? target : target.slice(0, end);
  return redactPlace(place) + (end < 0 ? '' : redactQuery(target.slice(end)));
}

/** Of a redacted target: the pieces that are parameters of its route stand as such. Beyond the bound of routes nothing is known of them. */
export function foldByRoute(target: string, route: string): string {
  const match = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)(.*)$/is.exec(target)!;
  const [, origin = '', path, rest] = match;
  if (!path.startsWith('/')) return target;
  if (!route.startsWith('/')) return `${origin}/${REDACTED}${rest}`;
  const known = route.split('/');
  const pieces = path.split('/').map((piece, i) => {
    if (i >= known.length) return REDACTED;
    return known[i].startsWith(':') ? known[i] : piece;
  });
  return origin + pieces.join('/') + rest;
}

function redactPlace(place: string): string {
  const absolute = /^([a-z][a-z0-9+.-]*:\/\/)([^/]*)(.*)$/i.exec(place);
  if (absolute) return absolute[1] + withoutUser(absolute[2]) + redactPath(absolute[3]);
  return place.startsWith('/') || place === '*' ? redactPath(place) : withoutUser(place);
}

/** `user:password@host` */
function withoutUser(authority: string): string {
  const at = authority.lastIndexOf('@');
  return at < 0 ? authority : `${REDACTED}@${authority.slice(at + 1)}`;
}

function redactPath(path: string): string {
  return path.split('/').map(foldPiece).join('/');
}

function redactQuery(query: string): string {
  if (query.startsWith('#')) return `#${REDACTED}`;
  const parts = query.slice(1).split('#', 1)[0].split(/[&;]/);
  const shown = parts.map((part) => {
    const equals = part.indexOf('=');
    const name = equals < 0 ? '' : part.slice(0, equals);
    return PLAIN_NAME.test(name) && !isToken(name) ? `${name}=${REDACTED}` : REDACTED;
  });
  return `?${shown.join('&')}`;
}

/** Methods are of the sender's choice, too. */
export function redactMethod(method: string): string {
  return /^[A-Z][A-Z-]{0,15}$/.test(method) ? method : REDACTED;
}

/** IPv4: the last number, IPv6: all but the first 48 bits. */
export function truncateAddress(address: string): string {
  if (address.includes(':')) return `${address.split(':').slice(0, 3).join(':')}::`;
  return address.replace(/\.\d+$/, '.0');
}
