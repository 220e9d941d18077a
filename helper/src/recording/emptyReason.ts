// Why a recording has no samples, in the words of the error table: never an empty profile without a cause. Called by a
// Recording when it ends with nothing.

import type { ProcessStat } from '../process/procfs';
import { type ErrorReport, errorReport, type RecordOptions } from '../protocol';

export interface EmptyFacts {
  options: Pick<RecordOptions, 'pid' | 'children' | 'kernel' | 'startAtExec' | 'frequencyHz'>;
  /** Samples that the kernel took for the target, kept or lost. */
  taken: number;
  lost: number;
  /** Times at which it was met with rights that the caller has not. */
  refused: number;
  exited: boolean;
  /** The target's CPU times at the start and when last seen. */
  before: ProcessStat | null;
  after: ProcessStat | null;
}

/** CPU time that the sampling ought to have met, in sampling periods. */
const SURELY_MET_PERIODS = 10;

export function emptyReason({ options, taken, lost, refused, exited, before, after }: EmptyFacts): ErrorReport {
  const { pid, frequencyHz } = options;
  if (taken > 0 || lost > 0) return errorReport('NOTHING_RECORDED_LOST', Math.max(taken, lost));
  if (refused > 0) return errorReport('NOTHING_RECORDED_REFUSED', pid);
  const spent = (what: 'userMs' | 'kernelMs' | 'childrenMs') =>
    Math.max(0, (after?.[what] ?? 0) - (options.startAtExec ? 0 : (before?.[what] ?? 0)));
  const surelyMetMs = (SURELY_MET_PERIODS * 1000) / frequencyHz;
  const [userMs, kernelMs] = [spent('userMs'), spent('kernelMs')];
  if (!options.kernel && kernelMs >= surelyMetMs && userMs < surelyMetMs)
    return errorReport('NOTHING_RECORDED_FILTERED', pid, '--no-kernel');
  if (!options.children && spent('childrenMs') >= surelyMetMs)
    return errorReport('NOTHING_RECORDED_FILTERED', pid, '--no-children');
  const usedMs = userMs + (options.kernel ? kernelMs : 0);
  if (usedMs >= surelyMetMs) return errorReport('NOTHING_RECORDED_UNSEEN', pid, usedMs);
  if (options.startAtExec) return errorReport('NOTHING_RECORDED_SHORT', usedMs, frequencyHz);
  return errorReport(exited ? 'NOTHING_RECORDED_EXITED' : 'NOTHING_RECORDED_IDLE', pid);
}
