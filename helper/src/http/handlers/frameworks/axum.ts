// axum: Router::new().route("/users/{id}", get(show).post(create)); nest() mounts what may be in another function.

import { handlerOf } from '../declared';
import { METHODS, plainPath } from '../paths';
import type { Framework, RouteDeclaration } from '../types';

const ROUTE = /\.\s*route\s*\(/g;
const VERB = new RegExp(`(?:^|[.:]|\\b)(${METHODS.join('|')}|any)\\s*\\(`, 'g');

export const AXUM: Framework = {
  name: 'axum',
  endings: ['.rs'],
  mentions: /\baxum\b/,
  find: (source) => {
    const whole = !/\.\s*nest\s*\(/.test(source.code);
    const found: RouteDeclaration[] = [];
    for (const match of source.find(ROUTE)) {
      const open = match.index + match[0].length - 1;
      const written = source.literalAt(open + 1)?.value;
      const handlers = written === undefined ? undefined : source.arguments(open)?.parts[1];
      if (written === undefined || !handlers) continue;
      const path = plainPath(written);
      VERB.lastIndex = 0;
      for (let verb = VERB.exec(handlers.text); verb; verb = VERB.exec(handlers.text)) {
        const given = source.arguments(handlers.start + VERB.lastIndex - 1);
        const one = given?.parts[0];
        if (!given || !one) continue;
        VERB.lastIndex = given.end - handlers.start;
        const method = verb[1] === 'any' ? '*' : verb[1].toUpperCase();
        found.push({ method, path, whole, ...handlerOf(source, one.start, one.text, `${method} ${path}`) });
      }
    }
    return found;
  },
};
