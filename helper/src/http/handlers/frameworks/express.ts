// Express, and what has its way of routes: app.get('/users/:id', …, handler), router.route('/users').post(handler),
// app.use('/api', router).

import { handlerOf } from '../declared';
import { joined, METHODS, plainPath } from '../paths';
import type { SourceText } from '../sourceText';
import type { Framework, RouteDeclaration } from '../types';

const VERBS = [...METHODS, 'all', 'del'].join('|');
const CALL = new RegExp(`\\b([\\w$]+)\\s*\\.\\s*(${VERBS})\\s*\\(`, 'g');
const ROUTE = /\b([\w$]+)\s*\.\s*route\s*\(/g;
const VERB_CALL = new RegExp(`\\.\\s*(${VERBS})\\s*\\(`, 'y');
const USE = /\b[\w$]+\s*\.\s*use\s*\(/g;
const APP = /\b([\w$]+)\s*=\s*(?:await\s+)?(?:[\w$.]*\brouter|new [\w$.]*Router|[\w$]*[Rr]outer)\s*\(/gi;

const methodOf = (verb: string) => (verb === 'all' ? '*' : verb === 'del' ? 'DELETE' : verb.toUpperCase());

export const EXPRESS: Framework = {
  name: 'Express',
  endings: ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.jsx', '.tsx'],
  mentions: /\bexpress\b|\bpolka\b|\brestify\b/,
  find: (source) => scriptRoutes(source),
};

/** Of routers by a variable: those that `use` mounts in this file have their prefix, others one that is not known. */
export function scriptRoutes(source: SourceText): RouteDeclaration[] {
  const routers = new Set([...source.find(APP)].map(([, name]) => name));
  const mounted = mountsOf(source);
  const found: RouteDeclaration[] = [];
  const add = (router: string, verb: string, path: string, parts: { start: number; text: string }[]) => {
    const handler = parts.at(-1);
    if (!handler) return;
    const prefix = mounted.get(router);
    const full = prefix === undefined ? plainPath(path) : joined(prefix, path);
    const whole = prefix !== undefined || !routers.has(router);
    const method = methodOf(verb);
    found.push({ method, path: full, whole, ...handlerOf(source, handler.start, handler.text, `${method} ${full}`) });
  };
  for (const match of source.find(CALL)) {
    const open = match.index + match[0].length - 1;
    const path = source.literalAt(open + 1)?.value;
    const parts = path?.startsWith('/') ? source.arguments(open)?.parts : undefined;
    if (path && parts && parts.length > 1) add(match[1], match[2], path, parts.slice(1));
  }
  for (const match of source.find(ROUTE)) {
    const open = match.index + match[0].length - 1;
    const path = source.literalAt(open + 1)?.value;
    let end = path?.startsWith('/') ? source.arguments(open)?.end : undefined;
    while (path && end !== undefined) {
      VERB_CALL.lastIndex = source.skipBlanks(end);
      const verb = VERB_CALL.exec(source.code);
      const call = verb && source.arguments(VERB_CALL.lastIndex - 1);
      if (!call) break;
      add(match[1], verb[1], path, call.parts);
      end = call.end;
    }
  }
  return found;
}

/** Last name of what is mounted -> where. */
function mountsOf(source: SourceText): Map<string, string> {
  const mounts = new Map<string, string>();
  for (const match of source.find(USE)) {
    const open = match.index + match[0].length - 1;
    const path = source.literalAt(open + 1)?.value;
    const last = path === undefined ? undefined : source.arguments(open)?.parts.at(-1)?.text;
    const name = /^([\w$]+)(?:\.routes\(\))?$/.exec(last ?? '')?.[1];
    if (path !== undefined && name) mounts.set(name, path);
  }
  return mounts;
}
