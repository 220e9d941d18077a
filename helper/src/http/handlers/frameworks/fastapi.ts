// FastAPI and Starlette-like decorators: @app.get("/users/{id}"); routers have a prefix where they are made and one where they are
// included, which may be another file.

import { joined } from '../paths';
import type { Framework } from '../types';
import { keyword, pythonDecorators, pythonPrefixes } from './python';

const INCLUDE = /\.\s*include_router\s*\(/g;

export const FASTAPI: Framework = {
  name: 'FastAPI',
  endings: ['.py'],
  mentions: /\bfastapi\b|\blitestar\b/i,
  find: (source) => {
    const routers = pythonPrefixes(source, 'APIRouter', 'prefix');
    const included = new Map<string, string>();
    for (const match of source.find(INCLUDE)) {
      const parts = source.arguments(match.index + match[0].length - 1)?.parts ?? [];
      if (parts[0]) included.set(parts[0].text, keyword(source, parts, 'prefix') ?? '');
    }
    return pythonDecorators(source, 'get|post|put|patch|delete|head|options|api_route|websocket').flatMap((one) => {
      const below = joined(routers.get(one.owner) ?? '', one.path);
      const mounted = included.get(one.owner);
      const whole = !routers.has(one.owner) || mounted !== undefined;
      const method = one.verb === 'api_route' ? '*' : one.verb === 'websocket' ? 'GET' : one.verb.toUpperCase();
      return { method, path: joined(mounted ?? '', below), whole, function: one.function, line: one.line };
    });
  },
};
