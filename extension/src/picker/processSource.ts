// Where the picker's list comes from: the helper if it runs already, else `dist/cli.js list --json` as the user, so that choosing a
// process needs no password.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cleanEnvironment } from '../../../helper/src/client/helperCommand';
import { type ProcessInfo, tracerError } from '../../../helper/src/protocol';
import type { HelperHost } from '../client/helperHost';

const LIST_TIMEOUT_MS = 10_000;
/** A machine with 30,000 processes still fits. */
const LIST_MAX_BYTES = 64 * 1024 * 1024;

export async function readProcesses(host: HelperHost, cliScript: string): Promise<ProcessInfo[]> {
  const client = await host.existing();
  if (client) return client.request('process/list', {});
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [cliScript, 'list', '--json'], {
      timeout: LIST_TIMEOUT_MS,
      maxBuffer: LIST_MAX_BYTES,
      env: cleanEnvironment(process.env, { ELECTRON_RUN_AS_NODE: '1' }),
    });
    return JSON.parse(stdout) as ProcessInfo[];
  } catch (error) {
    throw tracerError('INTERNAL', error instanceof Error ? error.message : String(error));
  }
}
