// Loads what the HTTP tracer attaches, with as much as this kernel takes: the first rung of socket hooks that loads and attaches, and
// beside it the probes of TLS libraries.

import { BpfLoadError, type BpfObject, type ObjectLoader } from '../bpf/object';
import { attachUprobes, BPF_TRACE_UPROBE_MULTI } from '../bpf/uprobeMulti';
import { attachSingly } from '../bpf/uprobeSingle';
import { type AttachStep, tracerError } from '../protocol';
import { TLS_PROGRAMS } from './tls/tlsLibraries';
import type { AttachUprobes } from './traceObject';

interface SocketRung {
  rung: string;
  /** Passes over it (`--without`). */
  feature: string;
  object: string;
  programs: readonly string[];
  /** Marks sockets that carried something before; may be missing in the kernel. */
  markOld: string;
}

/** Best first. */
const SOCKET_RUNGS: readonly SocketRung[] = [
  {
    rung: "the socket layer's tracepoints",
    feature: 'socktracepoints',
    object: 'http_tracer',
    programs: ['http_received', 'http_sent', 'http_state'],
    markOld: 'http_mark_old',
  },
  {
    rung: 'the end of each system call',
    feature: 'sysexit',
    object: 'http_syscalls',
    programs: ['http_called', 'http_state_raw'],
    markOld: 'http_mark_old_raw',
  },
];

type Loader = ObjectLoader & { log(level: 'warn', text: string): void };

export interface SocketHooks<Trace> {
  object: BpfObject;
  trace: Trace;
  programs: readonly string[];
  /** Null: the kernel has no such iterator. */
  markOld: string | null;
}

/**
 * `made` makes the trace of a loaded object, and sets all that holds from its first call on. Throws HTTP_NOT_ATTACHED with what each rung
 * failed on; `told` gets the same.
 */
export function attachSockets<Trace>(
  loader: Loader,
  made: (object: BpfObject) => Trace,
  told: (step: AttachStep) => void,
): SocketHooks<Trace> {
  const step: AttachStep = { what: 'HTTP on sockets', taken: null, refused: [] };
  let last: BpfLoadError | null = null;
  for (const wanted of SOCKET_RUNGS) {
    if (loader.without.has(wanted.feature)) {
      step.refused.push({ rung: wanted.rung, why: 'switched off' });
      continue;
    }
    try {
      const { object, markOld } = loadRung(loader, wanted);
      const trace = attached(loader, object, wanted.programs, made);
      step.taken = wanted.rung;
      told(step);
      return { object, programs: wanted.programs, markOld, trace };
    } catch (error) {
      if (!(error instanceof BpfLoadError)) throw error;
      loader.log('warn', [error.message, ...error.log].join('\n'));
      step.refused.push({ rung: wanted.rung, why: error.message });
      last = error;
    }
  }
  told(step);
  // Rights and what else forbids all of BPF has its own words.
  if (last && FORBIDDEN.includes(last.errno)) throw last;
  throw tracerError('HTTP_NOT_ATTACHED', step.refused.map(({ rung, why }) => `${rung}: ${why}`).join('; '));
}

const FORBIDDEN = ['EPERM', 'EACCES'];

/** Throws BpfLoadError. */
function loadRung(loader: Loader, { object, markOld }: SocketRung): { object: BpfObject; markOld: string | null } {
  try {
    return { object: loader.load(object, (opened) => opened.setAutoload(markOld, true)), markOld };
  } catch (error) {
    if (!(error instanceof BpfLoadError)) throw error;
    return { object: loader.load(object, (opened) => opened.setAutoload(markOld, false)), markOld: null };
  }
}

/** Throws BpfLoadError; nothing is left of the object then. */
function attached<Trace>(
  loader: Loader,
  object: BpfObject,
  programs: readonly string[],
  made: (object: BpfObject) => Trace,
): Trace {
  try {
    const trace = made(object);
    for (const program of programs) object.attach(program);
    return trace;
  } catch (error) {
    loader.unload(object);
    throw error;
  }
}

const PROBE_RUNGS = [
  { rung: 'all of a library at once', feature: 'uprobemulti', multi: true },
  { rung: 'one by one', feature: 'singleuprobes', multi: false },
];

/** What attaches probes of TLS libraries; or why nothing does. `wanted`: by the user. */
export function loadProbes(loader: Loader, wanted: boolean): { attach: AttachUprobes | null; step: AttachStep } {
  const step: AttachStep = { what: 'TLS plaintext', taken: null, refused: [] };
  if (process.arch !== 'x64') {
    step.refused.push({ rung: 'probes', why: 'probe points are found in x86-64 code only' });
    return { attach: null, step };
  }
  for (const { rung, feature, multi } of PROBE_RUNGS) {
    if (!wanted || loader.without.has('tlsprobes') || loader.without.has(feature)) {
      step.refused.push({ rung, why: 'switched off' });
      continue;
    }
    try {
      const object = loader.load('http_tls', (loading) => {
        if (multi) for (const program of TLS_PROGRAMS) loading.setExpectedAttachType(program, BPF_TRACE_UPROBE_MULTI);
      });
      const attach = multi ? attachUprobes : attachSingly;
      return { attach: (program, points) => attach(object.programFd(program), points), step };
    } catch (error) {
      if (!(error instanceof BpfLoadError)) throw error;
      loader.log('warn', [error.message, ...error.log].join('\n'));
      step.refused.push({ rung, why: error.message });
    }
  }
  return { attach: null, step };
}
