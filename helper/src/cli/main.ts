#!/usr/bin/env node
// The command line `ebpf-tracer` (dist/cli.js): unprivileged front end. All of it is in run.ts; this says which commands and which
// tracers it has.

import { TRACERS, USUAL_TRACERS } from '../tracers';
import { COMMANDS } from './commands';
import { runCommandLine } from './run';

runCommandLine(process.argv.slice(2), COMMANDS, { tracers: TRACERS, usual: USUAL_TRACERS });
