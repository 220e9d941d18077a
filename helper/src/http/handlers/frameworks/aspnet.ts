// ASP.NET: [Route("api/[controller]")] above a class, [HttpGet("{id}")] above its methods; and app.MapGet("/users/{id}", handler) with
// app.MapGroup("/api").

import { handlerOf } from '../declared';
import { joined, plainPath } from '../paths';
import type { SourceText } from '../sourceText';
import type { Framework, RouteDeclaration } from '../types';
import { decoratedRoutes } from './decorators';
import { JAVA_METHOD } from './spring';

const MAP = /\b(\w+)\s*\.\s*Map(Get|Post|Put|Patch|Delete)\s*\(/g;
const GROUP = /\b(\w+)\s*=\s*(\w+)\s*\.\s*MapGroup\s*\(/g;

export const ASP_NET: Framework = {
  name: 'ASP.NET',
  endings: ['.cs'],
  mentions: /Microsoft\.AspNetCore|WebApplication|\bHttpGet\b|\bMapGet\b/,
  find: (source) => [
    ...decoratedRoutes(source, {
      route: /(?<=[[,]\s{0,4})Http(Get|Post|Put|Patch|Delete|Head|Options)\b/g,
      methodOf: (name) => name.toUpperCase(),
      prefix: /(?<=[[,]\s{0,4})Route\b(?=\s*\()/g,
      declared: JAVA_METHOD,
      classWord: '[controller]',
      isAbsolute: (path) => /^~?\//.test(path),
    }),
    ...minimalRoutes(source),
  ],
};

function minimalRoutes(source: SourceText): RouteDeclaration[] {
  const groups = new Map<string, string>();
  for (const match of source.find(GROUP)) {
    const path = source.literalAt(match.index + match[0].length)?.value;
    if (path !== undefined) groups.set(match[1], joined(groups.get(match[2]) ?? '', path));
  }
  const found: RouteDeclaration[] = [];
  for (const match of source.find(MAP)) {
    const open = match.index + match[0].length - 1;
    const path = source.literalAt(open + 1)?.value;
    const handler = path === undefined ? undefined : source.arguments(open)?.parts[1];
    if (path === undefined || !handler) continue;
    const full = joined(groups.get(match[1]) ?? '', path);
    const method = match[2].toUpperCase();
    const whole = groups.has(match[1]) || plainPath(path) === full;
    found.push({ method, path: full, whole, ...handlerOf(source, handler.start, handler.text, `${method} ${full}`) });
  }
  return found;
}
