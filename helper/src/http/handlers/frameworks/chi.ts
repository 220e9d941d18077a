// chi: r.Get("/users/{id}", show), below r.Route("/api", func(r chi.Router) { … }).

import type { Framework } from '../types';
import { goRoutes } from './go';

export const CHI: Framework = {
  name: 'chi',
  endings: ['.go'],
  mentions: /go-chi\/chi/,
  find: (source) =>
    goRoutes(source, {
      verbs: ['Get', 'Post', 'Put', 'Patch', 'Delete', 'Head', 'Options', 'HandleFunc', 'Handle'],
      block: /\b\w+\.Route\(/g,
      handler: 'last',
    }),
};
