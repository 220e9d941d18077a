// What a recording did not see, in plain sentences: lost samples, stacks that are not whole, functions without names, runtimes of which
// only native frames are known, and what its metrics cannot show at all. Whoever reads figures should read this beside them.

import type { Losses, RecordingFile } from '../protocol';
import { brokenStacks, unnamedRemarks } from '../stack/sources/cpuReport';
import { extraOf } from './figures';

const percent = (part: number, whole: number) => (whole === 0 ? 0 : (100 * part) / whole).toFixed(1);

/** Most important first. */
export function notSeen(file: RecordingFile): string[] {
  const extra = extraOf(file);
  const [first] = extra.metrics;
  const { losses, badFiles, unnamedFiles, runtimes } = extra.health;
  const imported = extra.sections?.import as { remarks?: unknown } | null | undefined;
  const remarks = Array.isArray(imported?.remarks) ? imported.remarks : [];
  return [
    ...remarks.filter((remark) => typeof remark === 'string'),
    ...(extra.complete ? [] : [`The recording did not end in order (${extra.stopReason}): its end is missing.`]),
    ...(extra.lost > 0 ? [`${extra.lost} of ${first.samples + extra.lost} samples were lost.`] : []),
    ...lossLines(losses),
    ...(extra.tracers ?? [])
      .filter(({ lost }) => lost > 0)
      .map(({ id, unit, lost }) => `${id}: ${lost} ${unit} were lost.`),
    ...extra.metrics.flatMap(({ id, samples, wholeStacks, truncated }) =>
      brokenStacks({ samples, wholeStacks, truncated }).map((line) =>
        extra.metrics.length > 1 ? `${id}: ${line}` : line,
      ),
    ),
    ...(first.symbolizedFrames < first.frames
      ? [`${percent(first.frames - first.symbolizedFrames, first.frames)} % of all frames have no name.`]
      : []),
    ...unnamedRemarks({ badFiles, unnamedFiles, runtimes }),
    ...(extra.metrics.some(({ id }) => id !== 'cpu')
      ? []
      : ['Waiting is not in it (locks, disk, network, sleep): these are samples of CPU time alone.']),
    ...(extra.kernelStacks === false ? ['What the kernel did for the program was left out, as asked.'] : []),
    ...(extra.children ? [] : ['Processes that the program started were left out, as asked.']),
    ...extra.errors.map(({ message }) => message),
  ];
}

/** Of what matters to who reads the figures: nothing for what is 0. */
export function lossLines(losses: Losses | undefined): string[] {
  if (!losses) return [];
  const lines: [count: number, text: string][] = [
    [
      losses.refusedProcesses,
      `${losses.refusedProcesses} processes with rights that you do not have (sudo, set-user-id programs) were not recorded.`,
    ],
    [
      losses.unfollowedProcesses,
      `${losses.unfollowedProcesses} children were not followed: too many processes at once.`,
    ],
    [
      losses.processRecords,
      `${losses.processRecords} records of starting and ending processes were lost: some names may be wrong.`,
    ],
    [
      losses.mappingRecords,
      `${losses.mappingRecords} records of mapped code were lost: some code may be without names.`,
    ],
    [losses.samplesWithoutStack, `${losses.samplesWithoutStack} samples came without their stack.`],
    [
      losses.evictedTables,
      `${losses.evictedTables} unwind tables had to make room for others: some stacks may be cut off.`,
    ],
    [
      losses.skippedRuntimeWalks,
      `${losses.skippedRuntimeWalks} samples lack the frames of their language runtime: its walker was not there.`,
    ],
    [losses.filteredSamples, `${losses.filteredSamples} samples in the kernel were left out, as asked.`],
  ];
  return lines.filter(([count]) => count > 0).map(([, text]) => text);
}
