#!/usr/bin/env node
// The command line `ebpf-tracer` (dist/cli.js): unprivileged front end. Parses arguments, hands over to one command, and
// turns its outcome into text or JSON and an exit code. Commands are loaded when they are asked for: a recording wants
// to begin at once.

import { EXIT, exitCodeOf, TRACER_VERSION, toErrorReport } from '../protocol';
import { messages, output } from '../terminal/terminal';
import { type ParsedArguments, parseArguments } from './arguments';

async function run(args: ParsedArguments): Promise<number> {
  switch (args.command!) {
    case 'record':
      return (await import('./record')).record(args);
    case 'list':
      return (await import('./list')).list(args);
    case 'check':
      return (await import('./check')).check(args);
    case 'export':
      return (await import('./exportCommand')).exportCommand(args);
    case 'symbolize':
      return (await import('./symbolize')).symbolize(args);
    case 'unwind-table':
      return (await import('./unwindTable')).unwindTable(args);
    case 'serve':
      throw new Error('serve is handed over before arguments are parsed');
  }
}

async function main(argv: string[]): Promise<number> {
  // The helper reads its own arguments: they are between it and its client.
  if (argv[0] === 'serve' && !argv.includes('--help') && !argv.includes('-h'))
    return (await import('./serve')).serve(argv);
  const args = parseArguments(argv);
  if (args.version) {
    void output.lines([`ebpf-tracer ${TRACER_VERSION}`]);
    return EXIT.done;
  }
  if (args.help) {
    void output.lines((await import('./help')).helpText(args.command).trimEnd().split('\n'));
    return EXIT.done;
  }
  return run(args);
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

// A reader that went away (`… | head`) ends us quietly.
output.onGone(() => process.exit(EXIT.failed));
messages.onGone(() => {});

const argv = process.argv.slice(2);
const tail = argv.indexOf('--');
main(argv).then(exit, (error) => exit(sayError(error, argv.slice(0, tail < 0 ? undefined : tail).includes('--json'))));
