// Which declared route an observed one is: by method and by the pieces of its path. Where two functions come into question alike,
// none is claimed.

import { HANDLER_CONFIDENCE_LEAST, type HttpHandler } from '../../protocol';
import type { DeclaredRoute } from './types';

/** Of a declaration that is all that is known of a route. */
const WHOLE = 0.9;
/** Mounted below something that was not read. */
const BELOW = 0.75;
/** Nothing but the number of pieces says that it is the one. */
const PARAMETERS_ALONE = 0.25;
const FUNCTION_NOT_FOUND = 0.1;

const piecesOf = (path: string) => path.split('/').filter((piece) => piece !== '');
const isParameter = (piece: string) => piece.startsWith(':');

export class RouteMatcher {
  /** By the number of pieces of those without `*`, and those with it. */
  private readonly declared: { route: DeclaredRoute; pieces: string[] }[];
  private readonly known = new Map<string, HttpHandler | null>();

  constructor(routes: readonly DeclaredRoute[]) {
    this.declared = routes.map((route) => ({ route, pieces: piecesOf(route.path) }));
  }

  handlerOf(method: string, route: string): HttpHandler | null {
    const key = `${method} ${route}`;
    let handler = this.known.get(key);
    if (handler === undefined) {
      handler = this.find(method, route);
      this.known.set(key, handler);
    }
    return handler;
  }

  private find(method: string, observed: string): HttpHandler | null {
    if (!observed.startsWith('/')) return null;
    const pieces = piecesOf(observed);
    let best: { route: DeclaredRoute; score: number } | null = null;
    let isTied = false;
    for (const { route, pieces: declared } of this.declared) {
      if (!fitsMethod(route.method, method)) continue;
      const score = closeness(declared, pieces, route);
      if (score === null || (best && score < best.score)) continue;
      isTied =
        best !== null && score === best.score && (best.route.file !== route.file || best.route.line !== route.line);
      if (!best || score > best.score) best = { route, score };
    }
    return best && !isTied ? handlerFrom(best.route, observed) : null;
  }
}

/** An answer to HEAD or OPTIONS comes from what answers GET, unless it is declared. */
function fitsMethod(declared: string, method: string): boolean {
  return declared === '*' || declared === method || (method === 'HEAD' && declared === 'GET');
}

/** Greater is closer; null: it is another route. What was folded fits a parameter alone. */
function closeness(
  declared: readonly string[],
  observed: readonly string[],
  { whole, method }: DeclaredRoute,
): number | null {
  const rest = declared.at(-1) === '*';
  const fixed = rest ? declared.slice(0, -1) : declared;
  const below = observed.length - fixed.length;
  if (below < 0) return null;
  const literals = fixed.filter((piece) => !isParameter(piece)).length;
  // Below a prefix that is not known, only something with a word in it can be recognized.
  const from = rest || below === 0 ? 0 : !whole && literals > 0 ? below : -1;
  if (from < 0) return null;
  for (const [i, piece] of fixed.entries()) {
    const seen = observed[from + i];
    if (!isParameter(piece) && piece !== seen) return null;
  }
  return literals * 100 + fixed.length * 10 - (rest ? 5 : 0) - (from > 0 ? 8 : 0) - (method === '*' ? 1 : 0);
}

function handlerFrom(route: DeclaredRoute, observed: string): HttpHandler | null {
  const { framework, method, path, function: name, file, line } = route;
  const fixed = piecesOf(path).filter((piece) => piece !== '*');
  const parametersAlone = fixed.length > 0 && fixed.every(isParameter);
  const isBelow = piecesOf(observed).length > fixed.length && !path.endsWith('*');
  const confidence =
    (isBelow ? BELOW : WHOLE) -
    (parametersAlone ? PARAMETERS_ALONE : 0) -
    (route.elsewhere ? FUNCTION_NOT_FOUND : 0) -
    (path.endsWith('*') && fixed.length === 0 ? PARAMETERS_ALONE : 0);
  if (confidence < HANDLER_CONFIDENCE_LEAST) return null;
  const evidence = [`${framework} declares ${method === '*' ? 'any method' : method} ${path}`];
  if (isBelow) evidence.push('what it is mounted below was not read');
  if (route.elsewhere) evidence.push('the line is that of the declaration, whose function was not found');
  return { function: name, file, line, confidence: Math.round(confidence * 100) / 100, evidence };
}
