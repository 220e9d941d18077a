// From the shapes that the kernel made of paths (bpf/lib/route.bpf.h) to routes: pieces that only a longer look tells to be ids
// are folded, and places that have too many different pieces are one parameter. No configuration; the same shapes give the same routes.

import { decoded, isCardNumber, isEmail, isToken } from './secrets';

export const OTHER_ROUTE = '(other)';
/** Different pieces at one place of a path from which on it is a parameter. */
export const PIECES_MOST = 32;

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/i;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const UUID = /^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$/i;

/** A piece of a path, folded by what it is itself. */
export function foldPiece(piece: string): string {
  if (piece.length === 0 || piece.startsWith(':')) return piece;
  const plain = decoded(piece);
  if (isEmail(plain)) return ':email';
  if (/^\d+$/.test(plain) || isCardNumber(plain)) return ':id';
  if (UUID.test(plain)) return ':uuid';
  if (DATE.test(plain)) return ':date';
  if (ULID.test(plain) && /\d/.test(plain)) return ':ulid';
  const withSuffix = /^(.+)(\.[a-z]{1,5})$/i.exec(plain);
  if (withSuffix && /^(?:\d+|[0-9a-f]{16,})$/i.test(withSuffix[1])) return `:id${withSuffix[2]}`;
  if (isToken(plain)) return ':token';
  // Anything else that is encoded was typed by somebody, not by the route's author.
  if (plain !== piece || /[@=;:,]/.test(plain)) return ':text';
  return piece;
}

export function foldShape(shape: string): string {
  if (!shape.startsWith('/')) return shape;
  return shape.split('/').map(foldPiece).join('/');
}

interface Place {
  children: Map<string, Place>;
}

/** Shape -> route, over all shapes of one method together. */
export function routesOf(shapes: readonly string[]): Map<string, string> {
  const root: Place = { children: new Map() };
  const folded = shapes.map(foldShape);
  for (const shape of folded) insert(root, shape.split('/'));
  merge(root);
  return new Map(shapes.map((shape, i) => [shape, routeAt(root, folded[i])]));
}

function insert(root: Place, pieces: string[]): void {
  let place = root;
  for (const piece of pieces) {
    let child = place.children.get(piece);
    if (!child) {
      child = { children: new Map() };
      place.children.set(piece, child);
    }
    place = child;
  }
}

const PARAMETER = ':slug';

/** Depth first from the top: children of a place with too many become one, with all that is below them. */
function merge(place: Place): void {
  const named = [...place.children].filter(([piece]) => !piece.startsWith(':'));
  if (named.length > PIECES_MOST) {
    const parameter = place.children.get(PARAMETER) ?? { children: new Map() };
    for (const [piece, child] of named) {
      place.children.delete(piece);
      adopt(parameter, child);
    }
    place.children.set(PARAMETER, parameter);
  }
  for (const child of place.children.values()) merge(child);
}

function adopt(into: Place, from: Place): void {
  for (const [piece, child] of from.children) {
    const known = into.children.get(piece);
    if (known) adopt(known, child);
    else into.children.set(piece, child);
  }
}

function routeAt(root: Place, shape: string): string {
  let place: Place | undefined = root;
  const route = shape.split('/').map((piece) => {
    const taken: string = place?.children.has(piece) ? piece : PARAMETER;
    place = place?.children.get(taken);
    return taken;
  });
  return route.join('/');
}
