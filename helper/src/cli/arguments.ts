// The command line's grammar as one table: commands, their options and what --help says of them. Parses argv into
// values or throws TracerError (USAGE, FREQUENCY_INVALID, …). Called by main.ts; knows nothing of what commands do.

import { MAX_FRAMES_MOST, tracerError } from '../protocol';

interface OptionRule {
  /** Name of its value in the help; without one it is a switch. */
  value?: string;
  short?: string;
  repeatable?: boolean;
  help: string;
}

interface CommandRule {
  synopsis: string;
  help: string;
  options: Record<string, OptionRule>;
  /** Names of arguments without dashes. */
  operands: string[];
  /** Name of further arguments, any number of them. */
  rest?: string;
  /** Takes what follows `--`. */
  tail: boolean;
}

const JSON_OPTION: OptionRule = { help: 'Print one JSON object instead of text; errors too.' };
const DEBUG_DIR_OPTION: OptionRule = {
  value: 'FOLDER',
  repeatable: true,
  help: 'Look for debug files here first: unpacked dbgsym packages, a copy of /usr/lib/debug, or the files themselves.',
};
const DEBUGINFOD_OPTION: OptionRule = {
  value: 'URL',
  repeatable: true,
  help: 'Ask this debuginfod server for debug files that are not on this machine. Without it no network is used.',
};
const FORMAT_OPTION: OptionRule = { value: 'FORMAT', short: 'f', help: 'speedscope (default), folded, pprof or json.' };

export const COMMANDS = {
  record: {
    synopsis: 'record (--pid PID | -- COMMAND [ARGUMENT…]) [OPTION…]',
    help: 'Sample where a running process, or a command from its first instruction on, spends its CPU time.',
    options: {
      pid: { value: 'PID', short: 'p', help: 'The process to record; see "ebpf-tracer list".' },
      duration: {
        value: 'TIME',
        short: 'd',
        help: 'End after 10s, 500ms, 2m or 1h (default: until Ctrl-C or exit); a COMMAND that still runs then is ended.',
      },
      frequency: { value: 'HZ', short: 'F', help: 'Samples a second and CPU, 1 to 4999 (default 99).' },
      'max-frames': { value: 'N', help: 'Deepest user stack, 1 to 1023 frames (default 127).' },
      output: { value: 'FILE', short: 'o', help: 'Where the recording goes (default: a dated name in this folder).' },
      format: FORMAT_OPTION,
      'no-children': { help: 'Leave out processes that the target starts.' },
      'no-kernel': { help: 'Leave out time in the kernel.' },
      'any-user': { help: "Yes, record the process although it is another user's." },
      'debug-dir': DEBUG_DIR_OPTION,
      debuginfod: DEBUGINFOD_OPTION,
      without: { value: 'FEATURE', repeatable: true, help: 'Do without a kernel feature, e.g. ringbuf (to test).' },
      json: JSON_OPTION,
    },
    operands: [],
    tail: true,
  },
  list: {
    synopsis: 'list [--json]',
    help: 'List the processes that can be recorded: runtime, user, container, ports they listen on.',
    options: { json: JSON_OPTION },
    operands: [],
    tail: false,
  },
  check: {
    synopsis: 'check [--json]',
    help: 'Say what works on this machine, and what to do about what does not.',
    options: { json: JSON_OPTION },
    operands: [],
    tail: false,
  },
  export: {
    synopsis: 'export RECORDING [--format FORMAT] [--output FILE]',
    help: 'Convert a recording; to stdout where no --output is given.',
    options: {
      format: FORMAT_OPTION,
      output: { value: 'FILE', short: 'o', help: 'Where the result goes (default: stdout).' },
      json: JSON_OPTION,
    },
    operands: ['RECORDING'],
    tail: false,
  },
  symbolize: {
    synopsis: 'symbolize FILE [ADDRESS…] [OPTION…]',
    help: 'Name functions, inlined ones too, and source lines of addresses in a program, library or debug file.',
    options: { 'debug-dir': DEBUG_DIR_OPTION, json: JSON_OPTION },
    operands: ['FILE'],
    rest: 'ADDRESS',
    tail: false,
  },
  'unwind-table': {
    synopsis: 'unwind-table FILE [--json]',
    help: 'Print the rows by which stacks are walked through a program or library without frame pointers. A row holds up to the address of the next one; a gap, of which nothing is known, is a row of its own ("no information", in JSON "cfa": null).',
    options: { json: JSON_OPTION },
    operands: ['FILE'],
    tail: false,
  },
  serve: {
    synopsis: 'serve …',
    help: 'Run the helper for a client such as the VS Code extension (it passes the options).',
    options: {},
    operands: [],
    tail: false,
  },
} satisfies Record<string, CommandRule>;

