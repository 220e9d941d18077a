// The line that the table of tracers gets for the tests: what tracers.ts would say of one more tracer.

import type { Tracer } from '../../src/engine/tracer';
import { TRACERS } from '../../src/tracers';
import { EXECS } from './execs';

export const WITH_EXECS: readonly Tracer[] = [...TRACERS, EXECS];
