// HTTP as a tracer of a recording: what is attached to the session's kernel side, and what the recording is told of it.

import { HTTP_EVENT_KIND } from '../abi/httpEvents.gen';
import { native } from '../bpf/libbpf';
import type { BpfObject } from '../bpf/object';
import type { KernelSession } from '../engine/kernelSession';
import type { EndFacts, RunningTracer } from '../engine/tracer';
import { runtimeOf } from '../process/runtime';
import {
  type ErrorReport,
  errorReport,
  type HttpOptions,
  type HttpSection,
  type HttpSummary,
  type TimelineProfile,
} from '../protocol';
import { Handlers } from './handlers/handlers';
import { HttpTrace } from './httpTrace';
import type { ThreadHabit } from './links';
import { attachSockets, loadProbes } from './loadTracer';
import { spanTimeline } from './spanTimeline';
import { TlsLibraries } from './tls/tlsLibraries';

/** Libraries are looked for so often; each time that is a look at which mappings there are. */
const LIBRARIES_INTERVAL_MS = 200;
const SOURCES_WAIT_MS = 1_000;
/** The start waits no longer for probes of libraries that are there already. */
const LIBRARIES_AT_START_MS = 3_000;

/** Throws HTTP_NOT_ATTACHED or BpfLoadError. */
export async function startHttp(options: HttpOptions, session: KernelSession): Promise<RunningTracer> {
  const handlers = new Handlers();
  const made = (object: BpfObject) =>
    new HttpTrace(object, session.possibleCpus, options, {
      habitOf: threadHabits(),
      handlerOf: (method, route) => handlers.handlerOf(method, route),
    });
  const { object, programs, markOld, trace } = attachSockets(session, made, (step) => session.report(step));
  session.on(HTTP_EVENT_KIND.EVENT_HTTP_SPAN, (words, at) => trace.take(words, at));
  for (const [kind, take] of trace.takers()) session.on(kind, take);
  session.regularly(() => trace.tick());
  for (const program of programs) session.countRunTime(object, program);
  const { attach, step } = loadProbes(session, options.plaintext !== 'none');
  session.report(step);
  const libraries = attach
    ? new TlsLibraries(
        session.processes,
        attach,
        step,
        (fd) => void native().system.close(fd),
        (text) => session.log('debug', `TLS libraries: ${text}`),
      )
    : null;
  session.later(async () => {
    session.report(trace.markOld(markOld));
    if (libraries) await followLibraries(libraries, session);
  });
  session.report(handlers.step);
  const read = handlers.read(options.sources, session.targets.pids);
  return new RunningHttp(trace, libraries, {
    read,
    get isReading() {
      return handlers.isReading;
    },
  });
}

/** Asked for each process once. */
function threadHabits(): (pid: number) => ThreadHabit {
  const known = new Map<number, ThreadHabit>();
  return (pid) => {
    let habit = known.get(pid);
    if (habit === undefined) {
      const runtime = runtimeOf(pid);
      habit = runtime === 'node' ? 'event loop' : runtime === 'go' ? 'changing' : 'unknown';
      known.set(pid, habit);
    }
    return habit;
  };
}

/** Those that are mapped now are probed before it begins, others as they come. */
async function followLibraries(libraries: TlsLibraries, session: KernelSession): Promise<void> {
  const { pids, startAtExec } = session.targets;
  if (!startAtExec) {
    for (const pid of pids) session.processes.add(pid);
    const until = performance.now() + LIBRARIES_AT_START_MS;
    do {
      libraries.update();
      await new Promise((resolve) => setTimeout(resolve, 10));
    } while (libraries.isSearching && performance.now() < until);
  }
  let lookedAtMs = 0;
  session.regularly(() => {
    const now = performance.now();
    if (now - lookedAtMs < LIBRARIES_INTERVAL_MS) return;
    lookedAtMs = now;
    libraries.update();
  });
}

class RunningHttp implements RunningTracer {
  constructor(
    private readonly trace: HttpTrace,
    private readonly libraries: TlsLibraries | null,
    private readonly sources: { readonly isReading: boolean; read: Promise<void> },
  ) {}

  progress(): { count: number; lost: number } {
    return this.trace.progress();
  }

  live() {
    return this.trace.live();
  }

  section(): HttpSection {
    return this.trace.section();
  }

  timeline(): TimelineProfile | null {
    return spanTimeline(this.section());
  }

  summary(): HttpSummary {
    const { exemplars: _, ...summary } = this.trace.section();
    return summary;
  }

  whyEmpty(facts: EndFacts): ErrorReport {
    if (facts.counters.refused && facts.counters.refused.processes > 0 && 'pids' in facts.target)
      return errorReport('NOTHING_RECORDED_REFUSED', facts.target.pids[0]);
    return errorReport('NOTHING_RECORDED_QUIET', 'HTTP requests');
  }

  reset(): void {
    this.trace.reset();
  }

  stop(): Promise<void> | void {
    if (this.sources.isReading) return this.sourcesRead().then(() => this.end());
    this.end();
  }

  /** Of a short trace; the result does not wait for long. */
  private async sourcesRead(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, SOURCES_WAIT_MS);
    });
    await Promise.race([this.sources.read, late]);
    clearTimeout(timer);
  }

  private end(): void {
    this.trace.stop();
    this.libraries?.close();
  }
}
