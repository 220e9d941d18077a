// A front end for lifecycle.test.ts to kill: starts a helper, records a process, says so, and waits.
// Arguments: PID OUTPUT [HEARTBEAT_TIMEOUT_MS].

import { startHelper } from '../../src/cli/elevate';
import { HELPER_JS } from './helperProcess';

async function main(): Promise<void> {
  const [pid, output] = process.argv.slice(2);
  const helper = await startHelper({ cacheDir: null, helperPath: HELPER_JS, interactive: false });
  helper.on('record/checkpoint', ({ samples }) => process.stdout.write(`${JSON.stringify({ samples })}\n`));
  await helper.request('record/start', {
    target: { pids: [Number(pid)], children: true, startAtExec: false },
    tracers: { cpu: { frequencyHz: 499, kernel: true } },
    durationMs: null,
    output,
    title: 'lifecycle',
    anyUser: false,
    without: [],
  });
  process.stdout.write(`${JSON.stringify({ helperPid: helper.identity.pid })}\n`);
  await helper.closed;
  process.stdout.write(`${JSON.stringify({ closed: true })}\n`);
}

main().catch((error) => {
  process.stderr.write(`${error}\n`);
  process.exit(1);
});
