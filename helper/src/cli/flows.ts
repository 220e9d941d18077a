// `ebpf-tracer flows`: counts packets by flow, of a process, an interface or a network namespace; shows a live table on a terminal, and
// prints the result, with --json one object a line.

import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { tracersNamed } from '../engine/chooseTracers';
import { checkOutput } from '../export/outputFile';
import { readRecording } from '../export/readRecording';
import { flowLiveLines, flowSectionOf } from '../flow/report';
import {
  EXIT,
  type FlowLive,
  type FlowSection,
  type HelperNotes,
  type RecordTarget,
  TracerError,
  tracerError,
} from '../protocol';
import { messages, output, type Terminal } from '../terminal/terminal';
import { type CommandContext, type ParsedArguments, parseDuration } from './arguments';
import { type Caller, findCaller } from './caller';
import { type Conducted, type ConductPlan, conduct, type Display } from './conduct';
import { Interrupts } from './interrupts';
import { isInOtherNamespace, isOtherNamespace, namespacePath } from './namespaces';
import { planTarget } from './targets';

const TRACER = 'flows';

interface FlowsPlan extends ConductPlan {
  /** Made for a recording that nobody asked to keep. */
  temporary: string | null;
}

/** Returns the exit code. Throws TracerError. */
export async function flows(args: ParsedArguments, context: CommandContext): Promise<number> {
  const interrupts = new Interrupts();
  const caller = findCaller();
  const plan = planFlows(args, caller, context);
  try {
    if (!plan.temporary && !caller.dropTo) await checkOutput(plan.options.output, () => true);
    const display = new FlowsDisplay(messages, plan.options.title, messages.isTTY);
    return await present(plan, await conduct(plan, caller, interrupts, display, context));
  } finally {
    interrupts.dispose();
    if (plan.temporary) rmSync(plan.temporary, { recursive: true, force: true });
  }
}

function planFlows(args: ParsedArguments, caller: Caller, context: CommandContext): FlowsPlan {
  const value = (name: string) => args.options.get(name)?.[0];
  const { title, ...planned } = whatIsTraced(args, caller);
  const duration = value('duration');
  const durationMs = duration === undefined ? null : parseDuration(duration);
  const tracers = tracersNamed(context.tracers, [TRACER]).map((tracer) => ({
    tracer,
    options: tracer.fromCommandLine(new Map([...args.options, ['flow-filter', args.options.get('filter') ?? []]])),
  }));
  const kept = value('output');
  const temporary = kept === undefined ? mkdtempSync(join(tmpdir(), 'ebpf-tracer-flows-')) : null;
  if (temporary && caller.dropTo) chownSync(temporary, caller.dropTo.uid, caller.dropTo.gid);
  return {
    ...planned,
    command: null,
    tracers,
    temporary,
    children: true,
    json: args.options.has('json'),
    options: {
      tracers: Object.fromEntries(tracers.map(({ tracer, options }) => [tracer.id, options])),
      durationMs,
      output: temporary ? join(temporary, 'flows.speedscope.json') : resolve(kept!),
      title,
      // What a device carries is everybody's: asking for it is the word for that.
      anyUser: planned.pids === null,
      without: (args.options.get('without') ?? []).flatMap((list) => list.split(',')).filter(Boolean),
      requestedAtMs: performance.timeOrigin,
    },
  };
}

interface Traced {
  pids: number[] | null;
  target?: RecordTarget;
  namespaces: boolean;
  title: string;
}

function whatIsTraced(args: ParsedArguments, caller: Caller): Traced {
  const given = ['pid', 'interface', 'netns'].filter((name) => args.options.has(name));
  if (given.length > 1) throw tracerError('USAGE', `Give one of --${given.join(' and --')}.`);
  const value = (name: string) => args.options.get(name)?.[0];
  if (value('pid') !== undefined) {
    const { pids, title } = planTarget(args, caller, false);
    return { pids, title, namespaces: pids!.some(isInOtherNamespace) };
  }
  const device = value('interface');
  if (device !== undefined) return { pids: null, target: { interface: device }, namespaces: false, title: device };
  const named = value('netns');
  if (named === undefined)
    return { pids: null, target: { everything: true, except: [] }, namespaces: false, title: 'all interfaces' };
  const path = namespacePath(named);
  return { pids: null, target: { netns: path }, namespaces: isOtherNamespace(path), title: named };
}

/** Prints what came of it. */
async function present(plan: FlowsPlan, { summary, error }: Conducted): Promise<number> {
  const found = summary && flowSectionOf(summary);
  if (error && !(found && error.code === 'DISK_FULL')) throw new TracerError(error);
  if (!summary || !found) throw tracerError('CANCELLED');
  if (plan.json) {
    const { ebpfTracer } = await readRecording(plan.options.output);
    const section = (ebpfTracer?.sections?.flows as FlowSection | undefined) ?? found;
    await output.lines([...section.rows, { summary: section.summary }].map((one) => JSON.stringify(one)));
    return EXIT.done;
  }
  const [{ tracer, options }] = plan.tracers;
  void output.lines([
    `${plan.options.title}: ${tracer.headline(summary, options)}`,
    '',
    ...tracer.report(summary, process.cwd()),
    ...(plan.temporary ? [] : [`Recording: ${summary.output}`]),
  ]);
  return EXIT.done;
}

/** On a terminal a table that is drawn anew each second; elsewhere one line that says that it has begun. */
class FlowsDisplay implements Display {
  private rows = 0;

  constructor(
    private readonly terminal: Terminal,
    private readonly title: string,
    private readonly drawsTable: boolean,
  ) {}

  say(text: string): void {
    if (this.rows === 0) this.terminal.status(text);
  }

  attached(): void {
    this.terminal.status(null);
    void this.terminal.lines([`Tracing packets of ${this.title} … (Ctrl-C ends)`]);
  }

  progress({ tracers }: HelperNotes['record/progress']): void {
    const live = tracers.find(({ id }) => id === TRACER)?.live as FlowLive | undefined;
    if (!live || !this.drawsTable) return;
    this.rows = this.terminal.redraw(flowLiveLines(live), this.rows);
  }

  /** The result takes the table's place. */
  clear(): void {
    this.terminal.status(null);
    if (this.rows > 0) this.rows = this.terminal.redraw([], this.rows);
  }
}
