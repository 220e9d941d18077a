// `ebpf-tracer serve`: hands over to the helper's own bundle beside this one, with the arguments untouched; for clients
// that start the tracer by its command name.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { EXIT } from '../protocol';
import type { ParsedArguments } from './arguments';

/** `operands`: all that was given, the command's name first. */
export function serve({ operands: argv }: ParsedArguments): Promise<number> {
  const child = spawn(process.execPath, [join(__dirname, 'helper.js'), ...argv], { stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? EXIT.failed));
  });
}
