// Which processes a command of the command line traces: --pid, once or more, or the command behind `--`.

import { basename } from 'node:path';
import { parsePid } from '../client/pidCheck';
import { ownsNamespace } from '../privilege/userNamespace';
import { checkTarget } from '../process/validate';
import { type ErrorReport, tracerError } from '../protocol';
import type { ParsedArguments } from './arguments';
import type { Caller } from './caller';
import { type CommandEnd, describeEnd } from './heldLaunch';

export interface PlannedTarget {
  /** null where a command is launched. */
  pids: number[] | null;
  command: string[] | null;
  title: string;
}

/** Throws TracerError. */
export function planTarget({ options, tail }: ParsedArguments, caller: Caller, anyUser: boolean): PlannedTarget {
  const given = options.get('pid');
  if (given && tail) throw tracerError('USAGE', 'Give either --pid or a command after "--".');
  if (!given) {
    if (!tail || tail.length === 0) throw tracerError('USAGE', 'Give a process with --pid, or a command after "--".');
    return { pids: null, command: tail, title: basename(tail[0]) };
  }
  const pids = [...new Set(given.map(parsePid))];
  const rules = { callerUid: caller.uid, anyUser, rights: { ownsNamespace }, ownPids: [process.pid] };
  const names = pids.map((pid) => checkTarget(pid, rules).name);
  return { pids, command: null, title: [...new Set(names)].join(', ') };
}

/** Throws COMMAND_NOT_FOUND where nothing was recorded because the shell could not become the command. */
export function refuseUnstarted(
  { command }: Pick<PlannedTarget, 'command'>,
  error: ErrorReport | null,
  end: CommandEnd | null,
): void {
  if (error?.code.startsWith('NOTHING_RECORDED') && (end?.exitCode === 126 || end?.exitCode === 127))
    throw tracerError('COMMAND_NOT_FOUND', command![0], `it ended with ${describeEnd(end)}`);
}
