// Runs what needs no rights of the command line (dist/cli.js): conversions, comparisons, reports. Its errors are ours.

import { execFile } from 'node:child_process';
import { cleanEnvironment } from '../../helper/src/client/helperCommand';
import { type ErrorReport, TracerError, tracerError } from '../../helper/src/protocol';

const TIMEOUT_MS = 120_000;
const MAX_OUTPUT_BYTES = 1024 * 1024 * 1024;

/** Its standard output. Throws TracerError: with `--json` among the arguments the one that it said. */
export function runCommandLine(cliScript: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [cliScript, ...args],
      {
        timeout: TIMEOUT_MS,
        maxBuffer: MAX_OUTPUT_BYTES,
        env: cleanEnvironment(process.env, { ELECTRON_RUN_AS_NODE: '1' }),
        signal,
      },
      (error, stdout, stderr) => {
        if (!error) resolve(stdout);
        else reject(errorIn(stdout) ?? tracerError('INTERNAL', stderr.trim().split('\n')[0] || error.message));
      },
    );
  });
}

function errorIn(stdout: string): TracerError | null {
  try {
    const { error } = JSON.parse(stdout) as { error?: ErrorReport };
    return error ? new TracerError(error) : null;
  } catch {
    return null;
  }
}
