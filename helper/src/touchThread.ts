// Entry of the thread that touches files of targets for process/patience.ts (bundle: dist/touchThread.js): opens and closes,
// with the helper's capabilities, and reads nothing.

import { closeSync } from 'node:fs';
import { TOUCH } from './process/touch';
import { serveRequests } from './workers/patientThread';

serveRequests(TOUCH as unknown as Record<string, (...args: never[]) => unknown>, (_, value) => {
  const fd = (value as { fd?: number | null } | null)?.fd;
  if (typeof fd === 'number') closeSync(fd);
});
