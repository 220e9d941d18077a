// actix-web: #[get("/users/{id}")] above a function; web::resource("/users").route(web::post().to(create)) and App::route. A scope's
// prefix is that of the scope around it.

import { handlerOf } from '../declared';
import { joined, METHODS, plainPath } from '../paths';
import type { Framework, RouteDeclaration } from '../types';

const ATTRIBUTE = new RegExp(`#\\[(?:actix_web::|web::)?(${METHODS.join('|')})\\(`, 'g');
const FUNCTION = /\bfn\s+(\w+)/g;
const ROUTE = /(?:\.\s*route|web::resource)\s*\(/g;
const TO = new RegExp(`\\b(${METHODS.join('|')})\\(\\)[\\s\\S]{0,200}?\\.to\\(`, 'g');
const SCOPE = /\bscope\s*\(/g;

export const ACTIX: Framework = {
  name: 'actix-web',
  endings: ['.rs'],
  mentions: /\bactix_web\b/,
  find: (source) => {
    const scoped = [...source.find(SCOPE)].length > 0;
    const found: RouteDeclaration[] = [];
    for (const match of source.find(ATTRIBUTE)) {
      const open = match.index + match[0].length - 1;
      const written = source.literalAt(open + 1)?.value;
      FUNCTION.lastIndex = open;
      const named = FUNCTION.exec(source.code);
      if (written === undefined || !named) continue;
      found.push({
        method: match[1].toUpperCase(),
        path: plainPath(written),
        whole: !scoped,
        function: named[1],
        line: source.lineAt(named.index),
      });
    }
    for (const match of source.find(ROUTE)) {
      const open = match.index + match[0].length - 1;
      const written = source.literalAt(open + 1)?.value;
      if (written === undefined) continue;
      // A resource's routes follow it; a route has its own behind the comma.
      const end = source.arguments(open)?.end ?? open;
      const isResource = match[0].startsWith('web');
      const text = source.code.slice(isResource ? end : open, isResource ? resourceEnd(source.code, end) : end);
      TO.lastIndex = 0;
      for (let to = TO.exec(text); to; to = TO.exec(text)) {
        const at = (isResource ? end : open) + TO.lastIndex - 1;
        const one = source.arguments(at)?.parts[0];
        if (!one) continue;
        const [method, path] = [to[1].toUpperCase(), joined('', written)];
        found.push({ method, path, whole: !scoped, ...handlerOf(source, one.start, one.text, `${method} ${path}`) });
      }
    }
    return found;
  },
};

/** Up to the bracket that closes what the resource is given to. */
function resourceEnd(code: string, from: number): number {
  let depth = 0;
  for (let at = from; at < Math.min(code.length, from + 4_000); at++) {
    if (code[at] === '(') depth++;
    else if (code[at] === ')' && --depth < 0) return at;
    else if ((code[at] === ';' || code[at] === ',') && depth === 0) return at;
  }
  return from;
}
