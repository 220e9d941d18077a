// The real command line with one more line in its table, and with the helper that has it: cli/main.ts of the tests.

import { join } from 'node:path';
import { commandsFor } from '../../src/cli/commands';
import { runCommandLine } from '../../src/cli/run';
import { USUAL_TRACERS } from '../../src/tracers';
import { WITH_EXECS } from './table';

runCommandLine(process.argv.slice(2), commandsFor(WITH_EXECS, USUAL_TRACERS), {
  tracers: WITH_EXECS,
  usual: USUAL_TRACERS,
  helperPath: join(__dirname, 'helper.js'),
});
