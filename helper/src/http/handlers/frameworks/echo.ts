// Echo: e.GET("/users/:id", show, …), groups by e.Group("/api").

import type { Framework } from '../types';
import { goRoutes, UPPER_VERBS } from './go';

export const ECHO: Framework = {
  name: 'Echo',
  endings: ['.go'],
  mentions: /labstack\/echo/,
  find: (source) =>
    goRoutes(source, { verbs: UPPER_VERBS, group: /\b(\w+)\s*:?=\s*(\w+)\.Group\(/g, handler: 'second' }),
};
