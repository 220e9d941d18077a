// Entry of the threads that touch files of targets for process/patience.ts (bundle: dist/touchThread.js): one opens and closes, with
// the helper's capabilities, and reads nothing; the other reads what is open, without any.

import { closeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { dropAllCapabilities } from './privilege/capabilities';
import { READ } from './process/patience';
import { TOUCH } from './process/touch';
import { serveRequests } from './workers/patientThread';

const { withoutRights } = (workerData as { own: { withoutRights: boolean } }).own;
if (withoutRights) dropAllCapabilities();
serveRequests((withoutRights ? READ : TOUCH) as Record<string, (...args: never[]) => unknown>, (_, value) => {
  const fd = (value as { fd?: number | null } | null)?.fd;
  if (typeof fd === 'number') closeSync(fd);
});
