// The texts of --help, from the table in arguments.ts. Called by main.ts.

import { EXIT } from '../protocol';
import { COMMANDS, type CommandName } from './arguments';

const WIDTH = 24;

export function helpText(command: CommandName | null): string {
  return command ? commandHelp(command) : overview();
}

function overview(): string {
  const commands = Object.values(COMMANDS).map(({ synopsis, help }) => `  ebpf-tracer ${synopsis}\n      ${help}`);
  return [
    'Profiles running Linux programs with eBPF: no restart, no recompilation.',
    '',
    ...commands,
    '',
    '  ebpf-tracer COMMAND --help, ebpf-tracer --version',
    '',
    exitCodes(),
    '',
  ].join('\n');
}

function commandHelp(name: CommandName): string {
  const { synopsis, help, options } = COMMANDS[name];
  const rows = Object.entries(options as Record<string, { value?: string; short?: string; help: string }>).map(
    ([long, { value, short, help: text }]) => {
      const left = `  ${short ? `-${short}, ` : '    '}--${long}${value ? ` ${value}` : ''}`;
      return `${left.padEnd(WIDTH + 2)} ${text}`;
    },
  );
  const tail =
    name === 'record'
      ? [
          '',
          'The result goes to stdout, progress to stderr. Ctrl-C ends the recording and saves it, a second one aborts.',
          'COMMAND runs as you, with your environment, folder and terminal; with --json its output goes to stderr.',
        ]
      : name === 'symbolize'
        ? [
            '',
            'Addresses are virtual ones of the file, hexadecimal, as objdump and readelf show them; without any they are',
            'read from stdin, one a line. Innermost inlined function first; separate debug files are found as in a recording.',
          ]
        : [];
  return [`ebpf-tracer ${synopsis}`, '', help, '', ...rows, ...tail, '', exitCodes(), ''].join('\n');
}

function exitCodes(): string {
  return `Exit codes: ${EXIT.done} done, ${EXIT.failed} failed, ${EXIT.usage} wrong usage, ${EXIT.noPrivilege} no privilege, ${EXIT.nothingRecorded} nothing recorded.`;
}
