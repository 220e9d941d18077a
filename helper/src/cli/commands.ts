// THE table of commands: what each takes, what --help says of it, and where it is. A new command is one entry here and one module,
// which is loaded when it is asked for.

import type { CommandOption, Tracer } from '../engine/tracer';
import { FORMAT_NAMES } from '../export/formats';
import { HTTP_EXPORTERS } from '../http/exporters';
import { TRACERS, USUAL_TRACERS } from '../tracers';
import type { Commands } from './arguments';

const JSON_OPTION: CommandOption = { help: 'Print one JSON object instead of text; errors too.' };
const DEBUG_DIR_OPTION: CommandOption = {
  value: 'FOLDER',
  repeatable: true,
  help: 'Look for debug files here first: unpacked dbgsym packages, a copy of /usr/lib/debug, or the files themselves.',
};
const DEBUGINFOD_OPTION: CommandOption = {
  value: 'URL',
  repeatable: true,
  help: 'Ask this debuginfod server for debug files that are not on this machine. Without it no network is used.',
};
const FORMAT_OPTION: CommandOption = {
  value: 'FORMAT',
  short: 'f',
  help: `speedscope (default), ${FORMAT_NAMES.filter((name) => name !== 'speedscope').join(', ')}.`,
};

const METRIC_OPTION: CommandOption = {
  value: 'METRIC',
  help: 'Whose figures: cpu, or another metric of the recording (default: its first).',
};

const WITHOUT_OPTION: CommandOption = {
  value: 'FEATURE',
  repeatable: true,
  help: 'Do without a kernel feature, e.g. ringbuf (to test).',
};

const traceHelp = (tracers: readonly Tracer[], usual: readonly string[]) =>
  `What to record, with commas between: ${tracers.map(({ id, help }) => `${id} (${help}${usual.includes(id) ? '; the default' : ''})`).join(', ')}.`;

/** As `record` has them, with the filter under its short name. */
function flowOptions(tracers: readonly Tracer[]): Record<string, CommandOption> {
  const { 'flow-filter': filter, ...others } = tracers.find(({ id }) => id === 'flows')?.commandLine ?? {};
  return filter ? { filter, ...others } : others;
}

