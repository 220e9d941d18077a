// A tracer of the tests, to prove that a tracer is one folder and one line: counts the programs that the targets execute. It has
// options, progress, losses, reasons for an empty recording, a section in the file, a summary and a report, and knows the rest of
// the helper through engine/tracer.ts and engine/kernelSession.ts alone. webview/test/toyTracer has its tab, extension/test/toyTracer
// its CodeLens.

import type { KernelSession } from '../../src/engine/kernelSession';
import type { RunningTracer, Tracer } from '../../src/engine/tracer';
import { checkShape, errorReport, isText, optional, tracerError } from '../../src/protocol';

export interface ExecOptions {
  /** Programs whose name begins so; left out: all. */
  prefix?: string;
}

/** In the recording's file, under `sections.execs`. */
export interface ExecSection {
  /** Most often executed first, at most MAX_PROGRAMS. */
  programs: { name: string; count: number }[];
}

const MAX_PROGRAMS = 100;
const PROCESS_RECORD_BYTES = 64;
const EXECS_PER_SECOND = 2_000;
/** Of a program's name in the kernel, without the byte that ends it. */
const NAME_MOST_CHARS = 15;

export const EXECS: Tracer<ExecOptions> = {
  id: 'execs',
  unit: 'execs',
  help: 'programs that are executed',
  targets: ['processes'],
  // The last is one that no other tracer needs: a helper that was started for others cannot run this one.
  capabilities: ['BPF', 'PERFMON', 'SYS_PTRACE', 'SYSLOG'],
  commandLine: { 'execs-of': { value: 'PREFIX', help: 'Count only programs whose name begins so.' } },
  fromCommandLine: (given) => EXECS.check({ prefix: given.get('execs-of')?.[0] }),
  check(value) {
    const { prefix } = checkShape<ExecOptions>('execs', value, { prefix: optional(isText) });
    if (prefix !== undefined && prefix.length > NAME_MOST_CHARS)
      throw tracerError('USAGE', `execs: no program's name is longer than ${NAME_MOST_CHARS} characters.`);
    return { prefix };
  },
  metrics: () => [],
  ringBytesPerSecond: () => EXECS_PER_SECOND * PROCESS_RECORD_BYTES,
  preload: async () => {},
  start: async (options, session) => new ExecCounts(options, session),
  headline: ({ tracers = [], durationMs }) =>
    `${tracers.find(({ id }) => id === 'execs')?.count ?? 0} execs in ${(durationMs / 1000).toFixed(1)} s`,
  report: ({ tracers = [] }) => {
    const found = tracers.find(({ id }) => id === 'execs')?.summary as ExecSection | undefined;
    return (found?.programs ?? []).map(({ name, count }) => `  ${String(count).padStart(7)}  ${name}`);
  },
};

class ExecCounts implements RunningTracer {
  private readonly byName = new Map<string, number>();
  private count = 0;

  constructor(
    { prefix = '' }: ExecOptions,
    private readonly session: Pick<KernelSession, 'onProcess' | 'sink' | 'counters' | 'report'>,
  ) {
    session.report({ what: 'execs', taken: 'process records', refused: [] });
    session.onProcess((record) => {
      if (record.kind !== 'exec' || !record.name.startsWith(prefix)) return;
      this.count++;
      this.byName.set(record.name, (this.byName.get(record.name) ?? 0) + 1);
      session.sink.taken(record.timeNs);
    });
  }

  progress() {
    return { count: this.count, lost: this.session.counters().lostProcess };
  }

  section(): ExecSection {
    const programs = [...this.byName].map(([name, count]) => ({ name, count }));
    return { programs: programs.sort((a, b) => b.count - a.count).slice(0, MAX_PROGRAMS) };
  }

  summary(): ExecSection {
    return this.section();
  }

  whyEmpty() {
    return errorReport('NOTHING_RECORDED_QUIET', 'execs');
  }

  reset(): void {
    this.count = 0;
    this.byName.clear();
  }

  /** The session ends what it listens to. */
  stop(): void {}
}
