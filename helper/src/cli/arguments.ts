// The command line's grammar: parses argv by a table of commands (commands.ts) into values, or throws TracerError. Knows nothing of
// what commands do.

import type { CommandOption, GivenOptions, Tracer } from '../engine/tracer';
import { tracerError } from '../protocol';

/** What commands are told beside their arguments. */
export interface CommandContext {
  /** The table. */
  tracers: readonly Tracer[];
  /** Ids of those that record where nobody says another. */
  usual: readonly string[];
  /** Left out: helper.js beside the running bundle. */
  helperPath?: string;
}

/** Returns the exit code. Throws TracerError. */
export type RunCommand = (args: ParsedArguments, context: CommandContext) => Promise<number>;

export interface Command {
  synopsis: string;
  help: string;
  /** What --help says below the options. */
  notes?: readonly string[];
  options: Readonly<Record<string, CommandOption>>;
  /** Names of arguments without dashes. */
  operands: readonly string[];
  /** Name of further arguments, any number of them. */
  rest?: string;
  /** Takes what follows `--`. */
  tail?: boolean;
  /** Reads its arguments itself, but for --help. */
  ownArguments?: boolean;
  /** Loaded when it is asked for: a recording wants to begin at once. */
  run(): Promise<RunCommand>;
}

export type Commands = Readonly<Record<string, Command>>;

export interface ParsedArguments {
  /** Its name in the table. */
  command: string | null;
  help: boolean;
  version: boolean;
  options: GivenOptions;
  operands: string[];
  /** What followed `--`; null without one. */
  tail: string[] | null;
}

export function parseArguments(argv: readonly string[], commands: Commands): ParsedArguments {
  const options = new Map<string, string[]>();
  const parsed: ParsedArguments = {
    command: null,
    help: false,
    version: false,
    options,
    operands: [],
    tail: null,
  };
  const rest = [...argv];
  const usage = (text: string) => tracerError('USAGE', text);
  const first = rest[0];
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    parsed.help = true;
    if (first === 'help' && rest[1] !== undefined) parsed.command = commandName(rest[1], commands);
    return parsed;
  }
  if (first === '--version' || first === '-V') return { ...parsed, version: true };
  const command = commandName(first, commands);
  parsed.command = command;
  rest.shift();
  const rule = commands[command];
  while (rest.length > 0) {
    const word = rest.shift()!;
    if (word === '--') {
      if (!rule.tail) throw usage(`"${command}" takes no command after "--".`);
      parsed.tail = rest.splice(0);
    } else if (word === '--help' || word === '-h') parsed.help = true;
    else if (/^-./.test(word)) takeOption(word, rest, rule, options);
    else if (parsed.operands.length < rule.operands.length || rule.rest) parsed.operands.push(word);
    else if (rule.tail) throw usage(`"${word}" is not an option: write a command after "--", a process after "--pid".`);
    else throw usage(`"${command}" does not take "${word}".`);
  }
  if (!parsed.help && parsed.operands.length < rule.operands.length)
    throw usage(`"${command}" needs ${rule.operands[parsed.operands.length]}.`);
  return parsed;
}

function commandName(word: string, commands: Commands): string {
  if (Object.hasOwn(commands, word)) return word;
  throw tracerError('USAGE', `There is no command "${word}".`);
}

/** `--name value`, `--name=value`, `-n value` or `-nvalue`. A value may start with a dash: `--pid -1` is a wrong pid. */
function takeOption(word: string, rest: string[], rule: Command, options: Map<string, string[]>): void {
  const long = /^--([^=]+)(?:=(.*))?$/s.exec(word);
  const names = Object.keys(rule.options);
  const name = long ? long[1] : names.find((candidate) => rule.options[candidate].short === word[1]);
  if (name === undefined || !Object.hasOwn(rule.options, name))
    throw tracerError('USAGE', `There is no option "${long ? `--${long[1]}` : word}" here.`);
  const option = rule.options[name];
  let value = long ? long[2] : word.slice(2) || undefined;
  if (!option.value) {
    if (value !== undefined) throw tracerError('USAGE', `--${name} takes no value.`);
    value = '';
  } else if (value === undefined) {
    value = rest.shift();
    if (value === undefined || value === '--') throw tracerError('USAGE', `--${name} needs ${option.value}.`);
  }
  const before = options.get(name);
  if (before && !option.repeatable) throw tracerError('USAGE', `--${name} is given twice.`);
  options.set(name, [...(before ?? []), value]);
}

/** ms of `10s`, `500ms`, `2m`, `1h`; a bare number is seconds. Throws DURATION_INVALID. */
export function parseDuration(text: string): number {
  const durationMs = parseTime(text);
  if (durationMs === 0) throw tracerError('DURATION_INVALID', text);
  return durationMs;
}

/** The same, from 0 on: a time within a recording. */
export function parseTime(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? 's'] ?? Number.NaN;
  const durationMs = match ? Math.round(Number(match[1]) * unitMs) : Number.NaN;
  // A timer cannot count further than 2^31 - 1 ms, some 24 days.
  if (!(durationMs >= 0 && durationMs < 2 ** 31)) throw tracerError('DURATION_INVALID', text);
  return durationMs;
}
