// The real helper with one more line in its table: main.ts of the tests.

import { serve } from '../../src/serve';
import { USUAL_TRACERS } from '../../src/tracers';
import { WITH_EXECS } from './table';

serve(process.argv.slice(2), WITH_EXECS, USUAL_TRACERS);
