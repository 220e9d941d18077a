// The texts of --help, from the table of commands.

import { EXIT } from '../protocol';
import type { Command, Commands } from './arguments';

const WIDTH = 24;

export function helpText(command: string | null, commands: Commands): string {
  return command === null ? overview(commands) : commandHelp(commands[command]);
}

function overview(table: Commands): string {
  const commands = Object.values(table).map(({ synopsis, help }) => `  ebpf-tracer ${synopsis}\n      ${help}`);
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

function commandHelp({ synopsis, help, options, notes }: Command): string {
  const rows = Object.entries(options).map(([long, { value, short, help: text }]) => {
    const left = `  ${short ? `-${short}, ` : '    '}--${long}${value ? ` ${value}` : ''}`;
    return `${left.padEnd(WIDTH + 2)} ${text}`;
  });
  const below = notes ? ['', ...notes] : [];
  return [`ebpf-tracer ${synopsis}`, '', help, '', ...rows, ...below, '', exitCodes(), ''].join('\n');
}

function exitCodes(): string {
  return `Exit codes: ${EXIT.done} done, ${EXIT.failed} failed, ${EXIT.usage} wrong usage, ${EXIT.noPrivilege} no privilege, ${EXIT.nothingRecorded} nothing recorded, ${EXIT.slower} a change above --fail-above.`;
}
