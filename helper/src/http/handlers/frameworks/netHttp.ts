// net/http: http.HandleFunc("/users/", list), mux.Handle("GET /users/{id}", …); a pattern that ends in a slash is all that is below.
// gorilla/mux writes the same calls.

import type { Framework } from '../types';
import { goRoutes } from './go';

export const NET_HTTP: Framework = {
  name: 'net/http',
  endings: ['.go'],
  mentions: /"net\/http"/,
  find: (source) =>
    /go-chi\/chi/.test(source.text) ? [] : goRoutes(source, { verbs: ['HandleFunc', 'Handle'], handler: 'last' }),
};
