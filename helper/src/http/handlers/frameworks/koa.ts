// Koa with @koa/router: the same calls as Express's, and a prefix that a router is made with.

import { joined } from '../paths';
import type { Framework } from '../types';
import { scriptRoutes } from './express';

const PREFIXED = /\bnew\s+[\w$.]*Router\s*\(\s*\{\s*prefix\s*:\s*/g;

export const KOA: Framework = {
  name: 'Koa',
  endings: ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'],
  mentions: /\bkoa\b|@koa\/router|koa-router/,
  find: (source) => {
    const prefixes = [...source.find(PREFIXED)].map((match) => source.literalAt(match.index + match[0].length)?.value);
    const [prefix] = prefixes;
    const routes = scriptRoutes(source);
    if (prefixes.length !== 1 || prefix === undefined) return routes;
    return routes.map((route) => {
      const path = joined(prefix, route.path);
      // A function without a name is called by its route.
      const name = route.function === `${route.method} ${route.path}` ? `${route.method} ${path}` : route.function;
      return { ...route, path, whole: true, function: name };
    });
  },
};
