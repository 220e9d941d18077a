// Loads http_tracer.o with as much as this kernel takes: with the probes of TLS libraries, else without.

import { BpfLoadError, type BpfObject, type ObjectLoader } from '../bpf/object';
import { attachUprobes, BPF_TRACE_UPROBE_MULTI } from '../bpf/uprobeMulti';
import { TLS_PROGRAMS } from './tls/tlsLibraries';
import type { AttachUprobes } from './traceObject';

const OBJECT = 'http_tracer';

export interface LoadedHttpTracer {
  object: BpfObject;
  /** Or why there are no probes. */
  attachUprobes: AttachUprobes | string;
}

/** Throws BpfLoadError. */
export function loadHttpTracer(
  loader: ObjectLoader & { log(level: 'warn', text: string): void },
  plaintext: boolean,
): LoadedHttpTracer {
  const why =
    !plaintext || loader.without.has('tlsprobes')
      ? 'switched off'
      : process.arch === 'x64'
        ? null
        : 'probe points are found in x86-64 code only';
  if (why !== null) return { object: loader.load(OBJECT), attachUprobes: why };
  try {
    const object = loader.load(OBJECT, (loading) => {
      for (const program of TLS_PROGRAMS) {
        loading.setAutoload(program, true);
        loading.setExpectedAttachType(program, BPF_TRACE_UPROBE_MULTI);
      }
    });
    return { object, attachUprobes: (program, points) => attachUprobes(object.programFd(program), points) };
  } catch (error) {
    if (!(error instanceof BpfLoadError)) throw error;
    loader.log('warn', [error.message, ...error.log].join('\n'));
    return { object: loader.load(OBJECT), attachUprobes: `${error.message} (Linux 6.6 or later is needed)` };
  }
}
