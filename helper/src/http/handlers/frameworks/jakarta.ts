// Jakarta REST: @Path above a class, @GET and its kin above methods, with a @Path of their own beside. The application's own path
// (@ApplicationPath) is not joined.

import type { Framework } from '../types';
import { decoratedRoutes } from './decorators';
import { JAVA_METHOD } from './spring';

export const JAKARTA: Framework = {
  name: 'Jakarta REST',
  endings: ['.java', '.kt'],
  mentions: /\b(?:jakarta|javax)\.ws\.rs/,
  find: (source) =>
    decoratedRoutes(source, {
      route: /@(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b/g,
      methodOf: (name) => name,
      prefix: /@Path\b(?=\s*\([^)]*\)[^;{}]*\bclass\b)/g,
      path: /@Path\b/g,
      declared: JAVA_METHOD,
    }).map((route) => ({ ...route, whole: false })),
};
