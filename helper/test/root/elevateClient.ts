// A front end as a user runs it, for privilegeElevate.test.ts: starts a helper by the command line's ladder, prints who
// it became or why not. Argument: the options of startHelper as JSON.

import { readFileSync } from 'node:fs';
import { startHelper } from '../../src/cli/elevate';
import { toErrorReport } from '../../src/protocol';
import { HELPER_JS } from './helperProcess';

async function main(): Promise<void> {
  try {
    const options = JSON.parse(process.argv[2] ?? '{}');
    const helper = await startHelper({ cacheDir: null, helperPath: HELPER_JS, ...options });
    const { uid, pid, capabilities } = helper.identity;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const processes = await helper.request('process/list', {});
    process.stdout.write(`${JSON.stringify({ uid, capabilities, command, processes: processes.length })}\n`);
    helper.dispose();
    await helper.closed;
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: toErrorReport(error) })}\n`);
  }
}

void main();