export type CommandName = keyof typeof COMMANDS;

export interface ParsedArguments {
  command: CommandName | null;
  help: boolean;
  version: boolean;
  options: Map<string, string[]>;
  operands: string[];
  /** What followed `--`; null without one. */
  tail: string[] | null;
}

export function parseArguments(argv: string[]): ParsedArguments {
  const parsed: ParsedArguments = {
    command: null,
    help: false,
    version: false,
    options: new Map(),
    operands: [],
    tail: null,
  };
  const rest = [...argv];
  const usage = (text: string) => tracerError('USAGE', text);
  const first = rest[0];
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    parsed.help = true;
    if (first === 'help' && rest[1] !== undefined) parsed.command = commandName(rest[1]);
    return parsed;
  }
  if (first === '--version' || first === '-V') return { ...parsed, version: true };
  const command = commandName(first);
  parsed.command = command;
  rest.shift();
  const rule: CommandRule = COMMANDS[command];
  while (rest.length > 0) {
    const word = rest.shift()!;
    if (word === '--') {
      if (!rule.tail) throw usage(`"${command}" takes no command after "--".`);
      parsed.tail = rest.splice(0);
    } else if (word === '--help' || word === '-h') parsed.help = true;
    else if (/^-./.test(word)) takeOption(word, rest, rule, parsed.options);
    else if (parsed.operands.length < rule.operands.length || rule.rest) parsed.operands.push(word);
    else if (rule.tail) throw usage(`"${word}" is not an option: write a command after "--", a process after "--pid".`);
    else throw usage(`"${command}" does not take "${word}".`);
  }
  if (!parsed.help && parsed.operands.length < rule.operands.length)
    throw usage(`"${command}" needs ${rule.operands[parsed.operands.length]}.`);
  return parsed;
}

function commandName(word: string): CommandName {
  if (Object.hasOwn(COMMANDS, word)) return word as CommandName;
  throw tracerError('USAGE', `There is no command "${word}".`);
}

/** `--name value`, `--name=value`, `-n value` or `-nvalue`. A value may start with a dash: `--pid -1` is a wrong pid. */
function takeOption(word: string, rest: string[], rule: CommandRule, options: Map<string, string[]>): void {
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
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? 's'] ?? Number.NaN;
  const durationMs = match ? Math.round(Number(match[1]) * unitMs) : Number.NaN;
  // A timer cannot count further than 2^31 - 1 ms, some 24 days.
  if (!(durationMs > 0 && durationMs < 2 ** 31)) throw tracerError('DURATION_INVALID', text);
  return durationMs;
}

/** Throws MAX_FRAMES_INVALID. */
export function parseMaxFrames(text: string): number {
  const frames = Number(text);
  if (!/^\d+$/.test(text.trim()) || frames < 1 || frames > MAX_FRAMES_MOST)
    throw tracerError('MAX_FRAMES_INVALID', text);
  return frames;
}

/** Throws FREQUENCY_INVALID. */
export function parseFrequency(text: string): number {
  const frequencyHz = Number(text);
  if (!/^\d+$/.test(text.trim()) || frequencyHz < 1 || frequencyHz > 4999) throw tracerError('FREQUENCY_INVALID', text);
  return frequencyHz;
}
