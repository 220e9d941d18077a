// `ebpf-tracer record`: finds the target or launches it held, gets a helper, records until time, exit or Ctrl-C, and
// prints the result. Runs as the caller; only the helper has rights.

import { basename, resolve } from 'node:path';
import { tracersNamed } from '../engine/chooseTracers';
import type { ChosenTracer, GivenOptions, Tracer } from '../engine/tracer';
import { convert, FORMAT_SUFFIX, type Format, looksLike, parseFormat } from '../export/formats';
import { checkOutput, writeAtomically } from '../export/outputFile';
import { ownsNamespace } from '../privilege/userNamespace';
import { checkTarget, parsePid } from '../process/validate';
import { EXIT, type RecordOptions, type RecordSummary, TracerError, tracerError } from '../protocol';
import { messages, output } from '../terminal/terminal';
import { type CommandContext, type ParsedArguments, parseDuration } from './arguments';
import { becomeCaller, type Caller, cacheDirOf, findCaller } from './caller';
import { ConductedRecording } from './conductedRecording';
import { startHelper } from './elevate';
import { type CommandEnd, describeEnd, findProgram, type HeldCommand, launchHeld } from './heldLaunch';
import { Interrupts } from './interrupts';
import { ProgressBar } from './progressBar';
import { openingHint, textReport } from './report';

interface RecordPlan {
  options: Omit<RecordOptions, 'target'>;
  tracers: ChosenTracer[];
  children: boolean;
  /** null where a command is launched. */
  pid: number | null;
  command: string[] | null;
  format: Format;
  /** Where the result goes in the end; options.output is the speedscope file. */
  output: string;
  json: boolean;
}

/** Returns the exit code. Throws TracerError. */
export async function record(args: ParsedArguments, context: CommandContext): Promise<number> {
  const interrupts = new Interrupts();
  const caller = findCaller();
  const plan = planRecording(args, caller, context);
  // Root in another's name may write where the caller may not: then the helper, which is the caller, finds out.
  if (!caller.dropTo) await checkOutput(plan.output, looksLike(plan.format));
  if (plan.command) findProgram(plan.command[0], caller.environment.PATH);
  const launch = new Launch(plan, caller);
  // Beside the helper's start; root in another's name launches once it has become that user.
  if (!caller.dropTo) launch.start();
  try {
    return await recordTarget(plan, caller, launch, interrupts, context);
  } finally {
    launch.held?.cancel();
    interrupts.dispose();
  }
}

/** The command of `record -- COMMAND`, once it is started. */
class Launch {
  held: HeldCommand | null = null;
  constructor(
    private readonly plan: RecordPlan,
    private readonly caller: Caller,
  ) {}

  start(): void {
    const { command, json } = this.plan;
    if (command) this.held = launchHeld(command, this.caller.environment, json);
  }
}

function planRecording(args: ParsedArguments, caller: Caller, context: CommandContext): RecordPlan {
  const value = (name: string) => args.options.get(name)?.[0];
  const format = parseFormat(value('format') ?? 'speedscope');
  const tracers = planTracers(args.options, context);
  const duration = value('duration');
  const durationMs = duration === undefined ? null : parseDuration(duration);
  const anyUser = args.options.has('any-user');
  const pidText = value('pid');
  const command = args.tail;
  if (pidText !== undefined && command) throw tracerError('USAGE', 'Give either --pid or a command after "--".');
  if (pidText === undefined && (!command || command.length === 0))
    throw tracerError('USAGE', 'Give a process with --pid, or a command after "--".');
  let title: string;
  let pid: number | null = null;
  if (pidText !== undefined) {
    pid = parsePid(pidText);
    title = checkTarget(pid, {
      callerUid: caller.uid,
      anyUser,
      rights: { ownsNamespace },
      ownPids: [process.pid],
    }).name;
  } else title = basename(command![0]);
  const output = resolve(value('output') ?? defaultName(title, format));
  return {
    pid,
    command: pid === null ? command : null,
    format,
    output,
    json: args.options.has('json'),
    tracers,
    children: !args.options.has('no-children'),
    options: {
      tracers: Object.fromEntries(tracers.map(({ tracer, options }) => [tracer.id, options])),
      durationMs,
      output: format === 'speedscope' ? output : `${output}${FORMAT_SUFFIX.speedscope}`,
      title,
      anyUser,
      without: (args.options.get('without') ?? []).flatMap((list) => list.split(',')).filter(Boolean),
      debugFileDirectories: (args.options.get('debug-dir') ?? []).map((folder) => resolve(folder)),
      debuginfodUrls: [...(args.options.get('debuginfod') ?? [])],
      requestedAtMs: performance.timeOrigin,
    },
  };
}

/** By --trace, with the options that are each one's own. Throws TracerError. */
function planTracers(given: GivenOptions, { tracers, usual }: CommandContext): ChosenTracer[] {
  const names = given.get('trace')?.[0].split(',').filter(Boolean) ?? usual;
  const chosen = tracersNamed(tracers, names);
  const has = ({ commandLine }: Tracer, option: string) => Object.hasOwn(commandLine, option);
  for (const option of given.keys()) {
    const owners = tracers.filter((tracer) => has(tracer, option));
    if (owners.length > 0 && !chosen.some((tracer) => has(tracer, option)))
      throw tracerError(
        'USAGE',
        `--${option} is an option of ${owners.map(({ id }) => id).join(', ')}, which --trace leaves out.`,
      );
  }
  return chosen.map((tracer) => ({ tracer, options: tracer.fromCommandLine(given) }));
}

