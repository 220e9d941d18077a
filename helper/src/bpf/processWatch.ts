// Attaches process_watch.bpf.c, which follows the targets' fork, exec and exit in the kernel: the first rung of
// tp_btf -> raw_tp -> tracepoint that loads and attaches.

import type { AttachStep } from '../protocol';
import { BpfLoadError, type BpfObject, type ObjectLoader } from './object';
import { pidNamespaceInode } from './probe';

const RUNGS = [
  { rung: 'tp_btf', suffix: 'btf' },
  { rung: 'raw_tp', suffix: 'raw' },
  { rung: 'tracepoint', suffix: 'tracepoint' },
] as const;
const HOOKS = ['fork', 'exec', 'exit'] as const;

export interface ProcessWatch {
  /** Null where no rung could be taken. */
  object: BpfObject | null;
  programs: string[];
  step: AttachStep;
  /** What libbpf and the verifier said of the rungs that were refused. */
  log: string[];
}

/** `without` may name rungs to pass over. */
export function attachProcessWatch(loader: ObjectLoader): ProcessWatch {
  const refused: AttachStep['refused'] = [];
  const log: string[] = [];
  for (const { rung, suffix } of RUNGS) {
    const why = loader.without.has(rung)
      ? 'switched off'
      : rung === 'tracepoint' && pidNamespaceInode() !== 0
        ? 'names children only as the initial PID namespace does'
        : null;
    if (why) {
      refused.push({ rung, why });
      continue;
    }
    const programs = HOOKS.map((hook) => `${hook}_${suffix}`);
    let object: BpfObject | null = null;
    try {
      object = loader.load('process_watch', (opened) => {
        for (const other of RUNGS)
          for (const hook of HOOKS) opened.setAutoload(`${hook}_${other.suffix}`, other.rung === rung);
      });
      for (const program of programs) object.attach(program);
      return { object, programs, step: { what: 'children', taken: rung, refused }, log };
    } catch (error) {
      if (object) loader.unload(object);
      if (!(error instanceof BpfLoadError)) throw error;
      refused.push({ rung, why: error.message });
      log.push([error.message, ...error.log].join('\n'));
    }
  }
  return { object: null, programs: [], step: { what: 'children', taken: null, refused }, log };
}
