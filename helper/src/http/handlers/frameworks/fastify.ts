// Fastify: fastify.get('/users/:id', …, handler) and fastify.route({ method, url, handler }). A plug-in's prefix is given where it is
// registered, which may be another file.

import { handlerOf } from '../declared';
import { plainPath } from '../paths';
import type { SourceText } from '../sourceText';
import type { Framework, RouteDeclaration } from '../types';
import { scriptRoutes } from './express';

const ROUTE = /\b[\w$]+\s*\.\s*route\s*\(\s*\{/g;
/** An instance that somebody else made. */
const PLUGIN = /\b(?:async\s+)?(?:function\s*[\w$]*\s*)?\(\s*(?:fastify|app|instance|server)\b[^)\n]*\)/;

export const FASTIFY: Framework = {
  name: 'Fastify',
  endings: ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'],
  mentions: /\bfastify\b/i,
  find: (source) => {
    const whole = !PLUGIN.test(source.code);
    return [...scriptRoutes(source), ...objectRoutes(source)].map((route) => ({
      ...route,
      whole: route.whole && whole,
    }));
  },
};

function objectRoutes(source: SourceText): RouteDeclaration[] {
  const found: RouteDeclaration[] = [];
  for (const match of source.find(ROUTE)) {
    const parts = source.arguments(match.index + match[0].length - 1)?.parts ?? [];
    const member = (name: string) => parts.find(({ text }) => new RegExp(`^['"]?${name}\\b`).test(text));
    const textOf = (name: string) => {
      const one = member(name);
      const colon = one?.text.indexOf(':') ?? -1;
      return one && colon >= 0 ? source.literalAt(one.start + colon + 1)?.value : undefined;
    };
    const [path, handler] = [textOf('url') ?? textOf('path'), member('handler')];
    if (!path || !handler) continue;
    const method = (textOf('method') ?? '*').toUpperCase();
    const colon = handler.text.search(/:/);
    const expression = colon < 0 ? handler.text : handler.text.slice(colon + 1).trim();
    const name = `${method} ${plainPath(path)}`;
    found.push({ method, path: plainPath(path), whole: true, ...handlerOf(source, handler.start, expression, name) });
  }
  return found;
}
