// THE table of frameworks whose route declarations are read.

import type { Framework } from '../types';
import { ACTIX } from './actix';
import { ASP_NET } from './aspnet';
import { AXUM } from './axum';
import { CHI } from './chi';
import { DJANGO } from './django';
import { ECHO } from './echo';
import { EXPRESS } from './express';
import { FASTAPI } from './fastapi';
import { FASTIFY } from './fastify';
import { FLASK } from './flask';
import { GIN } from './gin';
import { JAKARTA } from './jakarta';
import { KOA } from './koa';
import { NEST } from './nest';
import { NET_HTTP } from './netHttp';
import { RAILS } from './rails';
import { SPRING } from './spring';

export const FRAMEWORKS: readonly Framework[] = [
  ...[EXPRESS, FASTIFY, KOA, NEST, FLASK, FASTAPI, DJANGO, SPRING, JAKARTA],
  ...[GIN, ECHO, CHI, NET_HTTP, AXUM, ACTIX, ASP_NET, RAILS],
];
