// `ebpf-tracer http`: traces the HTTP requests of processes, shows a live table of routes on a terminal, and prints the result.

import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { tracersNamed } from '../engine/chooseTracers';
import { checkOutput } from '../export/outputFile';
import { httpSummaryOf, liveLines } from '../http/report';
import {
  EXIT,
  type HelperNotes,
  type HttpLive,
  type HttpOptions,
  type HttpReport,
  TracerError,
  tracerError,
} from '../protocol';
import { messages, output, type Terminal } from '../terminal/terminal';
import { type CommandContext, type ParsedArguments, parseDuration } from './arguments';
import { findCaller } from './caller';
import { type Conducted, type ConductPlan, conduct, type Display } from './conduct';
import { describeEnd } from './heldLaunch';
import { HttpExports } from './httpExports';
import { Interrupts } from './interrupts';
import { planTarget, refuseUnstarted } from './targets';

const TRACER = 'http';

interface HttpPlan extends ConductPlan {
  /** Made for a recording that nobody asked to keep. */
  temporary: string | null;
}

/** Returns the exit code. Throws TracerError. */
export async function http(args: ParsedArguments, context: CommandContext): Promise<number> {
  const interrupts = new Interrupts();
  const caller = findCaller();
  const exports = await HttpExports.open(args);
  let plan: HttpPlan | null = null;
  try {
    plan = planHttp(args, caller, context, exports);
    if (!plan.temporary && !caller.dropTo) await checkOutput(plan.options.output, () => true);
    if (!caller.dropTo) await exports.check();
    const display = new HttpDisplay(messages, plan.options.title, messages.isTTY && plan.command === null, exports);
    return await present(plan, await conduct(plan, caller, interrupts, display, context), exports);
  } finally {
    interrupts.dispose();
    await exports.close();
    if (plan?.temporary) rmSync(plan.temporary, { recursive: true, force: true });
  }
}

function planHttp(
  args: ParsedArguments,
  caller: ReturnType<typeof findCaller>,
  context: CommandContext,
  { wantsAllRows }: HttpExports,
): HttpPlan {
  const value = (name: string) => args.options.get(name)?.[0];
  const anyUser = args.options.has('any-user');
  const duration = value('duration');
  const durationMs = duration === undefined ? null : parseDuration(duration);
  const target = planTarget(args, caller, anyUser);
  const tracers = tracersNamed(context.tracers, [TRACER]).map((tracer) => ({
    tracer,
    options: {
      ...(tracer.fromCommandLine(args.options) as HttpOptions),
      ...(wantsAllRows ? { allRowsLive: true } : {}),
    },
  }));
  const kept = value('output');
  const temporary = kept === undefined ? mkdtempSync(join(tmpdir(), 'ebpf-tracer-http-')) : null;
  if (temporary && caller.dropTo) chownSync(temporary, caller.dropTo.uid, caller.dropTo.gid);
  return {
    ...target,
    tracers,
    temporary,
    children: !args.options.has('no-children'),
    json: args.options.has('json'),
    options: {
      tracers: Object.fromEntries(tracers.map(({ tracer, options }) => [tracer.id, options])),
      durationMs,
      output: temporary ? join(temporary, 'http.speedscope.json') : resolve(kept!),
      title: target.title,
      anyUser,
      without: (args.options.get('without') ?? []).flatMap((list) => list.split(',')).filter(Boolean),
      requestedAtMs: performance.timeOrigin,
    },
  };
}

/** Prints what came of it. */
async function present(
  plan: HttpPlan,
  { summary, error, commandEnd }: Conducted,
  exports: HttpExports,
): Promise<number> {
  refuseUnstarted(plan, error, commandEnd);
  const found = summary && httpSummaryOf(summary);
  if (error && !(found && error.code === 'DISK_FULL')) throw new TracerError(error);
  if (!summary || !found) throw tracerError('CANCELLED');
  const { written, failed } = await exports.finish(summary, plan.options.title);
  void messages.lines(failed.flatMap(({ message, fix }) => [`ebpf-tracer: ${message}`, fix]));
  const exit = failed.length > 0 ? EXIT.failed : EXIT.done;
  if (plan.json) {
    const { cpuMs, rssBytes, bpfNs } = summary.helper;
    const report: HttpReport = { ...found, attach: summary.attach, helper: { cpuMs, rssBytes, bpfNs } };
    void output.json({ ...report, ...(commandEnd ? { command: commandEnd } : {}) });
    return exit;
  }
  const [{ tracer, options }] = plan.tracers;
  const ended = commandEnd ? `; the command ended with ${describeEnd(commandEnd)}` : '';
  void output.lines([
    `${plan.options.title}: ${tracer.headline(summary, options)}${ended}`,
    '',
    ...tracer.report(summary, process.cwd()),
    ...(plan.temporary ? [] : [`Recording: ${summary.output}`]),
    ...written.map((path) => `Written: ${path}`),
  ]);
  return exit;
}

/** On a terminal a table that is drawn anew each second; elsewhere one line that says that it has begun. */
class HttpDisplay implements Display {
  private rows = 0;

  constructor(
    private readonly terminal: Terminal,
    private readonly title: string,
    /** A launched command writes to the same terminal. */
    private readonly drawsTable: boolean,
    private readonly exports: HttpExports,
  ) {}

  say(text: string): void {
    if (this.rows === 0) this.terminal.status(text);
  }

  attached(): void {
    this.terminal.status(null);
    void this.terminal.lines([`Tracing HTTP of ${this.title} … (Ctrl-C ends)`]);
  }

  progress(note: HelperNotes['record/progress']): void {
    const live = note.tracers.find(({ id }) => id === TRACER)?.live as HttpLive | undefined;
    if (!live) return;
    this.exports.progress(live, note);
    if (!this.drawsTable) return;
    this.rows = this.terminal.redraw(liveLines(live), this.rows);
  }

  /** The result takes the table's place. */
  clear(): void {
    this.terminal.status(null);
    if (this.rows > 0) this.rows = this.terminal.redraw([], this.rows);
  }
}