/** `record` has the options of all tracers. */
export const commandsFor = (tracers: readonly Tracer[], usual: readonly string[]): Commands => ({
  record: {
    synopsis: 'record (--pid PID | -- COMMAND [ARGUMENT…]) [OPTION…]',
    help: 'Sample where a running process, or a command from its first instruction on, spends its CPU time.',
    notes: [
      'The result goes to stdout, progress to stderr. Ctrl-C ends the recording and saves it, a second one aborts.',
      'COMMAND runs as you, with your environment, folder and terminal; with --json its output goes to stderr.',
    ],
    options: {
      pid: { value: 'PID', short: 'p', help: 'The process to record; see "ebpf-tracer list".' },
      trace: { value: 'LIST', short: 't', help: traceHelp(tracers, usual) },
      duration: {
        value: 'TIME',
        short: 'd',
        help: 'End after 10s, 500ms, 2m or 1h (default: until Ctrl-C or exit); a COMMAND that still runs then is ended.',
      },
      ...Object.assign({}, ...tracers.map(({ commandLine }) => commandLine)),
      output: { value: 'FILE', short: 'o', help: 'Where the recording goes (default: a dated name in this folder).' },
      format: FORMAT_OPTION,
      'no-children': { help: 'Leave out processes that the target starts.' },
      'any-user': { help: "Yes, record the process although it is another user's." },
      'debug-dir': DEBUG_DIR_OPTION,
      debuginfod: DEBUGINFOD_OPTION,
      without: WITHOUT_OPTION,
      json: JSON_OPTION,
    },
    operands: [],
    tail: true,
    run: async () => (await import('./record')).record,
  },
  http: {
    synopsis: 'http (--pid PID… | -- COMMAND [ARGUMENT…]) [OPTION…]',
    help: 'Count the HTTP requests of running processes, or of a command, by route and status, with their latencies.',
    notes: [
      'The line "Tracing …" on stderr says that everything is attached; on a terminal a table follows, drawn anew each second.',
      'Ctrl-C or the duration ends it and prints the result. "record --trace cpu,http" records both on one clock.',
    ],
    options: {
      pid: { value: 'PID', short: 'p', repeatable: true, help: 'A process to trace; may be repeated.' },
      duration: { value: 'TIME', short: 'd', help: 'End after 10s, 500ms, 2m or 1h (default: until Ctrl-C or exit).' },
      ...tracers.find(({ id }) => id === 'http')?.commandLine,
      ...Object.fromEntries(HTTP_EXPORTERS.map(({ option, value, help }) => [option, { value, help }])),
      output: { value: 'FILE', short: 'o', help: 'Keep the recording, with spans, in this file.' },
      'no-children': { help: 'Leave out processes that the target starts.' },
      'any-user': { help: "Yes, trace the process although it is another user's." },
      without: WITHOUT_OPTION,
      json: JSON_OPTION,
    },
    operands: [],
    tail: true,
    run: async () => (await import('./http')).http,
  },
  flows: {
    synopsis: 'flows [--pid PID | --interface NAME | --netns NAME|PATH|PID] [OPTION…]',
    help: 'Count the packets of a process, a network interface or a network namespace by flow: rates, round trips, retransmissions, protocols.',
    notes: [
      'Without a target: all interfaces of this network namespace. Packets pass unchanged, whatever is counted.',
      'The line "Tracing …" on stderr says that everything is attached; Ctrl-C or the duration ends it and prints the result.',
      'A filter is words: not, tcp, udp, icmp, icmpv6, sctp or a number, port N, an address or ADDRESS/BITS; all of them must fit.',
    ],
    options: {
      pid: { value: 'PID', short: 'p', help: 'A process: flows of its sockets, and of processes that it starts.' },
      interface: { value: 'NAME', short: 'i', help: 'One network interface.' },
      netns: {
        value: 'NAME',
        help: 'All interfaces of a network namespace: its name (ip netns), a path, or a process in it.',
      },
      duration: { value: 'TIME', short: 'd', help: 'End after 10s, 500ms, 2m or 1h (default: until Ctrl-C).' },
      ...flowOptions(tracers),
      output: { value: 'FILE', short: 'o', help: 'Keep the recording in this file.' },
      without: WITHOUT_OPTION,
      json: { help: 'Print one JSON object a line, for each direction of each flow, then one with the summary.' },
    },
    operands: [],
    run: async () => (await import('./flows')).flows,
  },
  list: {
    synopsis: 'list [--json]',
    help: 'List the processes that can be recorded: runtime, user, container, ports they listen on.',
    options: { json: JSON_OPTION },
    operands: [],
    run: async () => (await import('./list')).list,
  },
  check: {
    synopsis: 'check [--json]',
    help: 'Say what works on this machine, and what to do about what does not.',
    options: { json: JSON_OPTION },
    operands: [],
    run: async () => (await import('./check')).check,
  },
  export: {
    synopsis: 'export RECORDING… [--format FORMAT] [--output FILE] [--from TIME] [--to TIME]',
    help: 'Convert a recording; to stdout where no --output is given. Several recordings of one program are put together first.',
    notes: [
      'cpuprofile is what VS Code’s own table and Chrome open; firefox is Firefox Profiler’s processed format, version 60.',
      'RECORDING may be of another profiler: see "ebpf-tracer import --help".',
    ],
    options: {
      format: FORMAT_OPTION,
      from: { value: 'TIME', help: 'Only what was recorded from then on: 12s after the start.' },
      to: { value: 'TIME', help: 'Only what was recorded before then.' },
      output: { value: 'FILE', short: 'o', help: 'Where the result goes (default: stdout).' },
      json: JSON_OPTION,
    },
    operands: ['RECORDING'],
    rest: 'RECORDING',
    run: async () => (await import('./exportCommand')).exportCommand,
  },
  import: {
    synopsis: 'import FILE [--output FILE]',
    help: 'Make a recording of another profiler’s file: it opens in the same page, with the same figures in the editor where it has lines.',
    notes: [
      'Read are V8’s .cpuprofile, pprof, the text of perf script (with -F +srcline also lines), folded stacks, speedscope files of py-spy',
      'and others, and Firefox Profiler’s processed format. "report", "compare" and "export" read them, too.',
    ],
    options: {
      output: { value: 'FILE', short: 'o', help: 'Where the recording goes (default: FILE’s name here; -: stdout).' },
      json: JSON_OPTION,
    },
    operands: ['FILE'],
    run: async () => (await import('./exportCommand')).importCommand,
  },
  report: {
    synopsis: 'report RECORDING [--format markdown|json] [--metric METRIC]',
    help: 'Say in at most 40 lines what a recording found: the cause, functions and lines with sampling errors, what was not seen.',
    notes: ['RECORDING may be of another profiler: see "ebpf-tracer import --help".'],
    options: {
      format: { value: 'FORMAT', short: 'f', help: 'markdown (default) or json.' },
      metric: METRIC_OPTION,
      sources: {
        value: 'FOLDER',
        repeatable: true,
        help: 'Show the hottest functions with their source instead, of files in this folder.',
      },
      redact: {
        value: 'LIST',
        help: 'Leave out arguments (of commands), paths (outside of --sources), both with a comma, or none (default).',
      },
      json: JSON_OPTION,
    },
    operands: ['RECORDING'],
    run: async () => (await import('./reportCommand')).reportCommand,
  },
  compare: {
    synopsis: 'compare (A B | A… -- B…) [OPTION…]',
    help: 'Say what changed from recording A to B, for each function and line with its 95 % interval; noise is called noise.',
    notes: [
      'Functions are matched across builds by name and file; moved and renamed ones are told. Several recordings of one program',
      'on a side are put together, with "--" between the sides; then the intervals hold how much runs differ, too.',
      "With --fail-above 5% the exit code is 5 where the whole interval of a change lies above +5 % of the function's normalized",
      'total: of any function with 0.5 % or more in A or B, or of those named by --function. New functions count.',
    ],
    options: {
      output: { value: 'FILE', short: 'o', help: 'Also write B as a recording that shows the changes in VS Code.' },
      redact: { value: 'LIST', help: 'As in "report".' },
      by: { value: 'WHAT', help: 'Normalize by cpu (CPU time), samples (default) or requests (HTTP).' },
      metric: METRIC_OPTION,
      'fail-above': { value: 'PERCENT', help: 'Exit with 5 where a function surely grew by more, e.g. 5%.' },
      function: { value: 'NAME', repeatable: true, help: 'Ask --fail-above about this function; may be repeated.' },
      json: JSON_OPTION,
    },
    operands: [],
    rest: 'RECORDING',
    tail: true,
    run: async () => (await import('./compareCommand')).compareCommand,
  },
  mcp: {
    synopsis: 'mcp [--folder FOLDER…] [--redact LIST] [--allow-record]',
    help: 'Serve recordings to an assistant by the Model Context Protocol on stdin and stdout: report, hot code, comparison.',
    notes: [
      'All tools but record_program only read. That one asks the user first, through the client (elicitation); where the client cannot ask,',
      'it is refused unless the server was started with --allow-record. No password is asked for.',
    ],
    options: {
      folder: {
        value: 'FOLDER',
        repeatable: true,
        help: 'Recordings and sources of these folders are shown (default: this one).',
      },
      redact: {
        value: 'LIST',
        help: 'Leave out arguments (of commands; default), paths (outside of the folders), both with a comma, or none.',
      },
      'allow-record': { help: 'Recordings may start without being confirmed each time.' },
    },
    operands: [],
    run: async () => (await import('./mcp')).mcp,
  },
  symbolize: {
    synopsis: 'symbolize FILE [ADDRESS…] [OPTION…]',
    help: 'Name functions, inlined ones too, and source lines of addresses in a program, library or debug file.',
    notes: [
      'Addresses are virtual ones of the file, hexadecimal, as objdump and readelf show them; without any they are',
      'read from stdin, one a line. Innermost inlined function first; separate debug files are found as in a recording.',
    ],
    options: { 'debug-dir': DEBUG_DIR_OPTION, json: JSON_OPTION },
    operands: ['FILE'],
    rest: 'ADDRESS',
    run: async () => (await import('./symbolize')).symbolize,
  },
  'unwind-table': {
    synopsis: 'unwind-table FILE [--json]',
    help: 'Print the rows by which stacks are walked through a program or library without frame pointers. A row holds up to the address of the next one; a gap, of which nothing is known, is a row of its own ("no information", in JSON "cfa": null).',
    options: { json: JSON_OPTION },
    operands: ['FILE'],
    run: async () => (await import('./unwindTable')).unwindTable,
  },
  serve: {
    synopsis: 'serve …',
    help: 'Run the helper for a client such as the VS Code extension (it passes the options).',
    options: {},
    operands: [],
    ownArguments: true,
    run: async () => (await import('./serve')).serve,
  },
});

export const COMMANDS = commandsFor(TRACERS, USUAL_TRACERS);
