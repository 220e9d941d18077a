// Settings of the JavaScript engine for a process that does little at a time but for hours.

import { setFlagsFromString } from 'node:v8';

/**
 * Bytes of bytecode a function runs before V8 looks at optimizing it; 67,584 by default in Node 20. With that, optimizing
 * code that then runs some 0.1 ms a second was a third of all CPU time of a recording's first half minute. Loops that do run
 * hot (a file's export, 4,999 Hz on many CPUs) reach this within some 10 ms.
 */
const INTERRUPT_BUDGET_BYTES = 2_000_000;

export function optimizeLater(): void {
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET_BYTES}`);
}
