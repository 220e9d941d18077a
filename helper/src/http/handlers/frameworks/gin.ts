// Gin: r.GET("/users/:id", …, show), groups by r.Group("/api").

import type { Framework } from '../types';
import { goRoutes, UPPER_VERBS } from './go';

export const GIN: Framework = {
  name: 'Gin',
  endings: ['.go'],
  mentions: /gin-gonic\/gin/,
  find: (source) => goRoutes(source, { verbs: UPPER_VERBS, group: /\b(\w+)\s*:?=\s*(\w+)\.Group\(/g, handler: 'last' }),
};
