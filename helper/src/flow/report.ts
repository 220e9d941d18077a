// What the command line says of flows: a table of those with the most bytes, as the result and while it runs.

import type { FlowLive, FlowRow, FlowSection, FlowSummary, RecordSummary } from '../protocol';

const ROWS_SHOWN = 30;

export function flowSectionOf({ tracers }: Pick<RecordSummary, 'tracers'>): FlowSection | null {
  return (tracers?.find(({ id }) => id === 'flows')?.summary as FlowSection | undefined) ?? null;
}

export function flowHeadline(summary: RecordSummary): string {
  const found = flowSectionOf(summary)?.summary;
  return `${found?.packets ?? 0} packets of ${found?.flows ?? 0} flows in ${(summary.durationMs / 1000).toFixed(1)} s`;
}

export function flowReport(summary: RecordSummary): string[] {
  const found = flowSectionOf(summary);
  if (!found) return [];
  const seconds = Math.max(0.001, summary.durationMs / 1000);
  return [
    ...table(found.rows.map((row) => [row, row.packets / seconds, row.bytes / seconds])),
    ...remarks(found.summary),
  ];
}

export function flowLiveLines({ rows, summary }: FlowLive): string[] {
  return [...table(rows.map((row) => [row, row.packetsPerSecond, row.bytesPerSecond])), ...remarks(summary)];
}

function remarks({ notParsed, evicted, filtered, sampled, leftOut }: FlowSummary): string[] {
  const reasons = Object.entries(notParsed).map(([reason, count]) => `${reason}: ${count}`);
  return [
    ...(reasons.length > 0 ? [`Headers not read to their end: ${reasons.join('; ')}`] : []),
    ...(evicted > 0 ? [`${evicted} flows made room for others before they were read.`] : []),
    ...(filtered > 0 ? [`${filtered} packets were left out by the filter.`] : []),
    ...(sampled < 1
      ? [`One packet in ${Math.round(1 / sampled)} was counted after the first 1000 of each direction.`]
      : []),
    ...(leftOut > 0 ? [`${leftOut} flows with the fewest bytes are not in the recording.`] : []),
  ];
}

function table(rows: readonly (readonly [FlowRow, number, number])[]): string[] {
  if (rows.length === 0) return [];
  const head = [
    'From',
    'To',
    'proto',
    'process',
    'packets/s',
    'bytes/s',
    'packets',
    'bytes',
    'rtt ms',
    'retr',
    'state',
    '',
  ];
  const shown = rows
    .slice(0, ROWS_SHOWN)
    .map(([row, packetsPerSecond, bytesPerSecond]) => [
      `${row.src}:${row.sport}`,
      `${row.dst}:${row.dport}`,
      String(row.proto),
      row.process === null ? '' : `${row.process} (${row.pid})`,
      short(packetsPerSecond),
      short(bytesPerSecond),
      String(row.packets),
      short(row.bytes),
      row.tcp?.rttUs ? (row.tcp.rttUs / 1000).toFixed(2) : '',
      row.tcp?.retransmits ? String(row.tcp.retransmits) : '',
      row.tcp?.state ?? '',
      [row.protocol, row.sni ?? row.dns?.names[0], row.interface].filter(Boolean).join(' '),
    ]);
  const widths = head.map((title, i) => Math.min(45, Math.max(title.length, ...shown.map((cells) => cells[i].length))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i > 3 && i < 10 ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd();
  return [
    line(head),
    ...shown.map(line),
    ...(rows.length > shown.length ? [`… and ${rows.length - shown.length} more`] : []),
  ];
}

/** `12.3 k`. */
function short(number: number): string {
  for (const unit of ['', ' k', ' M', ' G']) {
    if (number < 1000 || unit === ' G')
      return `${number >= 100 || Number.isInteger(number) ? number.toFixed(0) : number.toFixed(1)}${unit}`;
    number /= 1000;
  }
  return '';
}
