// Routers of Go: r.GET("/users/:id", handler) of Gin and Echo, r.Get of chi, HandleFunc and Handle of net/http and gorilla/mux; groups by
// variable, by a block that is called with its router (chi), or not at all.

import { handlerOf } from '../declared';
import { joined } from '../paths';
import type { SourceText } from '../sourceText';
import type { RouteDeclaration } from '../types';

export interface GoRules {
  /** Verbs as calls are written. */
  verbs: readonly string[];
  /** Group 1: new variable, 2: of which; ends at the bracket. Flag g. */
  group?: RegExp;
  /** Calls whose function takes the router of a path below: chi's r.Route("/x", func(r chi.Router) {…}). Flag g. */
  block?: RegExp;
  /** The handler is the last argument (Gin) or the first behind the path (Echo). */
  handler: 'last' | 'second';
}

export function goRoutes(source: SourceText, { verbs, group, block, handler }: GoRules): RouteDeclaration[] {
  const groups = new Map<string, string>();
  if (group)
    for (const match of source.find(group)) {
      const path = source.literalAt(match.index + match[0].length)?.value;
      if (path !== undefined) groups.set(match[1], joined(groups.get(match[2]) ?? '', path));
    }
  const blocks = block ? blocksOf(source, block) : [];
  const found: RouteDeclaration[] = [];
  for (const match of source.find(new RegExp(`\\b(\\w+)\\.(${verbs.join('|')})\\(`, 'g'))) {
    const open = match.index + match[0].length - 1;
    const written = source.literalAt(open + 1)?.value;
    const parts = written === undefined ? [] : (source.arguments(open)?.parts ?? []);
    const one = handler === 'last' ? parts.at(-1) : parts[1];
    if (written === undefined || !one || parts.length < 2) continue;
    const spaced = /^([A-Z]+) +(\S*)$/.exec(written);
    const path = (spaced ? spaced[2] : written).replace(/^[\w.-]+(?=\/)/, '').replace(/\/$/, '/{rest:path}');
    const around = blocks.filter(({ start, end }) => match.index > start && match.index < end).map((each) => each.path);
    const isSubtree = /^(?:HandleFunc|Handle)$/.test(match[2]);
    const full = joined(
      [...around, groups.get(match[1]) ?? ''].join('/'),
      isSubtree ? path : spaced ? spaced[2] : written,
    );
    const method = spaced ? spaced[1] : methodOf(match[2], source, open);
    const whole = !isParameter(source, match[1]) || around.length > 0 || groups.has(match[1]);
    found.push({
      method,
      path: full === '/*' && path === '/{rest:path}' ? '/*' : full,
      whole,
      ...handlerOf(source, one.start, one.text, `${method} ${full}`),
    });
  }
  return found;
}

function methodOf(verb: string, source: SourceText, open: number): string {
  if (!/^(?:HandleFunc|Handle|Any)$/.test(verb)) return verb.toUpperCase();
  // gorilla/mux: r.HandleFunc(…).Methods("GET")
  const end = source.arguments(open)?.end ?? open;
  const methods = /^\s*\.\s*Methods\s*\(/.exec(source.code.slice(end, end + 100));
  const named = methods ? source.literalAt(end + methods[0].length)?.value : undefined;
  return named && /^[A-Z]+$/.test(named) ? named : '*';
}

/** A router that a function is given: mounted elsewhere. */
function isParameter(source: SourceText, name: string): boolean {
  return new RegExp(
    `func[^{\\n]*\\(.{0,200}\\b${name}\\s+\\*?[\\w.]*(?:RouterGroup|Group|Router|ServeMux|IRouter|Mux)\\b`,
  ).test(source.code);
}

function blocksOf(source: SourceText, block: RegExp): { path: string; start: number; end: number }[] {
  return [...source.find(block)].flatMap((match) => {
    const open = match.index + match[0].length - 1;
    const [path, given] = [source.literalAt(open + 1)?.value, source.arguments(open)];
    return path === undefined || !given ? [] : [{ path, start: open, end: given.end }];
  });
}

export const UPPER_VERBS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'Any'];
