// `ebpf-tracer record`: what is to be recorded and where it goes, by the arguments; and the result, printed.

import { resolve } from 'node:path';
import { safeName, timeInName } from '../client/recordingNames';
import { tracersNamed } from '../engine/chooseTracers';
import type { ChosenTracer, GivenOptions, Tracer } from '../engine/tracer';
import { convert, type Format, looksLike, parseFormat, suffixOf } from '../export/formats';
import { checkOutput, writeAtomically } from '../export/outputFile';
import { EXIT, type RecordSummary, TracerError, tracerError } from '../protocol';
import { messages, output } from '../terminal/terminal';
import { type CommandContext, type ParsedArguments, parseDuration } from './arguments';
import { type Caller, findCaller } from './caller';
import { type Conducted, type ConductPlan, conduct } from './conduct';
import { type CommandEnd, describeEnd } from './heldLaunch';
import { Interrupts } from './interrupts';
import { ProgressBar } from './progressBar';
import { openingHint, textReport } from './report';
import { planTarget, refuseUnstarted } from './targets';

interface RecordPlan extends ConductPlan {
  format: Format;
  /** Where the result goes in the end; options.output is the speedscope file. */
  output: string;
}

/** Returns the exit code. Throws TracerError. */
export async function record(args: ParsedArguments, context: CommandContext): Promise<number> {
  const interrupts = new Interrupts();
  const caller = findCaller();
  const plan = planRecording(args, caller, context);
  // Root in another's name may write where the caller may not: then the helper, which is the caller, finds out.
  if (!caller.dropTo) await checkOutput(plan.output, looksLike(plan.format));
  try {
    const bar = new ProgressBar(messages, plan.options.title, plan.options.durationMs);
    return await present(plan, await conduct(plan, caller, interrupts, bar, context));
  } finally {
    interrupts.dispose();
  }
}

function planRecording(args: ParsedArguments, caller: Caller, context: CommandContext): RecordPlan {
  const value = (name: string) => args.options.get(name)?.[0];
  const format = parseFormat(value('format') ?? 'speedscope');
  const tracers = planTracers(args.options, context);
  const duration = value('duration');
  const durationMs = duration === undefined ? null : parseDuration(duration);
  const anyUser = args.options.has('any-user');
  const { pids, command, title } = planTarget(args, caller, anyUser);
  const output = resolve(value('output') ?? defaultName(title, format));
  return {
    pids,
    command,
    format,
    output,
    json: args.options.has('json'),
    tracers,
    children: !args.options.has('no-children'),
    options: {
      tracers: Object.fromEntries(tracers.map(({ tracer, options }) => [tracer.id, options])),
      durationMs,
      output: format === 'speedscope' ? output : `${output}${suffixOf('speedscope')}`,
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

/** `nginx-2026-01-31T12-00-00.speedscope.json`. */
const defaultName = (title: string, format: Format): string =>
  `${safeName(title)}-${timeInName(new Date())}${suffixOf(format)}`;

/** Prints what came of it. Returns the exit code. */
async function present(plan: RecordPlan, { summary, error, commandEnd }: Conducted): Promise<number> {
  refuseUnstarted(plan, error, commandEnd);
  if (error && !(summary && error.code === 'DISK_FULL')) throw new TracerError(error);
  if (!summary) throw tracerError('CANCELLED');
  if (plan.format !== 'speedscope') await convertRecording(plan, summary);
  printSummary(plan, summary, commandEnd);
  if (error) throw new TracerError(error);
  return EXIT.done;
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
