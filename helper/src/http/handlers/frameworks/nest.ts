// Nest: @Controller('users') above a class, @Get(':id') above its methods. An application's global prefix is not looked for.

import type { Framework } from '../types';
import { decoratedRoutes } from './decorators';

export const NEST: Framework = {
  name: 'Nest',
  endings: ['.ts', '.mts', '.js', '.mjs'],
  mentions: /@nestjs\/common/,
  find: (source) =>
    decoratedRoutes(source, {
      route: /@(Get|Post|Put|Patch|Delete|Head|Options|All)\b(?=\s*\()/g,
      methodOf: (name) => (name === 'All' ? '*' : name.toUpperCase()),
      prefix: /@Controller\b(?=\s*\()/g,
      declared: /(?:(?:public|private|protected|static|async)\s+)*([\w$]+)\s*[(<]/y,
    }).map((route) => ({ ...route, whole: false })),
};
