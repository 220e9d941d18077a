// What finders of several frameworks do alike: which function a handler's expression names, and where it is.

import type { SourceText } from './sourceText';
import type { RouteDeclaration } from './types';

const INLINE = /^(?:async\b|function\b|func\b|\(|\||move\b|lambda\b|[\w$]+ *=>|new\b)|=>/;

/** Of the expression that begins at `start`: `users.show` is `show`; a function written there is named by its route. */
export function handlerOf(
  source: SourceText,
  start: number,
  expression: string,
  route: string,
): Pick<RouteDeclaration, 'function' | 'line' | 'elsewhere'> {
  const inline = { function: route, line: source.lineAt(start) };
  const named = /^(?:async +)?function\*? +([\w$]+)/.exec(expression);
  if (named) return { function: named[1], line: inline.line };
  if (INLINE.test(expression)) return inline;
  // Wrapped once: asyncHandler(show), web::get().to(show), authMiddleware(http.HandlerFunc(show)).
  const inner = /\(([\w$.:&*]+)\)+$/.exec(expression)?.[1] ?? expression;
  const name = /([\w$]+)(?:\.bind)?$/.exec(inner)?.[1];
  if (!name || name.startsWith('_')) return inline;
  const line = source.lineOfFunction(name);
  return line === null ? { function: name, line: inline.line, elsewhere: true } : { function: name, line };
}
