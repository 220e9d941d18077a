// `ebpf-tracer list`: the processes that can be recorded, as this user may see them; no rights needed. Called by main.ts.

import { listProcesses } from '../process/list';
import { EXIT, type ProcessInfo } from '../protocol';
import type { ParsedArguments } from './arguments';

const COLUMNS: [title: string, text: (process: ProcessInfo) => string, right: boolean][] = [
  ['PID', ({ pid }) => String(pid), true],
  ['PPID', ({ ppid }) => String(ppid), true],
  ['USER', ({ user }) => user, false],
  ['RUNTIME', ({ runtime }) => runtime, false],
  ['NAME', ({ name }) => name, false],
  ['PORTS', ({ listeningPorts }) => listeningPorts.join(','), false],
  ['CONTAINER', ({ container }) => container ?? '', false],
  ['COMMAND', ({ command }) => command, false],
];

export async function list(args: ParsedArguments): Promise<number> {
  const processes = (await listProcesses()).filter(({ pid }) => pid !== process.pid);
  if (args.options.has('json')) process.stdout.write(`${JSON.stringify(processes)}\n`);
  else process.stdout.write(table(processes, process.stdout.isTTY ? process.stdout.columns : undefined));
  return EXIT.done;
}

/** `width`: of the terminal, longer lines are cut; nothing is cut in a pipe. */
export function table(processes: ProcessInfo[], width: number | undefined): string {
  const rows = [
    COLUMNS.map(([title]) => title),
    ...processes.map((p) => COLUMNS.map(([, text]) => printable(text(p)))),
  ];
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) =>
        COLUMNS[i][2] ? cell.padStart(widths[i]) : i === row.length - 1 ? cell : cell.padEnd(widths[i]),
      )
      .join('  ')
      .trimEnd()
      .slice(0, width),
  );
  return `${lines.join('\n')}\n`;
}

/** A process chooses its own name and arguments: none may steer the terminal. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
}