/** `nginx-2026-01-31T12-00-00.speedscope.json`, local time. */
function defaultName(title: string, format: Format): string {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000);
  const date = local.toISOString().slice(0, 19).replaceAll(':', '-');
  return `${title.replace(/[^\w.+-]+/g, '_') || 'recording'}-${date}${FORMAT_SUFFIX[format]}`;
}

async function recordTarget(
  plan: RecordPlan,
  caller: Caller,
  launch: Launch,
  interrupts: Interrupts,
  { helperPath }: CommandContext,
): Promise<number> {
  const bar = new ProgressBar(messages, plan.options.title, plan.options.durationMs);
  bar.say('Starting …');
  const becomeAndLaunch = () => {
    becomeCaller(caller);
    launch.start();
  };
  const helper = await startHelper({
    cacheDir: cacheDirOf(caller),
    helperPath,
    tracers: plan.tracers.map(({ tracer }) => tracer.id),
    without: plan.options.without,
    anyUser: plan.options.anyUser,
    log: ({ level, text }) => {
      // Downloads take time: who asked for them sees them.
      if (level === 'error' || (level !== 'debug' && text.startsWith('debuginfod: ')) || process.env.EBPF_TRACER_LOG)
        void messages.lines(text.split('\n').map((line) => `[${level}] ${line}`));
    },
    ...(caller.dropTo ? { caller: caller.dropTo, beforeConnect: becomeAndLaunch } : {}),
  });
  const { held } = launch;
  let commandEnd: CommandEnd | null = null;
  let summary: RecordSummary | null;
  try {
    if (interrupts.count > 0) throw tracerError('CANCELLED');
    const recording = new ConductedRecording(helper, bar);
    const target = { pids: [plan.pid ?? held!.pid], children: plan.children, startAtExec: plan.pid === null };
    await recording.start({ ...plan.options, target }, interrupts);
    held?.release();
    if (held && !process.stdin.isTTY) interrupts.onFirst((signal) => held.kill(signal));
    const outcome = await recording.finish(interrupts);
    if (held && !outcome.error) bar.say('Saved; waiting for the command to end …');
    if (held) commandEnd = await awaitCommand(held, outcome.summary?.stopReason === 'duration', interrupts);
    bar.clear();
    if (
      outcome.error?.code.startsWith('NOTHING_RECORDED') &&
      (commandEnd?.exitCode === 126 || commandEnd?.exitCode === 127)
    )
      throw tracerError('COMMAND_NOT_FOUND', plan.command![0], `it ended with ${describeEnd(commandEnd)}`);
    if (outcome.error && !(outcome.summary && outcome.error.code === 'DISK_FULL')) throw new TracerError(outcome.error);
    summary = outcome.summary;
    if (!summary) throw tracerError('CANCELLED');
    if (plan.format !== 'speedscope') await convertRecording(plan, summary);
    printSummary(plan, summary, commandEnd);
    if (outcome.error) throw new TracerError(outcome.error);
    return EXIT.done;
  } finally {
    bar.clear();
    helper.dispose();
  }
}

/** How long a command that was ended with the recording's time gets to obey. */
const TERMINATE_MS = 5_000;

async function awaitCommand(held: HeldCommand, timeIsOver: boolean, interrupts: Interrupts): Promise<CommandEnd> {
  let timer: NodeJS.Timeout | null = null;
  if (timeIsOver || (interrupts.count > 0 && !process.stdin.isTTY)) {
    if (timeIsOver) held.kill('SIGTERM');
    timer = setTimeout(() => held.kill('SIGKILL'), TERMINATE_MS);
  }
  const aborted = new Promise<never>((_, reject) => {
    interrupts.onSecond(() => {
      held.kill('SIGTERM');
      reject(tracerError('CANCELLED'));
    });
  });
  try {
    return await Promise.race([held.ended, aborted]);
  } finally {
    if (timer) clearTimeout(timer);
  }
}

/** The helper wrote speedscope's format; the result is made from it, then it goes. */
async function convertRecording(plan: RecordPlan, summary: RecordSummary): Promise<void> {
  const { readRecording } = await import('../export/readRecording');
  const { unlink } = await import('node:fs/promises');
  const recorded = await readRecording(plan.options.output);
  await writeAtomically(plan.output, await convert(recorded, plan.format));
  await unlink(plan.options.output);
  summary.output = plan.output;
}

function printSummary(plan: RecordPlan, summary: RecordSummary, commandEnd: CommandEnd | null): void {
  if (plan.json) {
    void output.json({ ...summary, ...(commandEnd ? { command: commandEnd } : {}) });
    return;
  }
  const lines = textReport(summary, {
    title: plan.options.title,
    tracers: plan.tracers,
    commandEnd: commandEnd && describeEnd(commandEnd),
    folder: process.cwd(),
  });
  void output.lines([...lines, ...(plan.format === 'speedscope' ? [openingHint(plan.output)] : [])]);
}
