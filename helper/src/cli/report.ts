// The text that `record` prints on stdout: what each tracer found, in its own words, what was lost, where the recording is and how
// to open it.

import type { ChosenTracer } from '../engine/tracer';
import type { Losses, RecordSummary } from '../protocol';

export interface ReportContext {
  title: string;
  tracers: readonly ChosenTracer[];
  /** How a launched command ended, e.g. `exit code 0`. */
  commandEnd: string | null;
  /** Where file paths are shown relative to. */
  folder: string;
}

export function textReport(summary: RecordSummary, { title, tracers, commandEnd, folder }: ReportContext): string[] {
  const headlines = tracers.map(({ tracer, options }) => tracer.headline(summary, options));
  return [
    `${title}: ${headlines.join(', ')}${commandEnd === null ? '' : `; the command ended with ${commandEnd}`}`,
    ...tracers.flatMap(({ tracer }) => ['', ...tracer.report(summary, folder)]),
    ...lossLines(summary.losses),
    ...tracers.flatMap(({ tracer }) => tracer.remarks?.(summary, folder) ?? []),
    `Recording: ${summary.output}`,
  ];
}

/** Of what matters to who reads the figures: nothing for what is 0. */
function lossLines(losses: Losses | undefined): string[] {
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

/** How to look at a speedscope recording. */
export function openingHint(output: string): string {
  const quoted = /^[\w@%+=:,./-]+$/.test(output) ? output : `'${output.replaceAll("'", "'\\''")}'`;
  return `Open it in VS Code: code ${quoted}  (or drop it on a speedscope page)`;
}
