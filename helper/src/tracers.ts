// THE table of tracers: what a recording can be made of, one line each, in the order in which they start and are shown. The command
// line, the helper's start (`serve --for`) and recordings read it.

import type { Tracer } from './engine/tracer';
import { FLOWS } from './flow/tracer';
import { HTTP } from './http/tracer';
import { CPU } from './stack/sources/cpu';

export const TRACERS: readonly Tracer[] = [CPU, HTTP, FLOWS];

/** Those that a recording is made of where nobody says another. */
export const USUAL_TRACERS: readonly string[] = [CPU.id];
