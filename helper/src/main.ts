// The privileged helper (dist/helper.js), started through sudo, pkexec or by root, from cli/elevate.ts and the extension's
// elevation. All of it is in serve.ts; this says which tracers it has.

import { serve } from './serve';
import { TRACERS, USUAL_TRACERS } from './tracers';

serve(process.argv.slice(2), TRACERS, USUAL_TRACERS);
