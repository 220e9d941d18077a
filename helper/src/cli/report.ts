// The text that `record` prints on stdout: what each tracer found, in its own words, what was lost, where the recording is and how
// to open it.

import type { ChosenTracer } from '../engine/tracer';
import { lossLines } from '../figures/notSeen';
import type { RecordSummary } from '../protocol';

export interface ReportContext {
  title: string;
  tracers: readonly ChosenTracer[];
  /** How a launched command ended, e.g. `exit code 0`. */
  commandEnd: string | null;
  /** Where file paths are shown relative to. */
  folder: string;
}

export function textReport(summary: RecordSummary, { title, tracers, commandEnd, folder }: ReportContext): string[] {
  const missing = new Map(summary.tracers?.flatMap(({ id, missing: why }) => (why ? [[id, why] as const] : [])));
  const there = tracers.filter(({ tracer }) => !missing.has(tracer.id));
  const headlines = there.map(({ tracer, options }) => tracer.headline(summary, options));
  return [
    `${title}: ${headlines.join(', ')}${commandEnd === null ? '' : `; the command ended with ${commandEnd}`}`,
    ...there.flatMap(({ tracer }) => ['', ...tracer.report(summary, folder)]),
    ...[...missing.values()].map(({ message, fix }) => `${message} ${fix}`),
    ...lossLines(summary.losses),
    ...there.flatMap(({ tracer }) => tracer.remarks?.(summary, folder) ?? []),
    `Recording: ${summary.output}`,
  ];
}

/** How to look at a speedscope recording. */
export function openingHint(output: string): string {
  const quoted = /^[\w@%+=:,./-]+$/.test(output) ? output : `'${output.replaceAll("'", "'\\''")}'`;
  return `Open it in VS Code: code ${quoted}  (or drop it on a speedscope page)`;
}
