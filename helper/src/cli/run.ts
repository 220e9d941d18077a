// One run of the command line: finds the command in the table, checks its arguments by it, runs it, and turns its outcome into text
// or JSON and an exit code.

import { EXIT, exitCodeOf, TRACER_VERSION, toErrorReport } from '../protocol';
import { messages, output } from '../terminal/terminal';
import { type CommandContext, type Commands, parseArguments } from './arguments';

async function run(argv: readonly string[], commands: Commands, context: CommandContext): Promise<number> {
  const [first = ''] = argv;
  const command = Object.hasOwn(commands, first) ? commands[first] : null;
  // The helper reads its own arguments: they are between it and its client.
  if (command?.ownArguments && !argv.includes('--help') && !argv.includes('-h')) {
    const args = { command: first, help: false, version: false, options: new Map(), operands: [...argv], tail: null };
    return (await command.run())(args, context);
  }
  const args = parseArguments(argv, commands);
  if (args.version) {
    void output.lines([`ebpf-tracer ${TRACER_VERSION}`]);
    return EXIT.done;
  }
  if (args.help || args.command === null) {
    void output.lines((await import('./help')).helpText(args.command, commands).trimEnd().split('\n'));
    return EXIT.done;
  }
  return (await commands[args.command].run())(args, context);
}

/** Errors go to stdout as JSON where JSON was asked for, else to stderr as two sentences. */
function sayError(error: unknown, json: boolean): number {
  const report = toErrorReport(error);
  if (json) void output.json({ error: report });
  else void messages.lines([`ebpf-tracer: ${report.message}`, report.fix]);
  return exitCodeOf(report.code);
}

/** Waits for what is still in the pipes: process.exit would cut it off. */
function exit(code: number): void {
  process.exitCode = code;
  void Promise.all([output.flushed(), messages.flushed()]).then(() => process.exit(code));
}

/** Ends the process. */
export function runCommandLine(argv: readonly string[], commands: Commands, context: CommandContext): void {
  // A reader that went away (`… | head`) ends us quietly.
  output.onGone(() => process.exit(EXIT.failed));
  messages.onGone(() => {});
  const tail = argv.indexOf('--');
  const isJson = argv.slice(0, tail < 0 ? undefined : tail).includes('--json');
  run(argv, commands, context).then(exit, (error) => exit(sayError(error, isJson)));
}
