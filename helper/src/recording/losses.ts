// What a recording lacks, from the counts of its capture and of its profile: one place, so that progress, the summary and the
// file say the same.

import type { CaptureCounters } from '../engine/types';
import type { Losses } from '../protocol';

export function lossesOf(counters: CaptureCounters | undefined, samplesWithoutStack: number): Losses {
  return {
    processRecords: counters?.lostProcessRecords ?? 0,
    mappingRecords: counters?.lostMappings ?? 0,
    filteredSamples: counters?.filtered ?? 0,
    unfollowedProcesses: counters?.unfollowed ?? 0,
    evictedTables: counters?.unwinding?.evicted ?? 0,
    skippedRuntimeWalks: counters?.skippedPasses ?? 0,
    samplesWithoutStack,
    refusedProcesses: counters?.refused?.processes ?? 0,
    refusedSamples: counters?.refused?.samples ?? 0,
  };
}
