// Where the benchmark finds the built product and the programs to record. It runs as out/js/helper/bench/main.js.
import { resolve } from 'node:path';

export const ROOT = resolve(__dirname, '../../../..');
export const CLI = resolve(ROOT, 'dist/cli.js');
export const WORKLOADS = resolve(ROOT, 'out/workloads');
