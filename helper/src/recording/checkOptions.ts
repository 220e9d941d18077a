// Judges what a client asks for, before anything is attached for it: times, servers, and whether this caller may record that target.
// Shapes were checked before (protocol/params.ts), options of tracers by these.

import { checkTarget } from '../process/validate';
import { type RecordOptions, targetPids, tracerError } from '../protocol';
import { isServerUrl } from '../symbolize/debuginfod/downloads';
import type { RecordingParts } from './parts';
import type { TargetProcess } from './recordedTargets';

export interface CheckedTarget {
  processes: TargetProcess[];
  /** Everybody's processes are traced, not only the caller's. */
  everybody: boolean;
}

/** Throws TracerError. */
export function checkOptions(
  { target, durationMs, debuginfodUrls = [], anyUser: wanted }: RecordOptions,
  parts: Pick<RecordingParts, 'callerUid' | 'rights' | 'anyUser'>,
): CheckedTarget {
  if (durationMs !== null && !(durationMs > 0)) throw tracerError('DURATION_INVALID', `${durationMs}ms`);
  const noServer = debuginfodUrls.find((url) => !isServerUrl(url));
  if (noServer !== undefined) throw tracerError('DEBUGINFOD_URL_INVALID', noServer);
  const anyUser = wanted && parts.anyUser;
  const everybody = anyUser || parts.callerUid === 0;
  // What is not of certain processes is of everybody's.
  if (!('pids' in target) && !everybody) throw tracerError('ANY_USER_NEEDS_ROOT');
  const pids = [...new Set(targetPids(target))];
  if ('pids' in target && target.startAtExec && pids.length !== 1)
    throw tracerError('USAGE', 'Only one process can be recorded from its next exec on.');
  const processes = pids.map((pid) => {
    const { startTicks } = checkTarget(pid, { ...parts, anyUser, ownPids: [process.pid] });
    return { pid, startTicks };
  });
  return { processes, everybody };
}
