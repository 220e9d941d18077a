// Spring: @RequestMapping above a class, @GetMapping and its kin above methods. The servlet's context path is not looked for.

import type { Framework } from '../types';
import { decoratedRoutes } from './decorators';

/** Modifiers, a type with type arguments, the name. */
export const JAVA_METHOD =
  /(?:(?:public|private|protected|static|final|default|suspend|open|override|fun|async|virtual)\s+)*(?:[\w.?]+(?:<[^;{}()]{0,200}>)?(?:\[\])?\s+)?(\w+)\s*\(/y;

export const SPRING: Framework = {
  name: 'Spring',
  endings: ['.java', '.kt'],
  mentions: /org\.springframework/,
  find: (source) =>
    decoratedRoutes(source, {
      route: /@(Get|Post|Put|Patch|Delete|Request)Mapping\b/g,
      methodOf: (name, given) =>
        name === 'Request' ? (/RequestMethod\s*\.\s*([A-Z]+)/.exec(given)?.[1] ?? '*') : name.toUpperCase(),
      prefix: /@RequestMapping\b/g,
      declared: JAVA_METHOD,
    }).map((route) => ({ ...route, whole: false })),
};
