// Why a recording of CPU time has no samples, in the words of the error table: never an empty profile without a cause.

import type { EndFacts } from '../../engine/tracer';
import { type CpuOptions, type ErrorReport, errorReport, targetPids } from '../../protocol';

/** CPU time that the sampling ought to have met, in sampling periods. */
const SURELY_MET_PERIODS = 10;

export function whyNoSamples(options: CpuOptions, { target, exited, spentMs, counters }: EndFacts): ErrorReport {
  const { frequencyHz, kernel } = options;
  const [pid = 0] = targetPids(target);
  const { children, startAtExec } = 'pids' in target ? target : { children: true, startAtExec: false };
  const { taken, lost, refused } = counters;
  if (taken > 0 || lost > 0) return errorReport('NOTHING_RECORDED_LOST', Math.max(taken, lost));
  // A program of milliseconds is met by no sample, but it was refused.
  if ((refused?.samples ?? 0) + (refused?.processes ?? 0) > 0) return errorReport('NOTHING_RECORDED_REFUSED', pid);
  const surelyMetMs = (SURELY_MET_PERIODS * 1000) / frequencyHz;
  if (!kernel && spentMs.kernel >= surelyMetMs && spentMs.user < surelyMetMs)
    return errorReport('NOTHING_RECORDED_FILTERED', pid, '--no-kernel');
  if (!children && spentMs.children >= surelyMetMs)
    return errorReport('NOTHING_RECORDED_FILTERED', pid, '--no-children');
  const usedMs = spentMs.user + (kernel ? spentMs.kernel : 0);
  if (usedMs >= surelyMetMs) return errorReport('NOTHING_RECORDED_UNSEEN', pid, usedMs);
  if (startAtExec) return errorReport('NOTHING_RECORDED_SHORT', usedMs, frequencyHz);
  return errorReport(exited ? 'NOTHING_RECORDED_EXITED' : 'NOTHING_RECORDED_IDLE', pid);
}
