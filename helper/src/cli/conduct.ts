// A recording from the command line, whatever its tracers are: launches the command held or takes running processes, gets a helper,
// records until time, exit or Ctrl-C, and waits for the command. Runs as the caller; only the helper has rights.

import type { ChosenTracer } from '../engine/tracer';
import { type ErrorReport, type RecordOptions, type RecordSummary, type RecordTarget, tracerError } from '../protocol';
import { messages } from '../terminal/terminal';
import type { CommandContext } from './arguments';
import { becomeCaller, type Caller, cacheDirOf } from './caller';
import { ConductedRecording } from './conductedRecording';
import { startHelper } from './elevate';
import { type CommandEnd, findProgram, type HeldCommand, launchHeld } from './heldLaunch';
import type { Interrupts } from './interrupts';
import { isInOtherNamespace } from './namespaces';
import type { ProgressBar } from './progressBar';

export interface ConductPlan {
  options: Omit<RecordOptions, 'target'>;
  tracers: readonly ChosenTracer[];
  children: boolean;
  /** null where a command is launched. */
  pids: number[] | null;
  command: string[] | null;
  /** What is recorded where it is no process; `pids` and `command` are null then. */
  target?: RecordTarget;
  /** It lies in another network namespace. */
  namespaces?: boolean;
  /** Standard output carries nothing but the result. */
  json: boolean;
}

export interface Conducted {
  summary: RecordSummary | null;
  error: ErrorReport | null;
  commandEnd: CommandEnd | null;
}

/** What is shown meanwhile. */
export type Display = Pick<ProgressBar, 'say' | 'progress' | 'clear'> & {
  /** All is attached. */
  attached?(): void;
};

/** Throws TracerError. */
export async function conduct(
  plan: ConductPlan,
  caller: Caller,
  interrupts: Interrupts,
  display: Display,
  context: CommandContext,
): Promise<Conducted> {
  if (plan.command) findProgram(plan.command[0], caller.environment.PATH);
  const launch = new Launch(plan, caller);
  // Beside the helper's start; root in another's name launches once it has become that user.
  if (!caller.dropTo) launch.start();
  try {
    return await recordTarget(plan, caller, launch, interrupts, display, context);
  } finally {
    launch.held?.cancel();
    display.clear();
  }
}

/** A tracer of network namespaces enters that of its targets. */
const entersNamespaces = ({ tracers, pids }: ConductPlan): boolean =>
  tracers.some(({ tracer }) => tracer.targets.includes('netns')) && (pids ?? []).some(isInOtherNamespace);

/** The command behind `--`, once it is started. */
class Launch {
  held: HeldCommand | null = null;
  constructor(
    private readonly plan: ConductPlan,
    private readonly caller: Caller,
  ) {}

  start(): void {
    const { command, json } = this.plan;
    if (command) this.held = launchHeld(command, this.caller.environment, json);
  }
}

async function recordTarget(
  plan: ConductPlan,
  caller: Caller,
  launch: Launch,
  interrupts: Interrupts,
  display: Display,
  { helperPath }: CommandContext,
): Promise<Conducted> {
  display.say('Starting …');
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
    namespaces: plan.namespaces ?? entersNamespaces(plan),
    log: ({ level, text }) => {
      // Downloads take time: who asked for them sees them.
      if (level === 'error' || (level !== 'debug' && text.startsWith('debuginfod: ')) || process.env.EBPF_TRACER_LOG)
        void messages.lines(text.split('\n').map((line) => `[${level}] ${line}`));
    },
    ...(caller.dropTo ? { caller: caller.dropTo, beforeConnect: becomeAndLaunch } : {}),
  });
  const { held } = launch;
  try {
    if (interrupts.count > 0) throw tracerError('CANCELLED');
    const recording = new ConductedRecording(helper, display);
    const target = plan.target ?? {
      pids: plan.pids ?? [held!.pid],
      children: plan.children,
      startAtExec: plan.pids === null,
    };
    await recording.start({ ...plan.options, target }, interrupts);
    display.attached?.();
    held?.release();
    if (held && !process.stdin.isTTY) interrupts.onFirst((signal) => held.kill(signal));
    const outcome = await recording.finish(interrupts);
    if (held && !outcome.error) display.say('Saved; waiting for the command to end …');
    const timeIsOver = outcome.summary?.stopReason === 'duration';
    return { ...outcome, commandEnd: held && (await awaitCommand(held, timeIsOver, interrupts)) };
  } finally {
    display.clear();
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
