// `ebpf-tracer list`: the processes that can be recorded, as this user may see them; no rights needed.

import { listProcesses } from '../process/list';
import { EXIT, type ProcessInfo, visibleText } from '../protocol';
import { output } from '../terminal/terminal';
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
  await (args.options.has('json') ? output.json(processes) : output.lines(table(processes, output.columns)));
  return EXIT.done;
}

/** `width`: of the terminal, longer lines are cut; nothing is cut in a pipe. */
export function table(processes: ProcessInfo[], width: number | undefined): string[] {
  const rows = [
    COLUMNS.map(([title]) => title),
    ...processes.map((p) => COLUMNS.map(([, text]) => visibleText(text(p)))),
  ];
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) =>
    row
      .map((cell, i) =>
        COLUMNS[i][2] ? cell.padStart(widths[i]) : i === row.length - 1 ? cell : cell.padEnd(widths[i]),
      )
      .join('  ')
      .trimEnd()
      .slice(0, width),
  );
}
